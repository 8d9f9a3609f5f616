import { describe, expect, test } from "bun:test";
import type { WireEvent } from "../../../src/core/dialect/hub-answer.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import { readChat, translateAll } from "./answers.ts";

const opened = { type: "response.created", response: { id: "r1", created_at: 5, model: "m1" } };
const say = (delta: string, index = 0) => ({
  type: "response.output_text.delta",
  output_index: index,
  delta,
});
const think = (delta: string, part = 0) => ({
  type: "response.reasoning_summary_text.delta",
  item_id: "rs",
  output_index: 0,
  summary_index: part,
  delta,
});
const ended = (response: JsonObject = {}) => ({ type: "response.completed", response });
const added = (index: number, item: JsonObject) => ({
  type: "response.output_item.added",
  output_index: index,
  item,
});
const done = (index: number, item: JsonObject) => ({
  type: "response.output_item.done",
  output_index: index,
  item,
});
const callItem = (id: string, args = "") => ({
  type: "function_call",
  id: `fc_${id}`,
  call_id: id,
  name: "ls",
  arguments: args,
});
const argue = (delta: string, at: JsonObject) => ({
  type: "response.function_call_arguments.delta",
  delta,
  ...at,
});

test("an answer opens with the role, under the names that the upstream gave it", () => {
  const [first] = translateAll("responses", [opened, say("a"), ended()]);
  expect(first).toEqual({
    id: "r1",
    object: "chat.completion.chunk",
    created: 5,
    model: "m1",
    choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
  });
});

test("an answer without an opening event has names all the same", () => {
  const [first] = translateAll("responses", [say("a"), ended()]);
  expect(first).toMatchObject({ id: "chatcmpl-t", created: 7, model: "m" });
});

describe("tool calls", () => {
  test.each<[name: string, events: WireEvent[], args: string[]]>([
    [
      "are told apart by their place",
      [
        added(0, callItem("a")),
        added(1, callItem("b")),
        argue("{", { output_index: 0 }),
        argue("[", { output_index: 1 }),
        argue("}", { output_index: 0 }),
        argue("]", { output_index: 1 }),
        done(0, callItem("a", "{}")),
        done(1, callItem("b", "[]")),
      ],
      ["{}", "[]"],
    ],
    [
      "are told apart by their ids",
      [
        added(0, callItem("a")),
        added(1, callItem("b")),
        argue("[]", { item_id: "fc_b" }),
        argue("{}", { item_id: "fc_a" }),
      ],
      ["{}", "[]"],
    ],
    [
      "keep their place where their ids change on the way",
      [
        added(0, callItem("a")),
        argue("{}", { output_index: 0, item_id: "other" }),
        done(0, { ...callItem("a", "{}"), id: "third" }),
      ],
      ["{}"],
    ],
    ["come whole where they were not streamed", [done(0, callItem("a", "{}"))], ["{}"]],
    [
      "get arguments that come only at their end",
      [added(0, callItem("a")), done(0, callItem("a", "{}"))],
      ["{}"],
    ],
  ])("%s", (_name, events, args) => {
    const read = readChat(translateAll("responses", [opened, ...events, ended()]));
    expect(read.calls.map((call) => call.args)).toEqual(args);
    expect(read.calls[0]).toMatchObject({ id: "a", name: "ls" });
    expect(read).toMatchObject({ finish: "tool_calls", isDone: true });
  });
});

describe("reasoning", () => {
  test.each<[name: string, events: WireEvent[], expected: string]>([
    ["of several parts has a blank line between", [think("a"), think("b"), think("c", 1)], "ab\n\nc"],
    [
      "in short and in full is told once",
      [think("short"), { type: "response.reasoning_text.delta", output_index: 0, delta: "full" }],
      "short",
    ],
    ["in full", [{ type: "response.reasoning_text.delta", output_index: 0, delta: "full" }], "full"],
    [
      "that was not streamed comes with its item, once",
      [done(0, { type: "reasoning", summary: [{ text: "x" }, { text: "y" }] })],
      "x\n\ny",
    ],
    [
      "that was streamed is not told again",
      [think("x"), done(0, { type: "reasoning", summary: [{ text: "x" }] })],
      "x",
    ],
  ])("%s", (_name, events, expected) => {
    expect(readChat(translateAll("responses", [opened, ...events, say("t", 1), ended()])).reasoning).toBe(
      expected,
    );
  });
});

