import { describe, expect, test } from "bun:test";
import type { WireEvent } from "../../../src/core/dialect/hub-answer.ts";
import { AnswerTranslator } from "../../../src/core/dialect/translate.ts";
import { asObject, type JsonObject } from "../../../src/core/json.ts";
import { DONE } from "../../../src/core/stream/sse.ts";
import { chunk, OPTIONS, translateAll, typesOf, usageChunk, wayFrom } from "./answers.ts";

function lastOf(events: readonly WireEvent[]): JsonObject {
  const last = events.at(-1);
  return last === DONE ? {} : asObject(last);
}

const piece = (index: number | undefined, name: string | undefined, args: unknown, id?: string) =>
  chunk({
    tool_calls: [{ ...(index === undefined ? {} : { index }), id, function: { name, arguments: args } }],
  });

/** The finished calls in the last event, as name and arguments. */
function callsOf(events: readonly WireEvent[]): string[] {
  const output = asObject(lastOf(events)["response"])["output"] as JsonObject[];
  return output
    .filter((item) => item["type"] === "function_call")
    .map((item) => `${item["call_id"]} ${item["name"]} ${item["arguments"]} ${item["status"]}`);
}

test("an answer with thoughts, words and a call opens and closes every item, numbered, with its count", () => {
  const events = translateAll("chat", [
    chunk({ role: "assistant", content: "" }),
    chunk({ reasoning_content: "hm" }),
    chunk({ reasoning_content: "m" }),
    chunk({ content: "Hel" }),
    chunk({ content: "lo" }),
    piece(0, "ls", "", "a"),
    piece(0, undefined, '{"p":1}'),
    chunk({}, "tool_calls"),
    usageChunk(),
    DONE,
  ]);
  expect(typesOf(events)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.completed",
  ]);
  expect(events.map((event) => asObject(event)["sequence_number"])).toEqual(events.map((_, index) => index));
  expect(asObject(lastOf(events)["response"])).toEqual({
    id: "resp_t",
    object: "response",
    created_at: 7,
    status: "completed",
    error: null,
    incomplete_details: null,
    model: "m1",
    output: [
      { id: "rs_t_0", type: "reasoning", summary: [{ type: "summary_text", text: "hmm" }] },
      {
        id: "msg_t_1",
        type: "message",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "Hello", annotations: [] }],
      },
      {
        id: "fc_t_2",
        type: "function_call",
        call_id: "a",
        name: "ls",
        status: "completed",
        arguments: '{"p":1}',
      },
    ],
    usage: {
      input_tokens: 11,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 16,
    },
  });
});

describe("tool calls are told apart", () => {
  test.each<[name: string, pieces: JsonObject[], expected: string[]]>([
    [
      "by their index, also where pieces come mixed",
      [piece(0, "a", "{", "1"), piece(1, "b", "[", "2"), piece(0, undefined, "}"), piece(1, undefined, "]")],
      ["1 a {} completed", "2 b [] completed"],
    ],
    [
      "where all have the index 0",
      [piece(0, "a", "{}", "1"), piece(0, "b", "[]", "2")],
      ["1 a {} completed", "2 b [] completed"],
    ],
    [
      "where none has an index",
      [piece(undefined, "a", "{", "1"), piece(undefined, undefined, "}"), piece(undefined, "b", "[]")],
      ["1 a {} completed", "call_t_1 b [] completed"],
    ],
    [
      "where the id comes again with every piece",
      [piece(0, "a", "{", "1"), piece(0, undefined, "}", "1")],
      ["1 a {} completed"],
    ],
    ["with arguments as a value", [piece(0, "a", { p: 1 }, "1")], ['1 a {"p":1} completed']],
    ["with no arguments", [piece(0, "a", "", "1")], ["1 a {} completed"]],
  ])("%s", (_name, pieces, expected) => {
    expect(callsOf(translateAll("chat", [...pieces, chunk({}, "tool_calls"), DONE]))).toEqual(expected);
  });
});

test.each<[name: string, events: WireEvent[], type: string, reason: string | undefined]>([
  ["stop", [chunk({ content: "a" }), chunk({}, "stop"), DONE], "response.completed", undefined],
  [
    "length",
    [chunk({ content: "a" }), chunk({}, "length"), DONE],
    "response.incomplete",
    "max_output_tokens",
  ],
  ["a filter", [chunk({ content: "a" }), chunk({}, "SAFETY"), DONE], "response.incomplete", "content_filter"],
  [
    "a word of its own",
    [chunk({ content: "a" }), chunk({}, "end_turn"), DONE],
    "response.completed",
    undefined,
  ],
  [
    "a finish and then nothing",
    [chunk({ content: "a" }), chunk({}, "stop")],
    "response.completed",
    undefined,
  ],
  [
    "an error behind the finish",
    [chunk({ content: "a" }, "stop"), { error: "x" }],
    "response.completed",
    undefined,
  ],
])("%s closes the answer", (_name, events, type, reason) => {
  const last = lastOf(translateAll("chat", events));
  expect(last["type"]).toBe(type);
  const response = asObject(last["response"]);
  expect(asObject(response["incomplete_details"])["reason"]).toBe(reason);
  // Clients reject an ending without token counts.
  expect(response["usage"]).toMatchObject({ input_tokens: 0, output_tokens: 0 });
});

test.each<[name: string, events: WireEvent[]]>([
  ["a cut answer", [chunk({ content: "a" })]],
  // As in a chat: nothing says whether the model had finished.
  ["an end mark without a finish", [chunk({ content: "a" }), DONE]],
  ["an end mark behind silence", [chunk({ role: "assistant", content: "" }), DONE]],
])("%s is not closed as if it were whole", (_name, events) => {
  expect(typesOf(translateAll("chat", events)).join()).not.toMatch(/completed|incomplete/);
});

test("a call that the tokens did not suffice for is not one to carry out", () => {
  const events = translateAll("chat", [
    piece(0, "a", "{}", "1"),
    piece(1, "b", '{"p', "2"),
    chunk({}, "length"),
  ]);
  expect(callsOf(events)).toEqual(["1 a {} completed", '2 b {"p incomplete']);
});

test("the end is said as soon as the count has come", () => {
  const translator = new AnswerTranslator(wayFrom("chat"), OPTIONS);
  translator.push(chunk({ content: "a" }));
  expect(translator.isFinished).toBe(false);
  expect(translator.push(chunk({}, "stop"))).toEqual([]);
  expect(translator.isFinished).toBe(true);
  expect(typesOf(translator.push(usageChunk())).at(-1)).toBe("response.completed");
  expect(translator.end()).toEqual([]);
});

test.each<[name: string, event: JsonObject, expected: JsonObject]>([
  ["an object", { error: { message: "boom", code: 429 } }, { message: "boom", code: 429 }],
  ["a word, its code beside it", { error: "slow down", code: 429 }, { code: 429, message: "slow down" }],
  ["a finish that is none", chunk({}, "error"), { message: "the answer ended with finish_reason error" }],
])("an error that is %s keeps the provider's words", (_name, event, expected) => {
  expect(lastOf(translateAll("chat", [chunk({ content: "a" }), event]))).toMatchObject({
    type: "error",
    error: expected,
  });
});

test("a refusal is a part of its own kind", () => {
  const events = translateAll("chat", [chunk({ refusal: "no" }), chunk({}, "stop")]);
  expect(asObject(lastOf(events)["response"])["output"]).toMatchObject([
    { type: "message", content: [{ type: "refusal", refusal: "no" }] },
  ]);
});
