import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const BINARY = join(ROOT, "dist", process.platform === "win32" ? "orouter.exe" : "orouter");

/** The compiled program, built if it is missing or older than its sources. */
export function orouterBinary(): string {
  if (!existsSync(BINARY) || statSync(BINARY).mtimeMs < newestSource()) {
    const build = Bun.spawnSync([process.execPath, join(ROOT, "scripts/build-binaries.ts")], { cwd: ROOT });
    if (build.exitCode !== 0) throw new Error(`the build failed: ${build.stderr.toString()}`);
  }
  return BINARY;
}

/** The real opencode of the lockfile. */
export function opencodeBinary(): string {
  return join(ROOT, "node_modules/.bin/opencode");
}

function newestSource(): number {
  const src = join(ROOT, "src");
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).map((file) => join(src, file));
  return Math.max(
    ...files.map((file) => statSync(file).mtimeMs),
    statSync(join(ROOT, "package.json")).mtimeMs,
  );
}
