import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";

/** The machines we build for, by the names of Bun's targets. */
const TARGETS = {
  "linux-x64": "bun-linux-x64",
  "linux-arm64": "bun-linux-arm64",
  "linux-x64-musl": "bun-linux-x64-musl",
  "darwin-arm64": "bun-darwin-arm64",
  "darwin-x64": "bun-darwin-x64",
  "windows-x64": "bun-windows-x64",
} as const;

const ROOT = join(import.meta.dir, "..");
const DIST = join(ROOT, "dist");

/** Builds one executable. Without a target it is for this machine. */
async function build(outfile: string, target: string | undefined, commit: string): Promise<void> {
  const command = [
    process.execPath,
    "build",
    "--compile",
    "--minify",
    // Commands are loaded when called: with a file for each, a start reads only what it runs.
    "--splitting",
    // Saves the parsing at every start; the default format of bytecode has no top-level await.
    "--bytecode",
    "--format=esm",
    // By default a compiled binary runs the `preload` of any folder's bunfig.toml and reads its .env.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    `--define=OROUTER_COMMIT=${JSON.stringify(commit)}`,
    ...(target === undefined ? [] : [`--target=${target}`]),
    join(ROOT, "src", "main.ts"),
    "--outfile",
    outfile,
  ];
  const run = Bun.spawnSync(command, { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  if (run.exitCode !== 0) throw new Error(`building ${basename(outfile)} failed:\n${run.stderr.toString()}`);
}

function currentCommit(): string {
  const git = Bun.spawnSync(["git", "rev-parse", "--short", "HEAD"], { cwd: ROOT, stderr: "ignore" });
  return git.exitCode === 0 ? git.stdout.toString().trim() : "unknown";
}

async function sumOf(file: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(file).stream()) hasher.update(chunk);
  return `${hasher.digest("hex")}  ${basename(file)}`;
}

async function main(words: readonly string[]): Promise<void> {
  await mkdir(DIST, { recursive: true });
  const commit = currentCommit();
  if (!words.includes("--all")) {
    const outfile = join(DIST, process.platform === "win32" ? "orouter.exe" : "orouter");
    await build(outfile, undefined, commit);
    console.log(outfile);
    return;
  }
  const sums: string[] = [];
  for (const [name, target] of Object.entries(TARGETS)) {
    const outfile = join(DIST, `orouter-${name}${name.startsWith("windows") ? ".exe" : ""}`);
    await rm(outfile, { force: true });
    await build(outfile, target, commit);
    sums.push(await sumOf(outfile));
    console.log(outfile);
  }
  await Bun.write(join(DIST, "SHA256SUMS"), `${sums.join("\n")}\n`);
}

await main(process.argv.slice(2));
