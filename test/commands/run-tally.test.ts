import { expect, test } from "bun:test";
import { RunTally } from "../../src/commands/run-tally.ts";
import { Problem } from "../../src/core/problem.ts";
import { recordOf } from "../store/samples.ts";

test("a quiet run has nothing to say", () => {
  const tally = new RunTally();
  tally.note({ kind: "finished", record: recordOf("one", 1) });
  tally.note({ kind: "settings-taken" });
  expect([tally.summary(), tally.isExhausted]).toEqual(["", false]);
});

test("every note of a run begins in the same way", () => {
  const tally = new RunTally();
  tally.noteTrouble(new Problem({ code: "state", what: "The disk is full.", fix: "Free some space." }));
  tally.noteWord("The key work is left out.");
  tally.note({ kind: "settings-refused", what: "keys.toml:3:1: this is wrong" });
  expect(tally.summary().split("\n")).toEqual([
    "[orouter] The disk is full. Free some space.",
    "[orouter] The key work is left out.",
    "[orouter] keys.toml:3:1: this is wrong",
    "The previous version stays active until you fix the file.",
  ]);
});

test("a fault that was mended in time is not said", () => {
  const tally = new RunTally();
  tally.note({ kind: "settings-refused", what: "keys.toml:3:1: this is wrong" });
  tally.note({ kind: "settings-taken" });
  expect(tally.summary()).toBe("");
});

test("a run whose last answer broke off says so", () => {
  const tally = new RunTally();
  tally.note({ kind: "finished", record: { ...recordOf("one", 1), outcome: "broken" } });
  expect(tally.summary()).toBe("[orouter] 1 request, 0 rotations, 0 fallbacks; the last answer broke off");
  tally.note({ kind: "finished", record: recordOf("two", 1) });
  expect(tally.summary()).toBe("");
});
