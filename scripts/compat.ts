import { parseArgs } from "node:util";
import { programAt } from "../test/e2e/opencode-program.ts";
import { fetchOpencode } from "./compat/fetch-opencode.ts";
import { countScenarios, type Played, playScenarios, type Result } from "./compat/play-scenarios.ts";

/**
 * Runs the end-to-end scenarios with any opencode, and prints how each ended.
 * Usage: bun run compat PATH_OR_VERSION [--within SECONDS] [--optional]
 * A version (2.0.15, 1.18.33, latest, 1) is fetched from npm into a cache folder. With --optional a program that cannot
 * be had, or too little time, is one line and no failure.
 */
const USAGE = "Usage: bun run compat PATH_OR_VERSION [--within SECONDS] [--optional]";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    within: { type: "string", default: "1800" },
    optional: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
const [wanted, ...others] = positionals;
const seconds = Number(values.within);
if (wanted === undefined || others.length > 0 || !(seconds > 0) || values.help) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}
process.exit(await compat(wanted));

async function compat(wanted: string): Promise<number> {
  const deadline = Date.now() + seconds * 1_000;
  const fetched = await fetchOpencode(wanted, deadline - Date.now());
  if ("why" in fetched) {
    console.log(`opencode ${wanted}: ${await countScenarios()} scenarios not run, because ${fetched.why}`);
    return values.optional ? 0 : 1;
  }
  const { version } = programAt(fetched.file);
  console.log(`opencode ${version} (${fetched.file})`);
  const played = await playScenarios(fetched.file, deadline - Date.now(), (result) =>
    console.log(rowOf(result)),
  );
  for (const failure of played.failures) console.log(`\n${failure.trim()}`);
  console.log(`\n${await summaryOf(version, played)}`);
  if (played.isBroken || played.results.some(({ passed }) => !passed)) return 1;
  return played.isCut && !values.optional ? 1 : 0;
}

function rowOf({ name, passed, seconds: took }: Result): string {
  return `${passed ? "pass" : "FAIL"}  ${took.toFixed(1).padStart(6)} s  ${name}`;
}

async function summaryOf(version: string, { results, isCut, isBroken }: Played): Promise<string> {
  const failed = results.filter(({ passed }) => !passed).length;
  const said = [`opencode ${version}: ${results.length - failed} scenarios passed, ${failed} failed`];
  if (isBroken) said.push("the tests themselves went wrong");
  if (isCut) {
    const left = version.startsWith("1.") ? "the rest" : String((await countScenarios()) - results.length);
    said.push(`${left} not run within ${seconds} s`);
  }
  return said.join(", ");
}
