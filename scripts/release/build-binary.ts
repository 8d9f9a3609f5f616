import { basename, join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");

export interface BuildOptions {
  /** One of Bun's targets; without it the program is for this machine. */
  target?: string;
  /** Where it came from, for `--version`. */
  commit: string;
}

/** Builds one executable. */
export function buildBinary(outfile: string, { target, commit }: BuildOptions): void {
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

export function currentCommit(): string {
  const git = Bun.spawnSync(["git", "rev-parse", "--short", "HEAD"], { cwd: ROOT, stderr: "ignore" });
  return git.exitCode === 0 ? git.stdout.toString().trim() : "unknown";
}
