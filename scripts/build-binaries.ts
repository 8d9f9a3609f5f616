import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildBinary, currentCommit } from "./release/build-binary.ts";
import { PLATFORMS } from "./release/platforms.ts";
import { writeSums } from "./release/sums.ts";

const DIST = join(import.meta.dir, "..", "dist");

/** The program for this machine, or with `--all` for every one we know, each beside its checksum. */
async function main(words: readonly string[]): Promise<void> {
  if (!existsSync(join(import.meta.dir, "..", "node_modules"))) {
    console.error("The dependencies are not installed. Install them: npm start (or: bun install)");
    process.exit(1);
  }
  mkdirSync(DIST, { recursive: true });
  const commit = currentCommit();
  if (!words.includes("--all")) {
    const outfile = join(DIST, process.platform === "win32" ? "orouter.exe" : "orouter");
    buildBinary(outfile, { commit });
    console.log(outfile);
    return;
  }
  const outfiles: string[] = [];
  for (const { name, target, os } of PLATFORMS) {
    const outfile = join(DIST, `orouter-${name}${os === "win32" ? ".exe" : ""}`);
    rmSync(outfile, { force: true });
    buildBinary(outfile, { target, commit });
    outfiles.push(outfile);
    console.log(outfile);
  }
  await writeSums(join(DIST, "SHA256SUMS"), outfiles);
}

await main(process.argv.slice(2));
