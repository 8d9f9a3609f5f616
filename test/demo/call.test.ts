import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Dialect } from "../../src/core/dialect/registry.ts";
import { type Asked, readAsked } from "../../src/demo/call.ts";

function read(body: unknown, dialect: Dialect | undefined = "chat"): Asked {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return readAsked({ method: "POST", path: "/", headers: new Headers(), body: text, atMs: 0 }, dialect);
}

const TITLE = [
  { role: "system", content: "You are a title generator. You output ONLY a thread title." },
  { role: "user", content: "Generate a title for this conversation:" },
];
const TOOLS = [{ type: "function", function: { name: "read" } }];

test.each<[name: string, body: unknown, expected: Partial<Asked>]>([
  ["a model and a stream", { model: "a/b", stream: true }, { model: "a/b", wantsStream: true }],
  ["no stream unless it is asked for", { model: "m" }, { wantsStream: false, hasTools: false }],
  ["usage on request", { stream_options: { include_usage: true } }, { wantsUsage: true }],
  ["an empty list of tools is none", { tools: [] }, { hasTools: false }],
  ["a title without tools", { messages: TITLE }, { isTitle: true, lastRole: "user" }],
  ["no title where there are tools", { messages: TITLE, tools: TOOLS }, { isTitle: false, hasTools: true }],
  ["a prefill", { messages: [{ role: "user" }, { role: "assistant" }] }, { lastRole: "assistant" }],
  ["a text as input", { input: "hi" }, { lastRole: "user" }],
  ["a tool's result as input", { input: [{ type: "function_call_output" }] }, { lastRole: "tool" }],
  ["a body that is no JSON", "{", { model: "", wantsStream: false, lastRole: "" }],
])("reads %s", (_name, body, expected) => {
  expect(read(body)).toMatchObject(expected);
});

test("the responses dialect always tells usage", () => {
  expect(read({}, "responses").wantsUsage).toBe(true);
});

test("the key is the bearer secret, and no header is no key", () => {
  const parts = { method: "POST", path: "/", body: "", atMs: 0 };
  const headers = new Headers({ authorization: "Bearer abc" });
  expect(readAsked({ ...parts, headers }, "chat").key).toBe("abc");
  expect(readAsked({ ...parts, headers: new Headers() }, "chat").key).toBe("");
});

test("no JSON at all upsets the reader", () => {
  fc.assert(fc.property(fc.json(), (body) => read(body).body === body));
});
