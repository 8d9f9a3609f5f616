import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type MatchState, TextMatch } from "../../../src/core/stream/continuation.ts";
import { prefillOf, withPrefill } from "../../../src/core/stream/prefill.ts";

describe("a broken text", () => {
  test.each([
    ["All 12 steps of ", { shown: "All 12 steps", withheld: " of " }],
    ["All 12 steps of task", { shown: "All 12 steps of", withheld: " task" }],
    ["Now: I a", { shown: "Now:", withheld: " I a" }],
    ["一二三四五六七八九十一二", { shown: "一二三四五六七八", withheld: "九十一二" }],
  ])("%j is shown but for its last words", (sent, prefill) => {
    expect(prefillOf(sent)).toEqual(prefill);
  });

  test.each(["", " ", "Now: ", "Done", " the of the"])("%j leaves no proof", (sent) => {
    expect(prefillOf(sent)).toBeUndefined();
  });

  test("is shown and withheld without a letter lost, and no character is cut in two", () => {
    const text = fc.string({ unit: "binary", maxLength: 40 });
    fc.assert(
      fc.property(text, (sent) => {
        const prefill = prefillOf(sent);
        if (prefill === undefined) return;
        expect(prefill.shown + prefill.withheld).toBe(sent);
        expect(sent.startsWith(prefill.withheld)).toBe(false);
        if (sent.isWellFormed()) expect(prefill.shown.isWellFormed()).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

function matched(sent: string, answer: string[], takesCalls = false): [state: MatchState, added: string] {
  const prefill = prefillOf(sent);
  const match = new TextMatch({ text: sent, ...prefill }, { takesCalls, mayGrow: true });
  const added = answer.map((text) => match.newIn(text)).join("");
  return [match.state, added];
}

describe("the answer of a lane that was shown a text", () => {
  const sent = "All 12 steps of ";

  test.each<[what: string, answer: string[], added: string]>([
    ["goes on from the last words", [" of task 3."], "task 3."],
    ["goes on from the last words in small pieces", [" ", "o", "f", " ", "task"], "task"],
    ["may say all of it again", ["All 12 ", "steps of task 3."], "task 3."],
  ])("%s", (_what, answer, added) => {
    expect(matched(sent, answer)).toEqual(["on", added]);
  });

  test.each([
    [["So then, all 12 steps of task 3."]],
    [["task 3."]],
    [[" in task 3."]],
    [["of task 3."]],
    [[" o", "ut"]],
  ])("that says %j continues nothing", (answer) => {
    expect(matched(sent, answer)).toEqual(["mismatch", ""]);
    expect(matched(sent, answer, true)).toEqual(["calls-only", ""]);
  });
});

describe("the request to continue a text", () => {
  const encode = (value: object): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));
  const ask = { role: "user", content: "go" };
  const prefill = { shown: "All 12", withheld: " steps" };

  test("ends with the text as the model's own turn, marked where the service wants that", () => {
    const body = encode({ model: "m", messages: [ask] });
    const read = (mark?: "prefix"): unknown =>
      JSON.parse(new TextDecoder().decode(withPrefill(body, "chat", prefill, mark)));
    const turn = { role: "assistant", content: "All 12" };
    expect(read()).toEqual({ model: "m", messages: [ask, turn] });
    expect(read("prefix")).toEqual({ model: "m", messages: [ask, { ...turn, prefix: true }] });
  });

  test("ends with a block of text in the Messages dialect", () => {
    const body = withPrefill(encode({ model: "m", messages: [ask] }), "messages", prefill, undefined);
    expect(JSON.parse(new TextDecoder().decode(body)).messages).toEqual([
      ask,
      { role: "assistant", content: [{ type: "text", text: "All 12" }] },
    ]);
  });

  test("is not made of one whose answer the client has begun itself", () => {
    const body = encode({ model: "m", messages: [ask, { role: "assistant", content: "{" }] });
    expect(withPrefill(body, "chat", prefill, undefined)).toBeUndefined();
  });

  test("is not made in a dialect without such turns, nor of what is no request", () => {
    const body = encode({ model: "m", input: [ask] });
    expect(withPrefill(body, "responses", prefill, undefined)).toBeUndefined();
    expect(withPrefill(encode({ model: "m" }), "chat", prefill, undefined)).toBeUndefined();
  });
});
