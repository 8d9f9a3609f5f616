import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { buildBinary, currentCommit } from "./release/build-binary.ts";
import { homebrewFormula, scoopManifest } from "./release/manifests.ts";
import { packFolder, programIn, writeMainPackage, writePlatformPackage } from "./release/npm-packages.ts";
import { PLATFORMS, type Platform, platformsNamed } from "./release/platforms.ts";
import { writeSums } from "./release/sums.ts";

const ROOT = join(import.meta.dir, "..");

/** They go with every copy of the program. */
const LEGAL = ["LICENSE", "THIRD-PARTY-NOTICES.md"];

const HELP = `Makes everything a release hands out, into dist/release:
  npm/*.tgz          the packages for npm; publish those of the platforms first
  orouter-*          the program for each platform, and SHA256SUMS
  install.sh, orouter.rb, orouter.json   with --base-url only, since they say where those files lie

  --only A,B         these platforms (${PLATFORMS.map(({ name }) => name).join(", ")})
  --out DIR          somewhere else
  --base-url URL     where the files will lie
  --homepage URL     for the formula and the manifest (default: --base-url)`;

/** Builds the program for each platform, packs it for npm, and as the file that is downloaded. */
function packPlatform(platform: Platform, out: string, commit: string): Promise<string> {
  const folder = join(out, "packages", `orouter-${platform.name}`);
  const program = programIn(folder, platform);
  buildBinary(program, { target: platform.target, commit });
  chmodSync(program, 0o755);
  return writePlatformPackage(folder, platform).then(() => {
    console.log(packFolder(folder, join(out, "npm")));
    return archive(platform, program, out);
  });
}

async function archive(platform: Platform, program: string, out: string): Promise<string> {
  const name = join(out, `orouter-${platform.name}`);
  if (platform.os === "win32") {
    await copyFile(program, `${name}.exe`);
    return `${name}.exe`;
  }
  const tar = [
    "tar",
    "-czf",
    `${name}.tar.gz`,
    "-C",
    resolve(program, ".."),
    "orouter",
    "-C",
    ROOT,
    ...LEGAL,
  ];
  const run = Bun.spawnSync(tar, { stderr: "pipe" });
  if (run.exitCode !== 0) throw new Error(`tar failed:\n${run.stderr.toString()}`);
  return `${name}.tar.gz`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", default: "" },
      out: { type: "string", default: join(import.meta.dir, "..", "dist", "release") },
      "base-url": { type: "string" },
      homepage: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const platforms = platformsNamed(values.only.split(",").filter((name) => name !== ""));
  const out = resolve(values.out);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });

  const commit = currentCommit();
  const files: string[] = [];
  for (const platform of platforms) files.push(await packPlatform(platform, out, commit));
  const main = join(out, "packages", manifest.name);
  // All of them, whatever was built this time: the published package must name every one.
  await writeMainPackage(main, PLATFORMS);
  console.log(packFolder(main, join(out, "npm")));
  rmSync(join(out, "packages"), { recursive: true });

  const sums = await writeSums(join(out, "SHA256SUMS"), files);
  const baseUrl = values["base-url"];
  if (baseUrl === undefined) return console.log("No --base-url: no install.sh, orouter.rb and orouter.json.");
  await writeInstaller(out, baseUrl);
  if (platforms.length < PLATFORMS.length)
    return console.log("Not all platforms: no orouter.rb and orouter.json.");
  const release = { baseUrl, homepage: values.homepage ?? baseUrl, sums };
  await Bun.write(join(out, "orouter.rb"), homebrewFormula(release));
  await Bun.write(join(out, "orouter.json"), scoopManifest(release));
}

async function writeInstaller(out: string, baseUrl: string): Promise<void> {
  const text = await Bun.file(join(import.meta.dir, "release", "install.sh")).text();
  const file = join(out, "install.sh");
  await Bun.write(file, text.replaceAll("@BASE@", baseUrl).replaceAll("@VERSION@", manifest.version));
  chmodSync(file, 0o755);
}

await main();
