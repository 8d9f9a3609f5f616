import { chmodSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { buildLibrary } from "../build-library.ts";
import { type Platform, programName } from "./platforms.ts";

const ROOT = join(import.meta.dir, "..", "..");
const HERE = import.meta.dir;

const COMMON = {
  version: manifest.version,
  license: manifest.license,
  engines: { node: ">=18" },
};

/** Where a platform's program is expected inside its package. */
export function programIn(folder: string, platform: Platform): string {
  return join(folder, "bin", programName(platform));
}

/** The package that holds the program for one kind of machine; npm installs only the one that fits. */
export async function writePlatformPackage(folder: string, platform: Platform): Promise<void> {
  const { name, os, cpu, libc } = platform;
  for (const name of ["LICENSE", "THIRD-PARTY-NOTICES.md"]) cpSync(join(ROOT, name), join(folder, name));
  await writeJson(join(folder, "package.json"), {
    name: `orouter-${name}`,
    ...COMMON,
    description: `The program of orouter for ${name}`,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    files: ["bin"],
    preferUnplugged: true,
  });
}

/** What the README links to comes with it. */
const TEXTS = ["README.md", "LICENSE", "THIRD-PARTY-NOTICES.md", "CHANGELOG.md", "docs"];

/** The package that people install: a small launcher, the library, and the others as optional packages. */
export async function writeMainPackage(folder: string, platforms: readonly Platform[]): Promise<void> {
  mkdirSync(join(folder, "bin"), { recursive: true });
  cpSync(join(HERE, "launcher.cjs"), join(folder, "bin", "orouter"));
  chmodSync(join(folder, "bin", "orouter"), 0o755);
  cpSync(join(HERE, "link-program.cjs"), join(folder, "link-program.cjs"));
  for (const text of TEXTS) cpSync(join(ROOT, text), join(folder, text), { recursive: true });
  await buildLibrary(join(folder, "lib"));
  // The launcher is CommonJS, since it has no extension; the library is not.
  await writeJson(join(folder, "lib", "package.json"), { type: "module" });
  await writeJson(join(folder, "package.json"), {
    name: manifest.name,
    ...COMMON,
    description: manifest.description,
    bin: { orouter: "bin/orouter" },
    scripts: { postinstall: "node link-program.cjs" },
    exports: {
      ".": { types: "./lib/index.d.ts", default: "./lib/index.js" },
      "./package.json": "./package.json",
    },
    types: "./lib/index.d.ts",
    files: ["bin", "lib", "docs", "link-program.cjs", "CHANGELOG.md"],
    optionalDependencies: Object.fromEntries(
      platforms.map(({ name }) => [`orouter-${name}`, manifest.version]),
    ),
  });
}

/** Makes the file that npm would publish; its name says what is in it. */
export function packFolder(folder: string, into: string): string {
  mkdirSync(into, { recursive: true });
  const run = Bun.spawnSync(["npm", "pack", "--json", "--pack-destination", into], {
    cwd: folder,
    stderr: "pipe",
  });
  if (run.exitCode !== 0) throw new Error(`npm pack failed in ${folder}:\n${run.stderr.toString()}`);
  const [packed] = JSON.parse(run.stdout.toString()) as { filename: string }[];
  if (packed === undefined) throw new Error(`npm pack made nothing of ${folder}`);
  return join(into, packed.filename);
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await Bun.write(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
