import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { FUZZ_TARGETS } from "../test/fuzz/targets.ts";

const HELP = `Throws made-up input at what reads foreign input, until the time is over.
  bun run fuzz [TARGET…] [--seconds 60] [--seed N]
  targets: ${Object.keys(FUZZ_TARGETS).join(", ")} (all of them when none is named)`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    help: { type: "boolean", default: false },
  },
});

/** Returns whether nothing was found. */
async function fuzz(name: string, seconds: number, seed: number): Promise<boolean> {
  const target = FUZZ_TARGETS[name];
  if (target === undefined) throw new Error(`there is no target ${name}\n${HELP}`);
  const folder = mkdtempSync(join(tmpdir(), "orouter-fuzz-"));
  try {
    const details = await fc.check(target(join(folder, "scratch.toml")), {
      seed,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: seconds * 1_000,
    });
    // Being interrupted is how a run without a find ends.
    const hasFound = details.failed && details.counterexample !== null;
    console.log(
      `${name}: seed ${seed}, ${details.numRuns} runs, ${hasFound ? "FOUND SOMETHING" : "nothing found"}`,
    );
    if (hasFound) console.log(fc.defaultReportMessage(details));
    return !hasFound;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.help) console.log(HELP);
else {
  const names = positionals.length === 0 ? Object.keys(FUZZ_TARGETS) : positionals;
  let isClean = true;
  for (const name of names)
    isClean = (await fuzz(name, Number(values.seconds), Number(values.seed))) && isClean;
  process.exit(isClean ? 0 : 1);
}
