import { afterAll, beforeAll, expect, test } from "bun:test";
import { asArray, asObject, type JsonObject } from "../../src/core/json.ts";
import { e2eMachine } from "./machine.ts";
import { type ServeProcess, startServe } from "./serve-process.ts";
import { type DialectServer, dialectServer } from "./three-dialects.ts";

let machine: ReturnType<typeof e2eMachine>;
let upstream: DialectServer;
let serve: ServeProcess;

beforeAll(async () => {
  machine = e2eMachine();
  upstream = dialectServer();
  const provider = (id: string, api: string) =>
    `[providers.${id}]\nbase_url = "${upstream.url}/v1"\napi = "${api}"\nauth = "bearer"\n`;
  const key = (id: string) =>
    `[[keys]]\nprovider = "${id}"\nname = "good"\nvalue = "sk-${id}-good-1234567890"\n`;
  const ids = {
    plain: "chat",
    replies: "responses",
    "kimi-for-coding": "messages",
    anthropic: "messages",
    deepseek: "chat",
  };
  machine.write(
    "orouter/config.toml",
    Object.entries(ids)
      .map(([id, api]) => provider(id, api))
      .join("\n"),
  );
  machine.write("orouter/keys.toml", Object.keys(ids).map(key).join("\n"));
  serve = await startServe(machine, machine.folder.in("orouter"));
}, 60_000);

afterAll(async () => {
  serve.kill("SIGTERM");
  await serve.ended();
  await upstream[Symbol.asyncDispose]();
  machine[Symbol.dispose]();
});

const PNG = { type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } };

/** One turn of a client of Messages. Returns the content of the answer. */
async function turn(model: string, messages: unknown[], more: object = {}): Promise<JsonObject[]> {
  const reply = await fetch(`${serve.url}/v1/messages?beta=true`, {
    method: "POST",
    headers: { "x-api-key": serve.token, "content-type": "application/json" },
    body: JSON.stringify({
      model,
      max_tokens: 20_000,
      thinking: { type: "enabled", budget_tokens: 2048 },
      tools: [{ name: "ls", input_schema: { type: "object" } }],
      system: [{ type: "text", text: "S", cache_control: { type: "ephemeral" } }],
      messages,
      ...more,
    }),
  });
  const answer = asObject(await reply.json());
  expect([reply.status, answer["type"]]).toEqual([200, "message"]);
  return asArray(answer["content"]).map(asObject);
}

function sent(): JsonObject {
  return upstream.calls.at(-1)?.body ?? {};
}

function blocksOf(message: unknown): JsonObject[] {
  return asArray(asObject(message)["content"]).map(asObject);
}

test("a session moves over providers of three dialects, and reasoning comes back to its own family alone", async () => {
  const asked = {
    role: "user",
    content: [{ type: "text", text: "q", cache_control: { type: "ephemeral" } }, PNG],
  };
  const first = await turn("kimi-for-coding/k3", [asked]);
  expect(first.map(({ type }) => type)).toEqual(["thinking", "text", "tool_use", "tool_use"]);
  const results = {
    role: "user",
    content: ["a", "b"].map((id) => ({
      type: "tool_result",
      tool_use_id: `call_${id}`,
      content: [{ type: "text", text: id }, PNG],
      is_error: id === "b",
    })),
  };
  const history = [asked, { role: "assistant", content: first }, results];

  // Another family that checks signatures: the block is left out, all else stays.
  await turn("anthropic/claude-opus-4-7", history);
  const atAnthropic = asArray(sent()["messages"]);
  expect(blocksOf(atAnthropic[1]).map(({ type }) => type)).toEqual(["text", "tool_use", "tool_use"]);
  expect([atAnthropic[0], atAnthropic[2]]).toEqual([asked, results]);

  // Back home: the very same bytes.
  await turn("kimi-for-coding/k3", history);
  expect(sent()["messages"]).toEqual(history);

  // A chat that takes no reasoning back, and one that asks for it.
  await turn("plain/m", history);
  const plain = asArray(sent()["messages"]).map(asObject);
  expect(plain.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool", "tool", "user"]);
  expect(JSON.stringify(plain)).not.toContain("reasoning");
  expect(plain[4]?.["content"]).toBe("Error: b");
  expect(JSON.stringify(plain[5])).toContain("data:image/png;base64,AA");
  await turn("deepseek/deepseek-v4", history);
  expect(asObject(asArray(sent()["messages"])[2])["reasoning_content"]).toBe("Let me see.");

  // Responses: the calls and their results, and no foreign reasoning.
  await turn("replies/m", history);
  const items = asArray(sent()["input"]).map(asObject);
  expect(items.map(({ type, role }) => type ?? role)).toEqual([
    "system",
    "user",
    "assistant",
    "function_call",
    "function_call",
    "function_call_output",
    "function_call_output",
  ]);
});

test("reasoning of a chat carries a mark that no other family is sent", async () => {
  const asked = { role: "user", content: "q" };
  const first = await turn("deepseek/deepseek-v4", [asked]);
  expect(String(first[0]?.["signature"])).toStartWith("orouter.1.deepseek.");
  const results = {
    role: "user",
    content: ["a", "b"].map((id) => ({ type: "tool_result", tool_use_id: `call_${id}`, content: "1" })),
  };
  const history = [asked, { role: "assistant", content: first }, results];
  await turn("anthropic/claude-opus-4-7", history);
  expect(JSON.stringify(sent())).not.toContain("orouter.1");
  expect(JSON.stringify(sent())).not.toContain("Let me see.");
  await turn("deepseek/deepseek-v4", history);
  expect(asObject(asArray(sent()["messages"])[2])["reasoning_content"]).toBe("Let me see.");
});

test("only Anthropic gets Claude Code's billing block, and only its own dialect gets its headers", async () => {
  const system = [
    { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.332.abc;" },
    { type: "text", text: "S" },
  ];
  await turn("kimi-for-coding/k3", [{ role: "user", content: "q" }], { system });
  expect(sent()["system"]).toEqual([{ type: "text", text: "S" }]);
  await turn("anthropic/claude-opus-4-7", [{ role: "user", content: "q" }], { system });
  expect(sent()["system"]).toEqual(system);
});
