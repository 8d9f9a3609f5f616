import { describe, expect, test } from "bun:test";
import { traitsOf } from "../../../src/core/dialect/model-traits.ts";
import { type Dialect, dialectSpec } from "../../../src/core/dialect/registry.ts";
import { translateRequest } from "../../../src/core/dialect/translate.ts";
import { asArray, asObject, type JsonObject } from "../../../src/core/json.ts";

const HOSTS: Record<string, string> = {
  anthropic: "https://api.anthropic.com/v1",
  deepseek: "https://api.deepseek.com",
  minimax: "https://api.minimax.io/anthropic/v1",
  relay: "https://relay.example/v1",
};

function about(provider: string, model: string, more: object = {}) {
  return { traits: traitsOf({ id: provider, baseUrl: HOSTS[provider] ?? "" }, model), ...more };
}

/** What a request of Messages becomes for a provider of another dialect. */
function fromMessages(body: JsonObject, provider = "relay", to: Dialect = "chat"): JsonObject {
  const asked = { model: "m", max_tokens: 100, messages: [], ...body };
  const result = translateRequest({ from: "messages", to }, asked, about(provider, "m"));
  if (result.kind !== "translated") throw new Error(result.why);
  return JSON.parse(JSON.stringify(result.body)) as JsonObject;
}

function whyNot(from: Dialect, to: Dialect, body: JsonObject): string | undefined {
  const result = translateRequest({ from, to }, { model: "m", messages: [], ...body });
  return result.kind === "untranslatable" ? result.field : undefined;
}

/** What a chat becomes for a provider of Messages. */
function toMessages(body: JsonObject, provider = "relay", model = "m", more: object = {}): JsonObject {
  const asked = { model, messages: [], ...body };
  const result = translateRequest({ from: "chat", to: "messages" }, asked, about(provider, model, more));
  if (result.kind !== "translated") throw new Error(result.why);
  return JSON.parse(JSON.stringify(result.body)) as JsonObject;
}

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const use = (id: string, name = "ls", input: object = {}) => ({ type: "tool_use", id, name, input });
const result = (id: string, content: unknown, more: object = {}) => ({
  type: "tool_result",
  tool_use_id: id,
  content,
  ...more,
});
const call = (id: string, given = "{}") => ({
  id,
  type: "function",
  function: { name: "ls", arguments: given },
});
const tool = (id: string, content: string) => ({ role: "tool", tool_call_id: id, content });
const ONE_TOOL = [{ name: "ls", input_schema: { type: "object" } }];
const CHAT_TOOL = [{ type: "function", function: { name: "ls", parameters: { type: "object" } } }];

