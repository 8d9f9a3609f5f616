import { expect, test } from "bun:test";
import { RunTally } from "../../src/commands/run-tally.ts";
import { Problem } from "../../src/core/problem.ts";
import type { RequestRecord } from "../../src/core/routing/events.ts";
import { exhaustedEvent } from "../../src/core/routing/exhaustion.ts";
import { ownWords } from "../../src/core/scrub.ts";
import { attemptOf, recordOf } from "../store/samples.ts";

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

const AT = new Date(2026, 10, 21, 14, 4, 19).getTime();

/** What a run says in the end of requests that ended so. */
function saidOf(...records: Partial<RequestRecord>[]): string {
  const tally = new RunTally();
  for (const [nth, record] of records.entries())
    tally.note({ kind: "finished", record: recordOf(`${nth}`, AT, record) });
  return tally.summary(AT);
}

const FAILED = attemptOf(AT, { status: 429, verdict: "rate-limit" });
const LEFT = { outcome: "client-gone", served: undefined, firstTokenMs: undefined } as const;

test.each<[what: string, record: Partial<RequestRecord>, said: string]>([
  ["broke off", { outcome: "broken" }, "1 broke off"],
  ["was refused", { outcome: "passed-error" }, "1 refused by the provider"],
  ["found no key", { outcome: "exhausted" }, "1 found no usable key"],
  ["was cancelled while it waited for a cooldown", { ...LEFT, waitedMs: 5000 }, "1 cancelled while waiting"],
  ["was cancelled after a refusal", { ...LEFT, attempts: [FAILED] }, "1 cancelled while waiting"],
  ["was cancelled after long silence", { ...LEFT, durationMs: 60_000 }, "1 cancelled while waiting"],
])("a run in which a request %s ends with a line that says so", (_what, record, said) => {
  const lines = saidOf({}, record, {}).split("\n");
  expect(lines.at(-1)).toBe(`[orouter] Of 3 requests: ${said}. See: orouter logs`);
});

test.each<[what: string, record: Partial<RequestRecord>]>([
  ["stopped in the middle of an answer", { outcome: "client-gone", waitedMs: 10 }],
  ["withdrawn at once", { ...LEFT, attempts: [attemptOf(AT, { status: 0, verdict: "cancelled" })] }],
  [
    "handed back to be shortened",
    { outcome: "passed-error", attempts: [attemptOf(AT, { verdict: "overflow" })] },
  ],
])("a request that was %s is no failure", (_what, record) => {
  expect(saidOf(record)).toBe("");
});

test("the report counts down from the moment it is printed, and other failures stand below it", () => {
  const tally = new RunTally();
  tally.note({ kind: "finished", record: recordOf("one", AT, { outcome: "broken" }) });
  tally.note({ kind: "finished", record: recordOf("two", AT, { outcome: "exhausted" }) });
  const key = { keyName: "work", fingerprint: "10c44aa0b1", model: "a/m", host: "a.example", wasAsked: true };
  const limit = { status: 429, kind: "rate-limit", message: ownWords(""), freeAtMs: AT + 41_000 } as const;
  const keys = [{ ...key, ...limit, isEndDeclared: true }];
  tally.note(exhaustedEvent({ atMs: AT, asked: "a/m", keys, unasked: [], otherModels: [] }));
  const said = tally.summary(AT + 11_000).split("\n");
  // The report speaks for every request that found no key, such as the title's.
  expect(said[0]).toBe("[orouter] The only key is cooling down: first free at 14:05 (in 30 s)");
  expect(said.at(-1)).toBe("[orouter] Of 2 requests: 1 broke off. See: orouter logs");
});
