import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Checks the packages of bun.lock: each must have a hash of its content, and none a known weakness. Ends with 1 if one
 * of them fails. What could not be checked is printed, and is no failure: a registry may not know weaknesses.
 */
const ROOT = join(import.meta.dir, "..");

/** `["name@1.2.3", "", {…}, "sha512-…"]` for each package. */
const lock = Bun.JSONC.parse(readFileSync(join(ROOT, "bun.lock"), "utf8")) as {
  packages: Record<string, unknown[]>;
};
const packages = Object.values(lock.packages);
const unhashed = packages
  .filter((one) => !String(one.at(-1)).startsWith("sha512-"))
  .map(([name]) => String(name));

const run = Bun.spawnSync([process.execPath, "audit", "--json"], { cwd: ROOT, stderr: "pipe" });
const weaknesses = weaknessesIn(run.stdout.toString());

console.log(`Hashes: ${packages.length - unhashed.length} of ${packages.length} packages have one.`);
for (const name of unhashed) console.log(`  without a hash: ${name}`);
if (weaknesses === undefined) {
  const [why = "no reason given"] = run.stderr.toString().trim().split("\n").slice(-1);
  console.log(`Not checked: known weaknesses of ${packages.length} packages (${why}).`);
} else console.log(`Known weaknesses: ${weaknesses.length === 0 ? "none" : weaknesses.join(", ")}.`);
console.log("Not checked: Bun itself, and the system's libraries that the programs use.");
process.exit(unhashed.length > 0 || (weaknesses?.length ?? 0) > 0 ? 1 : 0);

/** Names of packages; undefined where the answer is none. */
function weaknessesIn(text: string): string[] | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null ? Object.keys(found) : undefined;
  } catch {
    return undefined;
  }
}