describe("a request of Messages for a chat", () => {
  test("has one system message without the billing block", () => {
    const billing = { type: "text", text: "x-anthropic-billing-header: cc_version=1.abc;" };
    const system = [billing, { type: "text", text: "A" }, { type: "text", text: "B" }];
    const { messages } = fromMessages({ system, messages: [user("hi")] });
    expect(messages).toEqual([{ role: "system", content: "A\n\nB" }, user("hi")]);
  });

  test("has a later system message as text of the user", () => {
    const { messages } = fromMessages({ messages: [user("hi"), { role: "system", content: "S" }] });
    const [only, ...others] = asArray(messages);
    expect(others).toEqual([]);
    expect(JSON.stringify(only)).toMatch(/"user".*hi.*<system-reminder>\\nS\\n/);
  });

  test.each([
    ["behind its results", [result("a", "1"), result("b", "2"), { type: "text", text: "T" }]],
    ["before its results", [{ type: "text", text: "T" }, result("a", "1"), result("b", "2")]],
  ])("has the results of calls first, with text %s", (_, content) => {
    const { messages } = fromMessages({ messages: [assistant([use("a"), use("b")]), user(content)] });
    expect(asArray(messages).slice(1)).toEqual([tool("a", "1"), tool("b", "2"), user("T")]);
  });

  test("says that a tool has failed, once", () => {
    const told = [
      result("a", "no such file", { is_error: true }),
      result("b", "Error: x", { is_error: true }),
    ];
    const { messages } = fromMessages({ messages: [assistant([use("a"), use("b")]), user(told)] });
    expect(asArray(messages).slice(1)).toEqual([tool("a", "Error: no such file"), tool("b", "Error: x")]);
  });

  test("has pictures of results in the user's message behind all results", () => {
    const png = { type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } };
    const told = [
      result("a", [{ type: "text", text: "seen" }, png]),
      result("b", "2"),
      { type: "text", text: "T" },
    ];
    const { messages } = fromMessages({ messages: [assistant([use("a"), use("b")]), user(told)] });
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AA" } };
    expect(asArray(messages).slice(1)).toEqual([
      tool("a", "seen"),
      tool("b", "2"),
      user([picture, { type: "text", text: "T" }]),
    ]);
  });

  test("has earlier reasoning only where the provider asks for it back", () => {
    const thought = (thinking: string) => ({ type: "thinking", thinking, signature: "sig" });
    const history = [
      user("q"),
      assistant([thought("hm"), { type: "text", text: "t" }, use("a")]),
      user([result("a", "1")]),
    ];
    const [, said] = asArray(fromMessages({ messages: history })["messages"]);
    expect(said).toEqual({ ...assistant("t"), tool_calls: [call("a")] });
    const [, kept] = asArray(fromMessages({ messages: history }, "deepseek")["messages"]);
    expect(kept).toEqual({ ...assistant("t"), reasoning_content: "hm", tool_calls: [call("a")] });
    const silent = [user("q"), assistant([thought(""), { type: "text", text: "t" }])];
    expect(asArray(fromMessages({ messages: silent }, "deepseek")["messages"])[1]).toEqual(assistant("t"));
  });

  test("keeps the order of arguments", () => {
    const { messages } = fromMessages({ messages: [assistant([use("a"), use("b", "ls", { b: 1, a: 2 })])] });
    const calls = asArray(asObject(asArray(messages)[0])["tool_calls"]).map(asObject);
    expect(calls.map((one) => asObject(one["function"])["arguments"])).toEqual(["{}", '{"b":1,"a":2}']);
  });

  test("cannot have tools that only the provider runs", () => {
    const tools = [{ type: "web_search_20250305", name: "web_search" }];
    const asked = { tools, tool_choice: { type: "tool", name: "web_search" } };
    expect(whyNot("messages", "chat", asked)).toBe("tools of the type web_search_20250305");
  });

  test("has a choice and a limit of calls only with tools", () => {
    const tool_choice = { type: "any", disable_parallel_tool_use: true };
    const written = fromMessages({ tools: ONE_TOOL, tool_choice });
    expect([written["tool_choice"], written["parallel_tool_calls"]]).toEqual(["required", false]);
    expect(Object.keys(fromMessages({ tool_choice }))).not.toContain("tool_choice");
  });

  test.each([
    [{ thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } }, "high"],
    [{ thinking: { type: "disabled" } }, undefined],
    [{ thinking: { type: "enabled", budget_tokens: 2000 } }, "low"],
    [{ thinking: { type: "enabled", budget_tokens: 20_000 } }, "high"],
  ])("has the effort of %j", (asked, effort) => {
    expect(fromMessages(asked)["reasoning_effort"]).toBe(effort);
  });

  test("has a name for the format of its answer", () => {
    const schema = { type: "object" };
    const written = fromMessages({ output_config: { format: { type: "json_schema", schema } } });
    expect(written["response_format"]).toEqual({
      type: "json_schema",
      json_schema: { name: "answer", schema },
    });
  });

  test("has documents in it, but none by address", () => {
    const pdf = { type: "base64", media_type: "application/pdf", data: "AA" };
    const found = { type: "search_result", title: "t", source: "s", content: [{ type: "text", text: "c" }] };
    const content = [{ type: "document", title: "x.pdf", source: pdf }, found];
    expect(fromMessages({ messages: [user(content)] })["messages"]).toEqual([
      user([
        { type: "file", file: { filename: "x.pdf", file_data: "data:application/pdf;base64,AA" } },
        { type: "text", text: "t\ns\nc" },
      ]),
    ]);
    const byAddress = [user([{ type: "document", source: { type: "url", url: "https://x" } }])];
    expect(whyNot("messages", "chat", { messages: byAddress })).toBe("a document by its address");
  });

  test("may begin a thread and not continue one", () => {
    const { refuseRequest } = dialectSpec("messages");
    const asked = (thread: object) => new TextEncoder().encode(JSON.stringify({ thread, messages: [] }));
    expect(refuseRequest?.(asked({ type: "create" }))).toBeUndefined();
    expect(refuseRequest?.(asked({ type: "continue" }))?.code).toBe("thread_unsupported_request");
    expect(fromMessages({ thread: { type: "create" }, messages: [user("hi")] })["messages"]).toEqual([
      user("hi"),
    ]);
  });
});

