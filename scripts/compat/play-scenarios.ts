import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const E2E = "test/e2e";

/** How one scenario ended. */
export interface Result {
  name: string;
  passed: boolean;
  seconds: number;
}

export interface Played {
  results: Result[];
  /** What the tests printed of each failure. */
  failures: string[];
  /** Whether the time was up before the last scenario. */
  isCut: boolean;
  /** Whether the run went wrong besides its scenarios. */
  isBroken: boolean;
}

/** The test files that are made of scenarios. */
function scenarioFiles(): string[] {
  return readdirSync(join(ROOT, E2E))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `${E2E}/${name}`)
    .filter((file) => readFileSync(join(ROOT, file), "utf8").includes('from "./scenario.ts"'));
}

function startTests(words: readonly string[], env: Record<string, string>) {
  return Bun.spawn([process.execPath, "test", ...scenarioFiles(), "--timeout", "200000", ...words], {
    cwd: ROOT,
    env: { ...withoutPrograms(), NO_COLOR: "1", ...env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
}

function withoutPrograms(): Record<string, string | undefined> {
  const { OROUTER_TEST_OPENCODE: _one, OROUTER_TEST_OPENCODE2: _two, ...env } = process.env;
  return env;
}

/** Runs all scenarios with one program, and tells of each as it ends. */
export async function playScenarios(
  file: string,
  limitMs: number,
  onResult: (result: Result) => void,
): Promise<Played> {
  // Everything that the scenarios start has its home in here.
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "orouter-compat-"));
  const tests = startTests(["--parallel=2"], { OROUTER_TEST_OPENCODE: file, TMPDIR: folder });
  const played: Played = { results: [], failures: [], isCut: false, isBroken: false };
  const limit = setTimeout(() => {
    played.isCut = true;
    tests.kill("SIGKILL");
    endProcessesOf(folder);
  }, limitMs);
  let block: string[] = [];
  for await (const line of linesOf(tests.stderr)) {
    const result = readResult(line);
    if (result === undefined) block.push(line);
    else {
      const isNew = !played.results.some(({ name }) => name === result.name);
      if (isNew) {
        played.results.push(result);
        onResult(result);
        if (!result.passed) played.failures.push([...block, line].join("\n"));
      }
      block = [];
    }
  }
  await tests.exited;
  clearTimeout(limit);
  endProcessesOf(folder);
  rmSync(folder, { recursive: true, force: true });
  const isRed = played.results.some(({ passed }) => !passed);
  played.isBroken = !played.isCut && tests.exitCode !== 0 && !isRed;
  if (played.isBroken) played.failures.push(block.join("\n"));
  return played;
}

/** Tests that are cut off end nothing of what they have started. Only Linux tells whose a process is. */
function endProcessesOf(folder: string): void {
  if (!existsSync("/proc/self/environ")) return;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${name}/environ`, "utf8").includes(`=${folder}`)) continue;
      process.kill(Number(name), "SIGKILL");
    } catch {
      // It has ended meanwhile, or is somebody else's.
    }
  }
}

/** How many scenarios there are for opencode 2: the tests say it when they have none. */
export async function countScenarios(): Promise<number> {
  const tests = startTests(["-t", "no scenario has this name"], {});
  const [said] = await Promise.all([tests.stderr.text(), tests.exited]);
  const counts = [...said.matchAll(/^(\d+) scenarios not run/gm)].map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** `(pass) opencode 2.0.15 > what it is about [1234.56ms]` */
function readResult(line: string): Result | undefined {
  const found = /^\((pass|fail)\) opencode \S+ > (.*) \[([\d.]+)ms\]$/.exec(line);
  if (found === null) return undefined;
  const [, how, name = "", ms] = found;
  return { name, passed: how === "pass", seconds: Number(ms) / 1_000 };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
