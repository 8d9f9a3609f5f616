import { expect, test } from "bun:test";
import { type Call, readAsked } from "../../src/demo/call.ts";
import { createTally, type Tally } from "../../src/demo/story.ts";

const KEYS = ["work", "home"].map((name) => ({ name, secret: `secret-${name}` }));
const GOOD = { kind: "answer", text: "hi" } as const;
const BAD = { kind: "error", status: 503, body: "" } as const;

function arrive(
  tally: Tally,
  name: string,
  model: string,
  more: { title?: boolean; atMs?: number } = {},
): Call {
  const headers = new Headers({ authorization: `Bearer secret-${name}` });
  const content = more.title ? "Generate a title for this conversation:" : "hi";
  const body = JSON.stringify({ model, messages: [{ role: "user", content }] });
  return tally.arrive(readAsked({ method: "POST", path: "/", headers, body, atMs: more.atMs ?? 0 }, "chat"));
}

test("calls are counted by key and model, by model and in all", () => {
  const tally = createTally(KEYS);
  arrive(tally, "work", "a");
  arrive(tally, "home", "a");
  expect(arrive(tally, "work", "b")).toMatchObject({ keyName: "work", nth: 1, nthOfModel: 1, nthOfAll: 3 });
  expect(arrive(tally, "work", "a")).toMatchObject({ keyName: "work", nth: 2, nthOfModel: 3, nthOfAll: 4 });
});

test("titles are counted apart, yet a key keeps its number for both", () => {
  const tally = createTally(KEYS);
  expect(arrive(tally, "home", "a", { title: true })).toMatchObject({ nth: 1, nthOfAll: 1, keyNumber: 1 });
  expect(arrive(tally, "home", "a")).toMatchObject({ nth: 1, nthOfAll: 1, keyNumber: 1 });
  expect(arrive(tally, "work", "a")).toMatchObject({ nth: 1, nthOfAll: 2, keyNumber: 2 });
  expect(arrive(tally, "work", "b")).toMatchObject({ keyNumber: 1 });
});

test("calls of one key are in flight until they leave", () => {
  const tally = createTally(KEYS);
  const first = arrive(tally, "work", "a");
  expect(arrive(tally, "work", "b").inFlight).toBe(2);
  expect(arrive(tally, "home", "b").inFlight).toBe(1);
  tally.leave(first);
  expect(arrive(tally, "work", "a").inFlight).toBe(2);
});

test("a call knows how long its model has been asked for", () => {
  const tally = createTally(KEYS);
  arrive(tally, "work", "a", { atMs: 1_000 });
  expect(arrive(tally, "home", "a", { atMs: 61_000 }).sinceFirstMs).toBe(60_000);
});

test("failures are told until a prompt is answered; a title's answer does not end them", () => {
  const tally = createTally(KEYS);
  tally.note(arrive(tally, "home", "a", { title: true }), BAD);
  tally.note(arrive(tally, "spare", "a", { title: true }), GOOD);
  tally.note(arrive(tally, "work", "a"), BAD);
  tally.note(arrive(tally, "home", "a"), { ...GOOD, cut: { afterTokens: 1, how: "reset" } });
  const call = arrive(tally, "work", "b");
  tally.note(call, GOOD);
  expect(call.failures).toEqual([
    { keyName: "home", model: "a", what: "503 service unavailable" },
    { keyName: "work", model: "a", what: "503 service unavailable" },
    { keyName: "home", model: "a", what: "200, then connection reset after 1 token" },
  ]);
  expect(arrive(tally, "work", "b").failures).toEqual([]);
});
