import { expect, test } from "bun:test";
import fc from "fast-check";
import { tempFolder } from "../config/temp-folder.ts";
import { FUZZ_TARGETS } from "./targets.ts";

/** The same inputs in every run; `bun run fuzz` uses others. */
const SEED = 20_261_121;
const RUNS = 1_500;

test.each(Object.entries(FUZZ_TARGETS))("nothing upsets the %s", async (_name, target) => {
  using folder = tempFolder();
  const details = await fc.check(target(folder.in("scratch.toml")), { seed: SEED, numRuns: RUNS });
  expect(details.failed, fc.defaultReportMessage(details)).toBe(false);
});
