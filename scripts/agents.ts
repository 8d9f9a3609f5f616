import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Fetched, fetchPackage } from "./compat/fetch-opencode.ts";

/**
 * Runs the end-to-end scenarios with Claude Code and Codex, which are fetched from npm into a cache folder.
 * Usage: bun run agents [--within SECONDS] [--optional]
 * With --optional a program that cannot be had, or too little time, is one line and no failure.
 */
const { values } = parseArgs({
  options: {
    within: { type: "string", default: "1800" },
    optional: { type: "boolean", default: false },
  },
});
const deadline = Date.now() + Number(values.within) * 1_000;

/** The scenarios of each agent. */
const SCENARIOS = 4;

const CPU = process.arch === "arm64" ? "aarch64" : "x86_64";
const SYSTEM = process.platform === "darwin" ? "apple-darwin" : "unknown-linux-musl";
const TARGET = `${process.platform}-${process.arch}`;

const left = (): number => deadline - Date.now();

const programs: Record<string, () => Promise<Fetched>> = {
  claude: () => fetchPackage(`@anthropic-ai/claude-code-${TARGET}`, "2.1.332", left(), "claude"),
  codex: () =>
    fetchPackage("@openai/codex", `0.171.0-${TARGET}`, left(), `vendor/${CPU}-${SYSTEM}/bin/codex`),
};

const reasons: string[] = [];
const env: Record<string, string> = {};
for (const [name, fetch] of Object.entries(programs)) {
  const fetched = await fetch();
  if ("file" in fetched) env[`OROUTER_TEST_${name.toUpperCase()}`] = fetched.file;
  else reasons.push(`${SCENARIOS} scenarios not run with ${name}, because ${fetched.why}`);
}
process.exit(await play());

async function play(): Promise<number> {
  if (Object.keys(env).length === 0) {
    console.log(`other agents: ${reasons.join(", ")}`);
    return values.optional ? 0 : 1;
  }
  const tests = Bun.spawn(
    [process.execPath, "test", "test/e2e/other-agents.test.ts", "--timeout", "200000"],
    {
      cwd: join(import.meta.dir, ".."),
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: Math.max(1, left()),
    },
  );
  const [said] = await Promise.all([tests.stderr.text(), tests.exited]);
  const count = (mark: string): number => said.split("\n").filter((line) => line.startsWith(mark)).length;
  const [passed, failed] = [count("(pass)"), count("(fail)")];
  const isCut = tests.exitCode === null;
  if (failed > 0) console.log(said);
  const results = [`${passed} scenarios passed, ${failed} failed`, ...reasons];
  if (isCut) results.push(`the rest not run within ${values.within} s`);
  console.log(`other agents: ${results.join(", ")}`);
  if (failed > 0 || (!isCut && tests.exitCode !== 0)) return 1;
  return (isCut || reasons.length > 0) && !values.optional ? 1 : 0;
}
