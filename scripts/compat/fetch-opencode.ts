import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where the program is, or why it cannot be had. */
export type Fetched = { file: string } | { why: string };

/** A program of the user's by its path, or a version from npm, which is fetched once. */
export async function fetchOpencode(wanted: string, limitMs: number): Promise<Fetched> {
  if (wanted.includes("/") || existsSync(wanted)) {
    const file = resolve(wanted);
    return existsSync(file) ? { file } : { why: `there is no ${file}` };
  }
  if (!/^[\w.+-]+$/.test(wanted)) return { why: `${wanted} is neither a path nor a version` };
  const deadline = Date.now() + limitMs;
  const reasons: string[] = [];
  for (const name of packagesOf(wanted)) {
    const fetched = await fetchPackage(name, wanted, deadline - Date.now());
    if ("file" in fetched) return fetched;
    reasons.push(fetched.why);
  }
  return { why: reasons.join("; ") };
}

/** The packages that hold the program itself for this machine; the one for every processor first. */
function packagesOf(version: string): string[] {
  const target = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const base = /^v?1(?:\.|$)/.test(version) ? `opencode-${target}` : `@opencode/cli-${target}`;
  return process.arch === "x64" ? [`${base}-baseline`, base] : [base];
}

/** Fetches one version of a package once; `program` is the file within it. */
export async function fetchPackage(
  name: string,
  version: string,
  limitMs: number,
  program = `bin/opencode${process.platform === "win32" ? ".exe" : ""}`,
): Promise<Fetched> {
  const spec = `${name}@${version.replace(/^v/, "")}`;
  const folder = join(cacheFolder(), spec.replaceAll("/", "+"));
  const file = join(folder, "node_modules", name, program);
  // A tag such as `latest` means another version tomorrow.
  if (existsSync(file) && /\d+\.\d+\.\d+/.test(version)) return { file };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}\n");
  const words = [
    "install",
    "--ignore-scripts",
    "--force",
    "--no-audit",
    "--no-fund",
    "--prefix",
    folder,
    spec,
  ];
  const npm = Bun.spawn(["npm", ...words], {
    cwd: folder,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: Math.max(1, limitMs),
  });
  const [said] = await Promise.all([npm.stderr.text(), npm.exited]);
  if (npm.exitCode === 0 && existsSync(file)) return { file };
  rmSync(folder, { recursive: true, force: true });
  return { why: `npm cannot install ${spec}${npm.exitCode === null ? " in time" : reasonIn(said)}` };
}

/** npm's own words, less what is in its log file anyway. */
function reasonIn(said: string): string {
  const code = /npm (?:error|ERR!) code (\w+)/.exec(said)?.[1];
  return code === undefined ? "" : ` (${code})`;
}

/** Outside of node_modules, so that the default installation stays as small as it is. */
function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "orouter-compat");
}
