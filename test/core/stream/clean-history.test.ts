import { describe, expect, test } from "bun:test";
import type { Cleaning } from "../../../src/core/dialect/history.ts";
import type { Dialect } from "../../../src/core/dialect/registry.ts";
import { cleanHistory, refusesLastTurn } from "../../../src/core/stream/clean-history.ts";

type Turn = Record<string, unknown>;

const USER = { role: "user", content: "go on" };
const CALL = { id: "c1", type: "function", function: { name: "ls", arguments: "{}" } };
const OTHER = { ...CALL, id: "c2" };
const RESULT = { role: "tool", tool_call_id: "c1", content: "a b" };

function clean(dialect: Dialect, turns: Turn[], cleaning: Cleaning, more: Turn = {}): unknown {
  const field = dialect === "chat" ? "messages" : "input";
  const body = { model: "m", [field]: turns, tools: [{ type: "function" }], ...more };
  const text = JSON.stringify(body);
  const cleaned = Buffer.from(cleanHistory(new TextEncoder().encode(text), dialect, cleaning)).toString();
  if (cleaned === text) return "the same bytes";
  const { [field]: kept, ...others } = JSON.parse(cleaned) as Turn;
  const { [field]: _, ...before } = body;
  expect(others).toEqual(before);
  return kept;
}

describe("the history of a chat", () => {
  test.each<[what: string, turns: Turn[], kept: Turn[]]>([
    ["an empty turn", [USER, { role: "assistant", content: "" }, USER], [USER, USER]],
    [
      "a blank turn",
      [USER, { role: "assistant", content: [{ type: "text", text: "" }] }, USER],
      [USER, USER],
    ],
    [
      "a turn of thoughts alone",
      [USER, { role: "assistant", content: "", reasoning_content: "hm" }, USER],
      [USER, USER],
    ],
    [
      "a turn of nothing but empty fields",
      [USER, { role: "assistant", content: null, tool_calls: [] }, USER],
      [USER, USER],
    ],
  ])("loses %s for every client", (_what, turns, kept) => {
    expect(clean("chat", turns, "empty")).toEqual(kept);
    expect(clean("chat", turns, "left-over")).toEqual(kept);
  });

  test.each<[what: string, turns: Turn[], kept: Turn[]]>([
    ["a last answer that broke off", [USER, { role: "assistant", content: "I wi" }], [USER]],
    [
      "a last answer and the thoughts before it",
      [
        USER,
        { role: "assistant", content: "", reasoning_content: "hm" },
        { role: "assistant", content: "I" },
      ],
      [USER],
    ],
    [
      "last calls that have no result",
      [USER, { role: "assistant", content: "", tool_calls: [CALL, OTHER] }],
      [USER],
    ],
    [
      "one of two last calls, but not the words before them",
      [USER, { role: "assistant", content: "", tool_calls: [CALL, OTHER] }, RESULT],
      [USER, { role: "assistant", content: "", tool_calls: [CALL] }, RESULT],
    ],
  ])("loses %s for an agent", (_what, turns, kept) => {
    expect(clean("chat", turns, "left-over")).toEqual(kept);
  });

  test("keeps a last answer that another client may want continued", () => {
    const turns = [USER, { role: "assistant", content: "I wi" }];
    expect(clean("chat", turns, "empty")).toBe("the same bytes");
  });

  test.each<[what: string, turns: Turn[], more: Turn]>([
    ["ends in a question", [USER, { role: "assistant", content: "Hi" }, USER], {}],
    ["ends in a result", [USER, { role: "assistant", content: "", tool_calls: [CALL] }, RESULT], {}],
    ["ends in an answer to be continued", [USER, { role: "assistant", content: "I", prefix: true }], {}],
    [
      "is to be continued as a whole",
      [USER, { role: "assistant", content: "I" }],
      { continue_final_message: true },
    ],
    ["is one answer alone", [{ role: "assistant", content: "I" }], {}],
    ["has a tool with a role", [USER, { role: "assistant", content: "Hi" }, USER], { x: { role: {} } }],
  ])("that %s is sent as it is", (_what, turns, more) => {
    expect(clean("chat", turns, "left-over", more)).toBe("the same bytes");
  });

  test("tells the model to stop as the user where the agent says so as the model", () => {
    const order = "CRITICAL - MAXIMUM STEPS REACHED\n\nRespond with text only.";
    const turns = [USER, { role: "assistant", content: order }];
    expect(clean("chat", turns, "left-over")).toEqual([USER, { role: "user", content: order }]);
  });
});

describe("the history of a response", () => {
  const said = (text: string): Turn => ({ role: "assistant", content: [{ type: "output_text", text }] });
  const think = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" };
  const call = { type: "function_call", call_id: "c1", name: "ls", arguments: "{}" };
  const output = { type: "function_call_output", call_id: "c1", output: "a b" };

  test.each<[what: string, turns: Turn[], kept: Turn[]]>([
    ["an empty message", [USER, said(""), USER], [USER, USER]],
    ["thoughts without an answer", [USER, think, USER], [USER, USER]],
    ["thoughts before an empty message", [USER, think, said(""), USER], [USER, USER]],
  ])("loses %s for every client", (_what, turns, kept) => {
    expect(clean("responses", turns, "empty")).toEqual(kept);
  });

  test.each<[what: string, turns: Turn[], kept: Turn[]]>([
    ["a last answer that broke off", [USER, think, said("I wi")], [USER]],
    ["last calls that have no output", [USER, think, call], [USER]],
    ["last thoughts", [USER, think], [USER]],
  ])("loses %s for an agent", (_what, turns, kept) => {
    expect(clean("responses", turns, "left-over")).toEqual(kept);
  });

  test.each<[what: string, turns: Turn[]]>([
    ["ends in an output", [USER, think, call, output]],
    ["thinks before it answers", [USER, think, said("Hi"), USER]],
    ["has only an output", [output]],
  ])("that %s is sent as it is", (_what, turns) => {
    expect(clean("responses", turns, "left-over")).toBe("the same bytes");
  });
});

test.each([
  '{ "messages" : [ {"role":"user","content":""} , {"role":"assistant","content":"x"} ] }',
  '{"messages":[{"role":"assistant","content":""}',
  '{"messages":"assistant","content":""}',
  "no JSON at all",
])("%s is sent as it is", (body) => {
  const cleaned = cleanHistory(new TextEncoder().encode(body), "chat", "empty");
  expect(Buffer.from(cleaned).toString()).toBe(body);
});

test.each([
  ["Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant", true],
  ["The last message must be from the user", true],
  [
    "This model does not support assistant message prefill. The conversation must end with a user message.",
    true,
  ],
  ["Cannot set `add_generation_prompt` to True when the last message is from the assistant.", true],
  ["Invalid value: 'temperature' must be at most 2", false],
  ["messages: too long", false],
])("%j is about the last turn: %p", (words, isSo) => {
  expect(refusesLastTurn(words)).toBe(isSo);
});
