import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { translateRequest } from "../../../src/core/dialect/translate.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import { wayFrom } from "./answers.ts";

function translated(body: JsonObject): JsonObject {
  const result = translateRequest(wayFrom("responses"), { model: "m", input: [], ...body });
  if (result.kind === "untranslatable") throw new Error(result.why);
  return result.body;
}

const call = (id: string, args = "{}") => ({
  type: "function_call",
  call_id: id,
  name: "ls",
  arguments: args,
});
const chatCall = (id: string) => ({ id, type: "function", function: { name: "ls", arguments: "{}" } });

describe("a conversation", () => {
  test("of an agent keeps its order, its calls and their results, and loses old reasoning", () => {
    const { messages } = translated({
      instructions: "be kind",
      input: [
        { role: "developer", content: "be brief" },
        { type: "message", role: "user", content: [{ type: "input_text", text: "list" }] },
        { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "hm" }] },
        { role: "assistant", id: "msg_1", content: [{ type: "output_text", text: "Looking." }] },
        call("a"),
        call("b", ""),
        { type: "function_call_output", call_id: "a", output: "x.ts" },
        { type: "function_call_output", call_id: "b", output: [{ type: "input_text", text: "y.ts" }] },
        call("c"),
        { role: "assistant", content: "One more." },
        { type: "function_call_output", call_id: "c", output: "z.ts" },
      ],
    });
    expect(messages).toEqual([
      { role: "system", content: "be kind" },
      { role: "system", content: "be brief" },
      { role: "user", content: "list" },
      { role: "assistant", content: "Looking.", tool_calls: [chatCall("a"), chatCall("b")] },
      { role: "tool", tool_call_id: "a", content: "x.ts" },
      { role: "tool", tool_call_id: "b", content: "y.ts" },
      { role: "assistant", content: "One more.", tool_calls: [chatCall("c")] },
      { role: "tool", tool_call_id: "c", content: "z.ts" },
    ]);
  });

  test("shows the pictures that tools return behind all their results", () => {
    const { messages } = translated({
      input: [
        call("a"),
        call("b"),
        {
          type: "function_call_output",
          call_id: "a",
          output: [{ type: "input_image", image_url: "data:image/png;base64,AA" }],
        },
        { type: "function_call_output", call_id: "b", output: "done" },
      ],
    });
    expect(messages).toEqual([
      { role: "assistant", content: null, tool_calls: [chatCall("a"), chatCall("b")] },
      { role: "tool", tool_call_id: "a", content: "The result is attached below." },
      { role: "tool", tool_call_id: "b", content: "done" },
      { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA" } }] },
    ]);
  });

  test("may be one string", () => {
    expect(translated({ input: "hi" })["messages"]).toEqual([{ role: "user", content: "hi" }]);
  });

  test("comes back the same when it is translated there and back", () => {
    const text = fc.string({ minLength: 1 });
    const spoken = fc.record({ role: fc.constantFrom("system", "user", "assistant"), content: text });
    const round = fc
      .tuple(text, fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }))
      .map(([content, ids]) => [
        { role: "user", content },
        { role: "assistant", content, tool_calls: ids.map(chatCall) },
        ...ids.map((id) => ({ role: "tool", tool_call_id: id, content })),
      ]);
    const conversation = fc
      .array(
        fc.oneof(
          spoken.map((one) => [one]),
          round,
        ),
      )
      .map((parts) => parts.flat());
    fc.assert(
      fc.property(conversation, (messages) => {
        const there = translateRequest(wayFrom("chat"), { model: "m", messages });
        if (there.kind === "untranslatable") throw new Error(there.why);
        expect(translated(there.body)["messages"]).toEqual(messages);
      }),
    );
  });
});

test.each<[name: string, asked: JsonObject, expected: JsonObject]>([
  ["the limit of the output", { max_output_tokens: 9 }, { max_tokens: 9 }],
  ["the effort of thinking", { reasoning: { effort: "low", summary: "auto" } }, { reasoning_effort: "low" }],
  ["an effort few know as the nearest", { reasoning: { effort: "xhigh" } }, { reasoning_effort: "high" }],
  ["no effort by saying nothing", { reasoning: { effort: "none" } }, {}],
  ["a stream, with its count", { stream: true }, { stream: true, stream_options: { include_usage: true } }],
  ["plain text by saying nothing", { text: { format: { type: "text" }, verbosity: "low" } }, {}],
  [
    "an answer by a schema",
    { text: { format: { type: "json_schema", name: "n", schema: {}, strict: true } } },
    { response_format: { type: "json_schema", json_schema: { name: "n", schema: {}, strict: true } } },
  ],
  [
    "tools in the nested form",
    {
      tools: [{ type: "function", name: "ls", parameters: {}, strict: false }],
      tool_choice: { type: "function", name: "ls" },
      parallel_tool_calls: true,
    },
    {
      tools: [{ type: "function", function: { name: "ls", parameters: {} } }],
      tool_choice: { type: "function", function: { name: "ls" } },
      parallel_tool_calls: true,
    },
  ],
  [
    "nothing that chat providers refuse",
    {
      store: false,
      include: ["reasoning.encrypted_content"],
      prompt_cache_key: "k",
      truncation: "auto",
      metadata: {},
      parallel_tool_calls: true,
    },
    {},
  ],
])("a request keeps %s", (_name, asked, expected) => {
  expect(translated(asked)).toEqual({ model: "m", messages: [], ...expected });
});

test.each<[name: string, asked: JsonObject, field: string]>([
  ["an answer kept by the provider", { previous_response_id: "resp_1" }, "previous_response_id"],
  ["a conversation kept by the provider", { conversation: "conv_1" }, "conversation"],
  ["a prompt kept by the provider", { prompt: { id: "p" } }, "prompt"],
  ["work in the background", { background: true }, "background"],
  ["the provider's own tools", { tools: [{ type: "web_search" }] }, "tools of the type web_search"],
  ["a reference", { input: [{ type: "item_reference", id: "x" }] }, "input of the type item_reference"],
  ["an item without a type", { input: [{}] }, "input of the type undefined"],
  [
    "a picture by its id",
    { input: [{ role: "user", content: [{ type: "input_image", file_id: "f" }] }] },
    "an image by its file id",
  ],
  [
    "a file by its address",
    { input: [{ role: "user", content: [{ type: "input_file", file_url: "u" }] }] },
    "a file by its id or address",
  ],
  ["no input", { input: undefined }, "a request without an input"],
])("%s cannot be said, and the reason names it", (_name, asked, field) => {
  const result = translateRequest(wayFrom("responses"), { model: "m", input: [], ...asked });
  expect(result).toEqual({
    kind: "untranslatable",
    field,
    why: `${field} cannot be said in the chat completions dialect`,
  });
});
