import { expect, test } from "bun:test";
import { type HubChoice, repairFinish } from "../../../src/core/dialect/hub-answer.ts";
import { type Dialect, dialectSpec } from "../../../src/core/dialect/registry.ts";
import { ChoiceBook, hollowBody } from "../../../src/core/stream/choice-book.ts";

function bookOf(dialect: Dialect = "chat") {
  const spec = dialectSpec(dialect);
  const book = new ChoiceBook(spec, repairFinish);
  const reader = spec.reader();
  const note = (event: Record<string, unknown>) => book.note(event, reader.read(event), new Uint8Array(1));
  return { book, note };
}

function chunk(
  delta: Record<string, unknown>,
  finish: string | null = null,
  index = 0,
): Record<string, unknown> {
  return { choices: [{ index, delta, finish_reason: finish }] };
}

test("an event whose finish needs no repair keeps its bytes", () => {
  const { note, book } = bookOf();
  expect(note(chunk({ content: "Hi" }))).toMatchObject({ kind: "settled", isEnd: false });
  const end = note(chunk({}, "stop"));
  expect(end).toMatchObject({ kind: "settled", isEnd: true });
  expect(end.kind === "settled" && end.bytes.length).toBe(1);
  expect([book.areFinished(1), book.isHollow, book.hasText]).toEqual([true, false, true]);
});

test("a finish that agents misread is rewritten in the event and in its bytes", () => {
  const { note } = bookOf();
  note(chunk({ content: "Hi" }));
  const end = note(chunk({}, "end_turn"));
  expect(end).toMatchObject({ kind: "settled", isEnd: true, event: chunk({}, "stop") });
  expect(end.kind === "settled" && new TextDecoder().decode(end.bytes)).toContain('"finish_reason":"stop"');
});

test("tool_calls without a call becomes stop after a text, and fails an answer without one", () => {
  const spoken = bookOf();
  spoken.note(chunk({ content: "Hi" }));
  expect(spoken.note(chunk({}, "tool_calls"))).toMatchObject({ event: chunk({}, "stop") });
  expect(bookOf().note(chunk({}, "tool_calls"))).toEqual({
    kind: "failed",
    why: "the answer ended in a tool call without one",
  });
});

test("only the first finish of an answer counts", () => {
  const { note, book } = bookOf();
  note(chunk({ content: "Hi" }, "stop"));
  expect(note(chunk({}, "content_filter"))).toMatchObject({ isEnd: false });
  expect(book.isFiltered).toBe(false);
});

test("several answers are finished only together, and are never hollow", () => {
  const { note, book } = bookOf();
  note(chunk({}, "stop", 0));
  expect([book.areFinished(1), book.areFinished(2)]).toEqual([true, false]);
  note(chunk({}, null, 1));
  expect(book.areFinished(1)).toBe(false);
  note(chunk({}, "stop", 1));
  expect([book.areFinished(2), book.isHollow]).toEqual([true, false]);
});

test.each<
  [
    what: string,
    message: Partial<HubChoice> | Record<string, unknown>,
    finish: string,
    words: string | undefined,
  ]
>([
  ["text", { content: "Hi" }, "stop", undefined],
  ["blank text", { content: " \n" }, "stop", "the answer has no text and no tool call"],
  [
    "reasoning only",
    { content: "", reasoning_content: "hm" },
    "stop",
    "the answer has thoughts and no answer",
  ],
  [
    "reasoning up to the limit",
    { content: "", reasoning_content: "hm" },
    "length",
    "the answer reached its token limit with thoughts and no answer",
  ],
  ["a refusal", { content: null, refusal: "I cannot" }, "stop", undefined],
  ["an end by the filter", { content: "" }, "content_filter", undefined],
])("a complete answer with %s", (_what, message, finish, words) => {
  const body = { choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finish }] };
  expect(hollowBody("chat", JSON.stringify(body))).toBe(words);
});

test("a body that is not an answer is not hollow", () => {
  expect([hollowBody("chat", "<html>"), hollowBody("chat", '{"data":[]}')]).toEqual([undefined, undefined]);
});