test("an answer told only in its last event is told", () => {
  const output = [
    { type: "reasoning", summary: [{ text: "hm" }] },
    {
      type: "message",
      content: [
        { type: "output_text", text: "Hi" },
        { type: "refusal", refusal: "no" },
      ],
    },
    callItem("a", "{}"),
  ];
  expect(readChat(translateAll("responses", [opened, ended({ output })]))).toMatchObject({
    text: "Hi",
    reasoning: "hm",
    refusal: "no",
    calls: [{ id: "a", name: "ls", args: "{}" }],
    finish: "tool_calls",
  });
});

test("what was streamed is not told again by closing events", () => {
  const item = { type: "message", id: "msg", content: [{ type: "output_text", text: "Hi" }] };
  const events = [opened, added(0, item), say("Hi"), done(0, item), ended({ output: [item] })];
  expect(readChat(translateAll("responses", events)).text).toBe("Hi");
});

test.each<[name: string, end: JsonObject, finish: string]>([
  ["completed", ended(), "stop"],
  [
    "too few tokens",
    { type: "response.incomplete", response: { incomplete_details: { reason: "max_output_tokens" } } },
    "length",
  ],
  [
    "a filter",
    { type: "response.incomplete", response: { incomplete_details: { reason: "content_filter" } } },
    "content_filter",
  ],
  ["incomplete without a reason", { type: "response.incomplete", response: {} }, "length"],
])("%s is the finish", (_name, end, finish) => {
  expect(readChat(translateAll("responses", [opened, say("a"), end]))).toMatchObject({
    finish,
    isDone: true,
  });
});

test("the count is told to those who asked, and to nobody else", () => {
  const usage = {
    input_tokens: 3,
    output_tokens: 4,
    input_tokens_details: { cached_tokens: 1 },
    output_tokens_details: { reasoning_tokens: 2 },
  };
  const events = [opened, say("a"), ended({ usage })];
  expect(readChat(translateAll("responses", events)).usage).toEqual({
    prompt_tokens: 3,
    completion_tokens: 4,
    total_tokens: 7,
    prompt_tokens_details: { cached_tokens: 1 },
    completion_tokens_details: { reasoning_tokens: 2 },
  });
  expect(readChat(translateAll("responses", events, false)).usage).toBeUndefined();
});

test("a cut answer gets no end", () => {
  expect(readChat(translateAll("responses", [opened, say("a")]))).toMatchObject({
    finish: "",
    isDone: false,
  });
});

test.each<[name: string, event: JsonObject, error: unknown]>([
  [
    "of the failed answer",
    { type: "response.failed", response: { error: { code: "rate_limit_exceeded", message: "slow" } } },
    { code: "rate_limit_exceeded", message: "slow" },
  ],
  ["in an event", { type: "error", error: { code: "x", message: "boom" } }, { code: "x", message: "boom" }],
  ["flat in an event", { type: "error", code: "x", message: "boom" }, { code: "x", message: "boom" }],
  [
    "that says nothing",
    { type: "response.failed", response: {} },
    { message: "the provider says that its answer has failed" },
  ],
  ["under a good event's name", ended({ status: "failed", error: { message: "boom" } }), { message: "boom" }],
])("the error %s keeps the provider's words, and nothing follows", (_name, event, error) => {
  const events = translateAll("responses", [opened, say("a"), event, say("b"), ended()]);
  expect(events.at(-1)).toEqual({ error });
});
