import { mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Problem } from "../../core/problem.ts";

/** The output of a short run of a program, or why there is none. */
export type Answer = { kind: "text"; text: string; exitCode: number } | { kind: "none"; why: string };

export type VersionAnswer = { kind: "version"; text: string } | { kind: "none"; why: string };

/** A version anywhere in a line. */
const VERSION = /\d+\.\d+\.\d+\S*/;

/** It answers within a second or two; a busy machine takes longer. */
const ANSWER_MS = 15_000;

/** A longer output is neither a version nor a help page. */
const MAX_ANSWER = 64 * 1024;

/** Limited in time. */
export async function askProgram(
  command: readonly string[],
  env: Record<string, string>,
  timeoutMs = ANSWER_MS,
): Promise<Answer> {
  let child: Bun.Subprocess<"ignore", "pipe", "ignore">;
  try {
    child = Bun.spawn([...command], { env, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  } catch (cause) {
    return { kind: "none", why: `it cannot be started (${(cause as Error).message})` };
  }
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, timeoutMs, undefined);
  try {
    // A child of the program may hold the pipe open after the program has ended, so limit that, too.
    const answer = await Promise.race([Promise.all([child.stdout.text(), child.exited]), late]);
    if (answer === undefined) return { kind: "none", why: "it did not answer in time" };
    const [text, exitCode] = answer;
    return { kind: "text", text: text.slice(0, MAX_ANSWER), exitCode };
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    child.unref();
  }
}

export async function askVersion(
  file: string,
  env: Record<string, string>,
  timeoutMs?: number,
): Promise<VersionAnswer> {
  const answer = await askProgram([file, "--version"], env, timeoutMs);
  if (answer.kind === "none") return answer;
  const { text, exitCode } = answer;
  if (exitCode !== 0) return { kind: "none", why: `it ended with code ${exitCode}` };
  const version = VERSION.exec(text)?.[0];
  return version === undefined
    ? { kind: "none", why: "it names no version" }
    : { kind: "version", text: version };
}

export interface ProgramOptions {
  /** Names of npm packages whose version is the program's. */
  packages: RegExp;
  cacheDir: string;
  env: Record<string, string>;
  timeoutMs?: number;
}

export interface ProgramFacts {
  file: string;
  /** Undefined if it runs but reports no version. */
  version: string | undefined;
  /** The help page of a command or subcommand; undefined if it has none in time. */
  help: (words: readonly string[]) => Promise<string | undefined>;
}

/** The cache entry of a program; valid as long as its file is the same. */
interface Remembered {
  size: number;
  mtimeMs: number;
  version?: string | null;
  help?: Record<string, string>;
}

/** Avoids starting the program if its package or the cache has the version. */
export async function programFacts(file: string, options: ProgramOptions): Promise<ProgramFacts> {
  const real = realpathSync(file);
  const packaged = packageVersion(real, options.packages);
  const memory = rememberedOf(real, options.cacheDir);
  const version = packaged ?? (await versionOf(file, memory, options));
  return {
    file,
    version,
    help: async (words) => {
      const key = words.join(" ");
      const known = memory.get().help?.[key];
      if (known !== undefined) return known;
      const answer = await askProgram([file, ...words, "--help"], options.env, options.timeoutMs);
      if (answer.kind === "none" || answer.exitCode !== 0) return undefined;
      memory.add({ help: { ...memory.get().help, [key]: answer.text } });
      return answer.text;
    },
  };
}

async function versionOf(
  file: string,
  memory: ReturnType<typeof rememberedOf>,
  { env, timeoutMs }: ProgramOptions,
): Promise<string | undefined> {
  const { version: known } = memory.get();
  if (known !== undefined) return known ?? undefined;
  const answer = await askProgram([file, "--version"], env, timeoutMs);
  // Without its version it cannot be started in the right way, and the wrong way can do harm.
  if (answer.kind === "none") {
    throw new Problem({
      code: "no-version",
      what: `${file} does not tell its version: ${answer.why}.`,
      fix: `Run it by itself once: ${file} --version. If that fails too, install it again.`,
    });
  }
  if (answer.exitCode !== 0) return undefined;
  const version = VERSION.exec(answer.text)?.[0];
  memory.add({ version: version ?? null });
  return version;
}

/** The version in the package.json next to a program or in the folder above, if they belong together. */
function packageVersion(real: string, names: RegExp): string | undefined {
  const folder = dirname(real);
  for (const place of [folder, dirname(folder)]) {
    const { name, version } = readJson(join(place, "package.json"));
    if (typeof name === "string" && names.test(name) && typeof version === "string") return version;
  }
  return undefined;
}

const CACHE = "programs.json";

/** Updates leave old entries behind. */
const MAX_REMEMBERED = 10;

function rememberedOf(real: string, cacheDir: string) {
  const file = join(cacheDir, CACHE);
  const { size, mtimeMs } = statSync(real);
  const now: Remembered = { size, mtimeMs };
  const read = (): Remembered => {
    const found = readJson(file)[real] as Partial<Remembered> | undefined;
    return found?.size === size && found.mtimeMs === mtimeMs ? { ...found, ...now } : now;
  };
  let mine: Remembered | undefined;
  return {
    get: (): Remembered => {
      mine ??= read();
      return mine;
    },
    add: (facts: Partial<Remembered>): void => {
      mine = { ...(mine ?? read()), ...facts };
      const { [real]: _, ...others } = readJson(file);
      const kept = Object.entries(others).slice(1 - MAX_REMEMBERED);
      writeQuietly(file, JSON.stringify(Object.fromEntries([...kept, [real, mine]])));
    },
  };
}

/** A corrupt or missing file is asked for again. */
function readJson(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** The cache only saves time: if it cannot be written, the program is asked again. */
function writeQuietly(file: string, text: string): void {
  const fresh = `${file}.${crypto.randomUUID()}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(fresh, text, { mode: 0o600 });
    renameSync(fresh, file);
  } catch {
    // A full disk is reported elsewhere.
  }
}
