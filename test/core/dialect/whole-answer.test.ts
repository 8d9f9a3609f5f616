import { expect, test } from "bun:test";
import type { Dialect } from "../../../src/core/dialect/registry.ts";
import { translateWholeAnswer, wholeAnswerEvents } from "../../../src/core/dialect/translate.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import { OPTIONS, readChat, translateAll, wayFrom } from "./answers.ts";

const usage = {
  prompt_tokens: 3,
  completion_tokens: 4,
  total_tokens: 7,
  prompt_tokens_details: { cached_tokens: 1 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

function completion(message: JsonObject, finish: string): JsonObject {
  const choices = [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finish }];
  return { id: "resp_t", object: "chat.completion", created: 7, model: "m", choices, usage };
}

const calls = ["a", "b"].map((id) => ({
  id,
  type: "function",
  function: { name: "ls", arguments: `{"p":"${id}"}` },
}));

test.each<[name: string, answer: JsonObject]>([
  ["words", completion({ content: "Hi" }, "stop")],
  ["thoughts and words", completion({ content: "Hi", reasoning_content: "hm" }, "stop")],
  ["calls", completion({ content: null, tool_calls: calls }, "tool_calls")],
  ["words that were cut", completion({ content: "Hi" }, "length")],
  ["a refusal", completion({ content: "", refusal: "no" }, "stop")],
])("an answer of %s is the same after it was one of the other dialect", (_name, answer) => {
  const there = translateWholeAnswer(wayFrom("chat"), answer, OPTIONS);
  expect(there).toMatchObject({ object: "response", usage: { input_tokens: 3, output_tokens: 4 } });
  expect(translateWholeAnswer(wayFrom("responses"), there, OPTIONS)).toEqual(answer);
});

test("calls without an index stay two calls", () => {
  const there = translateWholeAnswer(
    wayFrom("chat"),
    completion({ tool_calls: calls }, "tool_calls"),
    OPTIONS,
  );
  expect(there?.["output"]).toMatchObject([
    { type: "function_call", call_id: "a", arguments: '{"p":"a"}' },
    { type: "function_call", call_id: "b", arguments: '{"p":"b"}' },
  ]);
});

test.each<[name: string, from: Dialect, answer: unknown]>([
  ["an error", "chat", { error: { message: "boom" } }],
  [
    "an error in an answer's place",
    "responses",
    { object: "response", status: "failed", output: [], error: { message: "x" } },
  ],
  ["an answer that is still at work", "responses", { status: "in_progress", output: [] }],
  ["a stranger", "responses", { hello: 1 }],
  ["a text", "chat", "hello"],
])("%s is left as it is", (_name, from, answer) => {
  expect(translateWholeAnswer(wayFrom(from), answer, OPTIONS)).toBeUndefined();
});

test("an end in calls without a call is an error and no answer", () => {
  const there = translateWholeAnswer(wayFrom("chat"), completion({ content: "" }, "tool_calls"), OPTIONS);
  expect(there).toEqual({ error: { message: "the answer ended in a tool call without one" } });
});

test("a whole answer can take the place of the stream that was asked for", () => {
  const events = wholeAnswerEvents(
    wayFrom("chat"),
    completion({ content: "Hi", reasoning_content: "hm" }, "stop"),
    OPTIONS,
  );
  expect(readChat(translateAll("responses", events ?? []))).toMatchObject({
    text: "Hi",
    reasoning: "hm",
    finish: "stop",
  });
});
