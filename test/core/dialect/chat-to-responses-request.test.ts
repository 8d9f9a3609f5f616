import { describe, expect, test } from "bun:test";
import { translateRequest } from "../../../src/core/dialect/translate.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import { wayFrom } from "./answers.ts";

function translated(body: JsonObject): JsonObject {
  const result = translateRequest(wayFrom("chat"), { model: "m", messages: [], ...body });
  if (result.kind === "untranslatable") throw new Error(result.why);
  return result.body;
}

const FUNCTION = { name: "ls", description: "lists", parameters: { type: "object", properties: {} } };

describe("a conversation", () => {
  test("of an agent keeps its order, its calls and their results, and loses old reasoning", () => {
    const { input } = translated({
      messages: [
        { role: "system", content: "be brief" },
        { role: "developer", content: [{ type: "text", text: "really" }] },
        { role: "user", content: "list" },
        {
          role: "assistant",
          content: "Looking.",
          reasoning_content: "which folder?",
          tool_calls: [
            { id: "a", type: "function", function: { name: "ls", arguments: '{"p":"."}' } },
            { id: "b", type: "function", function: { name: "ls", arguments: "" } },
          ],
        },
        { role: "tool", tool_call_id: "a", content: "x.ts" },
        { role: "tool", tool_call_id: "b", content: [{ type: "text", text: "y.ts" }] },
        { role: "assistant", content: "" },
      ],
    });
    expect(input).toEqual([
      { role: "system", content: "be brief" },
      { role: "developer", content: "really" },
      { role: "user", content: "list" },
      { role: "assistant", content: [{ type: "output_text", text: "Looking." }] },
      { type: "function_call", call_id: "a", name: "ls", arguments: '{"p":"."}' },
      { type: "function_call", call_id: "b", name: "ls", arguments: "{}" },
      { type: "function_call_output", call_id: "a", output: "x.ts" },
      { type: "function_call_output", call_id: "b", output: "y.ts" },
    ]);
  });

  test("keeps pictures, files and refusals", () => {
    const { input } = translated({
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "what is it?" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AA", detail: "high" } },
            { type: "image_url", image_url: "https://example.test/a.png" },
            { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA" } },
          ],
        },
        { role: "assistant", content: null, refusal: "no" },
      ],
    });
    expect(input).toEqual([
      {
        role: "user",
        content: [
          { type: "input_text", text: "what is it?" },
          { type: "input_image", image_url: "data:image/png;base64,AA", detail: "high" },
          { type: "input_image", image_url: "https://example.test/a.png", detail: "auto" },
          { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,AA" },
        ],
      },
      { role: "assistant", content: [{ type: "refusal", refusal: "no" }] },
    ]);
  });
});

test.each<[name: string, asked: JsonObject, expected: JsonObject]>([
  ["max_tokens is the limit of the output", { max_tokens: 9 }, { max_output_tokens: 9 }],
  ["its newer name wins", { max_tokens: 9, max_completion_tokens: 8 }, { max_output_tokens: 8 }],
  ["the effort of thinking", { reasoning_effort: "low" }, { reasoning: { effort: "low" } }],
  ["the effort as an object", { reasoning: { effort: "high" } }, { reasoning: { effort: "high" } }],
  [
    "dice, and what is the same in both",
    { temperature: 0.5, top_p: 0.9, stream: true, user: "u" },
    { temperature: 0.5, top_p: 0.9, stream: true, user: "u" },
  ],
  [
    "a JSON answer",
    { response_format: { type: "json_object" } },
    { text: { format: { type: "json_object" } } },
  ],
  [
    "an answer by a schema",
    { response_format: { type: "json_schema", json_schema: { name: "n", schema: {}, strict: true } } },
    { text: { format: { type: "json_schema", name: "n", schema: {}, strict: true } } },
  ],
  ["the length of the words", { verbosity: "low" }, { text: { verbosity: "low" } }],
  [
    "tools in the flat form, strict only where that was said",
    {
      tools: [{ type: "function", function: FUNCTION }],
      tool_choice: { type: "function", function: { name: "ls" } },
      parallel_tool_calls: false,
    },
    {
      tools: [{ type: "function", ...FUNCTION, strict: false }],
      tool_choice: { type: "function", name: "ls" },
      parallel_tool_calls: false,
    },
  ],
  ["a plain tool_choice without tools is none", { tools: [], tool_choice: "auto" }, {}],
  [
    "what means nothing, nudges the dice or is a provider's own",
    {
      n: 1,
      stop: null,
      logit_bias: {},
      seed: 1,
      frequency_penalty: 1,
      top_k: 4,
      stream_options: {},
      mine: 1,
    },
    {},
  ],
])("a request keeps %s", (_name, asked, expected) => {
  expect(translated(asked)).toEqual({ model: "m", input: [], store: false, ...expected });
});

test.each<[name: string, asked: JsonObject, field: string]>([
  ["several answers", { n: 2 }, "n above 1"],
  ["stop words", { stop: ["x"] }, "stop"],
  ["a bias", { logit_bias: { "5": 1 } }, "logit_bias"],
  ["probabilities", { logprobs: true }, "logprobs"],
  ["a spoken answer", { modalities: ["text", "audio"] }, "modalities other than text"],
  ["a search", { web_search_options: {} }, "web_search_options"],
  ["functions of the old form", { functions: [FUNCTION] }, "functions"],
  ["free-form tools", { tools: [{ type: "custom", custom: {} }] }, "tools of the type custom"],
  [
    "a choice of tools",
    { tools: [{ type: "function", function: FUNCTION }], tool_choice: { type: "allowed_tools" } },
    "a tool_choice of the type allowed_tools",
  ],
  [
    "a recording",
    { messages: [{ role: "user", content: [{ type: "input_audio", input_audio: {} }] }] },
    "content of the type input_audio",
  ],
  [
    "a role nobody knows",
    { messages: [{ role: "function", content: "" }] },
    "messages with the role function",
  ],
  [
    "a free-form call",
    { messages: [{ role: "assistant", tool_calls: [{ id: "a", type: "custom" }] }] },
    "tool calls of the type custom",
  ],
  [
    "a call of the old form",
    { messages: [{ role: "assistant", function_call: { name: "x" } }] },
    "messages with a function_call",
  ],
  ["no messages", { messages: undefined }, "a request without a list of messages"],
])("%s cannot be said, and the reason names it", (_name, asked, field) => {
  const result = translateRequest(wayFrom("chat"), { model: "m", messages: [], ...asked });
  expect(result).toEqual({
    kind: "untranslatable",
    field,
    why: `${field} cannot be said in the Responses dialect`,
  });
});