describe("a chat for Messages", () => {
  test("gets the limit of output tokens that the dialect requires", () => {
    expect(toMessages({}, "relay", "m", { outputLimit: 4000 })["max_tokens"]).toBe(4000);
    expect(toMessages({ max_tokens: 1000, reasoning_effort: "low" })["max_tokens"]).toBe(3048);
  });

  test("has the results of calls first in their turn, in the order of the calls", () => {
    const { messages } = toMessages({
      messages: [
        user("q"),
        { ...assistant(null), tool_calls: [call("x"), call("y")] },
        tool("y", "2"),
        tool("x", "1"),
        user("T"),
      ],
    });
    expect(messages).toEqual([
      user([{ type: "text", text: "q" }]),
      assistant([use("x"), use("y")]),
      user([
        { type: "tool_result", tool_use_id: "x", content: "1" },
        { type: "tool_result", tool_use_id: "y", content: "2" },
        { type: "text", text: "T" },
      ]),
    ]);
  });

  test("has a result for each call, and no result without a call", () => {
    const { messages } = toMessages({
      messages: [
        { ...assistant("ok"), tool_calls: [call("x"), call("y")] },
        tool("x", "1"),
        tool("z", "lost"),
      ],
    });
    expect(asArray(messages)[1]).toEqual(
      user([
        { type: "tool_result", tool_use_id: "x", content: "1" },
        { type: "tool_result", tool_use_id: "y", content: "no result", is_error: true },
        { type: "text", text: "lost" },
      ]),
    );
  });

  test("has ids that the dialect accepts, unique and the same each time", () => {
    const round = [
      { ...assistant(null), tool_calls: [call("functions.Bash:0")] },
      tool("functions.Bash:0", "r"),
    ];
    const asked = { messages: [user("q"), ...round, ...round] };
    const { messages } = toMessages(asked);
    const [, first, , second] = asArray(messages).map(asObject);
    const ids = [first, second].map((turn) => asObject(asArray(turn?.["content"])[0])["id"]);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9_-]+$/);
    const results = [2, 4].map(
      (at) => asObject(asArray(asObject(asArray(messages)[at])["content"])[0])["tool_use_id"],
    );
    expect(results).toEqual(ids);
    expect(JSON.stringify(toMessages(asked))).toBe(JSON.stringify({ ...toMessages(asked) }));
    const near = toMessages({
      messages: [{ ...assistant(null), tool_calls: [call("call:1"), call("call_1")] }],
    });
    const nearIds = asArray(asObject(asArray(near["messages"])[0])["content"]).map(
      (one) => asObject(one)["id"],
    );
    expect(nearIds[1]).toBe("call_1");
    expect(nearIds[0]).not.toBe("call_1");
  });

  test("has no empty turns, and roles alternate", () => {
    const { messages } = toMessages({ messages: [user("a"), assistant(""), user("b"), assistant("ok \n")] });
    expect(messages).toEqual([
      user([
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ]),
      assistant([{ type: "text", text: "ok" }]),
    ]);
  });

  test("has arguments that are no object in a field of their own", () => {
    const calls = [call("a", ""), call("b", '{"a":')];
    const { messages } = toMessages({ messages: [{ ...assistant(null), tool_calls: calls }] });
    const inputs = asArray(asObject(asArray(messages)[0])["content"]).map((one) => asObject(one)["input"]);
    expect(inputs).toEqual([{}, { _raw: '{"a":' }]);
  });

  test.each([
    ["anthropic", "claude-sonnet-4-5", { temperature: 1 }],
    ["anthropic", "claude-opus-5-5", {}],
    ["minimax", "MiniMax-M3", { temperature: 1, top_p: 0.9 }],
  ])("has the sampling that %s accepts for %s", (provider, model, expected) => {
    const { temperature, top_p } = toMessages({ temperature: 1.6, top_p: 0.9 }, provider, model);
    expect({
      ...(temperature === undefined ? {} : { temperature }),
      ...(top_p === undefined ? {} : { top_p }),
    }).toEqual(expected);
  });

  test("thinks in the form of its model, also in the middle of calls", () => {
    const messages = [user("q"), { ...assistant(null), tool_calls: [call("x")] }, tool("x", "1")];
    const asked = { messages, reasoning_effort: "high" };
    expect(toMessages(asked, "anthropic", "claude-sonnet-4-5")["thinking"]).toEqual({ type: "disabled" });
    expect(asObject(toMessages(asked, "anthropic", "claude-opus-4-7")["thinking"])["type"]).toBe("adaptive");
    const deepseek = asArray(toMessages(asked, "deepseek", "deepseek-v4-pro")["messages"])[1];
    expect(deepseek).toEqual(assistant([{ type: "thinking", thinking: "", signature: "" }, use("x")]));
  });

  test("forces no call where that is refused", () => {
    const asked = { tools: CHAT_TOOL, tool_choice: "required" };
    expect(toMessages(asked, "anthropic", "claude-sonnet-5-5")["tool_choice"]).toEqual({ type: "auto" });
    expect(toMessages(asked)["tool_choice"]).toEqual({ type: "any" });
    expect(toMessages({ tools: CHAT_TOOL, parallel_tool_calls: false })["tool_choice"]).toEqual({
      type: "auto",
      disable_parallel_tool_use: true,
    });
  });

  test("has images of known types, and stop words that are not blank", () => {
    const image = (url: string) => [user([{ type: "image_url", image_url: { url } }])];
    expect(toMessages({ messages: image("data:image/png;base64,AA") })["messages"]).toEqual([
      user([{ type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } }]),
    ]);
    expect(whyNot("chat", "messages", { messages: image("data:image/bmp;base64,AA") })).toBe(
      "an image of the type image/bmp",
    );
    expect(toMessages({ stop: "X" })["stop_sequences"]).toEqual(["X"]);
    expect(toMessages({ stop: " " })["stop_sequences"]).toBeUndefined();
  });

  test("has tools whose input is an object", () => {
    const described = (parameters?: object) => [{ type: "function", function: { name: "f", parameters } }];
    const schema = (parameters?: object) =>
      asObject(asArray(toMessages({ tools: described(parameters) })["tools"])[0])["input_schema"];
    expect(schema()).toEqual({ type: "object", properties: {} });
    const one = { type: "object", properties: { a: {}, k: {} }, required: ["a", "k"] };
    const two = { type: "object", properties: { b: {}, k: {} }, required: ["b", "k"] };
    expect(schema({ anyOf: [one, two] })).toEqual({
      type: "object",
      properties: { a: {}, k: {}, b: {} },
      required: ["k"],
    });
  });

  test("names the same user in each turn of a session, and marks what is to be cached", () => {
    const ask = (turns: object[]) =>
      toMessages(
        { messages: [{ role: "system", content: "S" }, ...turns], tools: CHAT_TOOL },
        "anthropic",
        "claude-sonnet-4-5",
        { session: "ses_1" },
      );
    const first = ask([user("a")]);
    const second = ask([user("a"), assistant("b"), user("c"), assistant("d"), user("e")]);
    expect(second["metadata"]).toEqual(first["metadata"]);
    expect(JSON.stringify(second)).not.toContain("ses_1");
    expect(JSON.stringify(second).match(/cache_control/g)).toHaveLength(4);
    expect(JSON.stringify(ask([user("a")])["messages"])).toContain("cache_control");
  });
});
