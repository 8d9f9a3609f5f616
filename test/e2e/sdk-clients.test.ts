import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { asArray, asObject, type JsonObject } from "../../src/core/json.ts";
import { e2eMachine } from "./machine.ts";
import { type ServeProcess, startServe } from "./serve-process.ts";
import { type DialectServer, dialectServer } from "./three-dialects.ts";

const PROVIDERS = ["chat", "responses", "messages"] as const;
const KEYS = ["dead", "spent", "good"];

let machine: ReturnType<typeof e2eMachine>;
let upstream: DialectServer;
let serve: ServeProcess;

beforeAll(async () => {
  machine = e2eMachine();
  upstream = dialectServer();
  const tables = PROVIDERS.map(
    (api) =>
      `[providers.${api}-home]\nbase_url = "${upstream.url}/v1"\napi = "${api}"\nauth = "${api === "messages" ? "x-api-key" : "bearer"}"\n`,
  );
  machine.write(
    "orouter/config.toml",
    `${tables.join("\n")}\n[providers.lost]\nbase_url = "${upstream.url}/v1"\napi = "messages"\n`,
  );
  const keys = PROVIDERS.flatMap((api) =>
    KEYS.map(
      (name) =>
        `[[keys]]\nprovider = "${api}-home"\nname = "${name}"\nvalue = "sk-${api}-${name}-1234567890"\n`,
    ),
  );
  const lost = `[[keys]]\nprovider = "lost"\nname = "dead"\nvalue = "sk-lost-dead-1234567890"\n`;
  machine.write("orouter/keys.toml", [...keys, lost].join("\n"));
  serve = await startServe(machine, machine.folder.in("orouter"));
}, 60_000);

afterAll(async () => {
  serve.kill("SIGTERM");
  await serve.ended();
  await upstream[Symbol.asyncDispose]();
  machine[Symbol.dispose]();
});

/** What a client got, without ids and names of models. */
interface Got {
  thought: string;
  text: string;
  calls: unknown[];
  finish: string;
  input: number;
  output: number;
}

const TOOL = {
  name: "ls",
  description: "lists",
  input_schema: { type: "object" as const, properties: { path: { type: "string" } } },
};
const FUNCTION = { type: "function" as const, function: { name: "ls", parameters: TOOL.input_schema } };

function fromMessage(message: JsonObject): Got {
  const content = asArray(message["content"]).map(asObject);
  const of = (type: string) => content.filter((block) => block["type"] === type);
  const usage = asObject(message["usage"]);
  return {
    thought: of("thinking")
      .map((block) => block["thinking"])
      .join(""),
    text: of("text")
      .map((block) => block["text"])
      .join(""),
    calls: of("tool_use").map(({ id, name, input }) => [id, name, input]),
    finish: String(message["stop_reason"]),
    input: Number(usage["input_tokens"]) + Number(usage["cache_read_input_tokens"]),
    output: Number(usage["output_tokens"]),
  };
}

async function askAnthropic(
  baseURL: string,
  authToken: string,
  model: string,
  isStream: boolean,
): Promise<Got> {
  const client = new Anthropic({ baseURL, authToken, apiKey: null, maxRetries: 0 });
  const asked = {
    model,
    max_tokens: 500,
    messages: [{ role: "user" as const, content: "hi" }],
    tools: [TOOL],
  };
  const message = isStream
    ? await client.messages.stream(asked).finalMessage()
    : await client.messages.create(asked);
  return fromMessage(JSON.parse(JSON.stringify(message)) as JsonObject);
}

const NOTHING = { thought: "", text: "", calls: [] as unknown[], finish: "", input: 0, output: 0 };

/** A part of an answer of the AI SDK, streamed or not. */
function addPart(got: Got, part: JsonObject): Got {
  const words = String(part["text"] ?? part["delta"]);
  switch (part["type"]) {
    case "reasoning":
    case "reasoning-delta":
      return { ...got, thought: got.thought + words };
    case "text":
    case "text-delta":
      return { ...got, text: got.text + words };
    case "tool-call":
      return {
        ...got,
        calls: [...got.calls, [part["toolCallId"], part["toolName"], JSON.parse(String(part["input"]))]],
      };
    case "error":
      throw part["error"];
    case "finish": {
      const { inputTokens, outputTokens } = asObject(part["usage"]);
      const total = (counts: unknown) => Number(asObject(counts)["total"]);
      const finish = String(asObject(part["finishReason"])["unified"]);
      return { ...got, finish, input: total(inputTokens), output: total(outputTokens) };
    }
    default:
      return got;
  }
}

async function askAiSdk(baseURL: string, apiKey: string, model: string, isStream: boolean): Promise<Got> {
  const language = createAnthropic({ baseURL, apiKey })(model);
  const asked = {
    prompt: [{ role: "user" as const, content: [{ type: "text" as const, text: "hi" }] }],
    tools: [{ type: "function" as const, name: "ls", inputSchema: TOOL.input_schema }],
  };
  let got: Got = NOTHING;
  if (isStream) {
    const { stream } = await language.doStream(asked as never);
    for await (const part of stream) got = addPart(got, asObject(part));
    return got;
  }
  const { content, finishReason, usage } = await language.doGenerate(asked as never);
  for (const part of [...content, { type: "finish", finishReason, usage }])
    got = addPart(got, asObject(part));
  return got;
}

async function askOpenAi(baseURL: string, apiKey: string, model: string, isStream: boolean): Promise<Got> {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const asked = { model, messages: [{ role: "user" as const, content: "hi" }], tools: [FUNCTION] };
  const completion = isStream
    ? await client.chat.completions
        .stream({ ...asked, stream_options: { include_usage: true } })
        .finalChatCompletion()
    : await client.chat.completions.create(asked);
  const [choice] = completion.choices;
  const calls = asArray(choice?.message.tool_calls).map(asObject);
  return {
    thought: "",
    text: choice?.message.content ?? "",
    calls: calls.map(({ id, function: described }) => {
      const { name, arguments: given } = asObject(described);
      return [id, name, JSON.parse(String(given))];
    }),
    finish: choice?.finish_reason ?? "",
    input: completion.usage?.prompt_tokens ?? 0,
    output: completion.usage?.completion_tokens ?? 0,
  };
}

const CLIENTS = [
  { client: "@anthropic-ai/sdk", ask: askAnthropic, own: "messages", base: "" },
  { client: "@ai-sdk/anthropic", ask: askAiSdk, own: "messages", base: "/v1" },
  { client: "openai", ask: askOpenAi, own: "chat", base: "/v1" },
] as const;

const CASES = CLIENTS.flatMap((one) =>
  PROVIDERS.flatMap((api) => [true, false].map((isStream) => ({ ...one, api, isStream }))),
);

describe("behind two refused keys, the same as from the provider itself", () => {
  test.each(CASES)(
    "$client, from a provider of $api (stream: $isStream)",
    async ({ ask, base, own, api, isStream }) => {
      const direct = await ask(`${upstream.url}${base}`, `sk-${own}-good-1234567890`, "m", isStream);
      const through = await ask(`${serve.url}${base}`, serve.token, `${api}-home/m`, isStream);
      expect(through).toEqual(direct);
      expect(through.calls).toEqual([
        ["call_a", "ls", { path: "a" }],
        ["call_b", "ls", { path: "b" }],
      ]);
      const last = upstream.calls.at(-1);
      expect(last?.key).toBe(`sk-${api}-good-1234567890`);
      expect(last?.path).toBe(
        { chat: "chat/completions", responses: "responses", messages: "messages" }[api],
      );
      expect(JSON.stringify([...(last?.headers ?? [])])).not.toContain(serve.token);
      expect(last?.headers.has("anthropic-version")).toBe(api === "messages");
    },
  );
});

test("a stream of Messages passes byte for byte, with the client's version and one credential", async () => {
  const body = JSON.stringify({
    model: "m",
    max_tokens: 5,
    stream: true,
    messages: [{ role: "user", content: "hi" }],
  });
  const asked = (key: string) => ({
    method: "POST",
    body,
    headers: {
      "x-api-key": key,
      authorization: `Bearer ${key}`,
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "b-1",
    },
  });
  const direct = await fetch(`${upstream.url}/v1/messages`, asked("sk-messages-good-1"));
  const through = await fetch(`${serve.url}/messages-home/v1/messages?beta=true`, asked(serve.token));
  expect(await through.text()).toBe(await direct.text());
  expect(through.headers.has("anthropic-ratelimit-requests-remaining")).toBe(false);
  const { headers, key } = upstream.calls.at(-1) ?? { headers: new Headers(), key: "" };
  expect([headers.get("x-api-key"), headers.get("authorization")]).toEqual([key, null]);
  expect([headers.get("anthropic-version"), headers.get("anthropic-beta")]).toEqual(["2026-10-21", "b-1"]);
});

test("tokens are counted by a provider of Messages, and estimated for any other", async () => {
  const client = new Anthropic({ baseURL: serve.url, authToken: serve.token, apiKey: null });
  const count = (model: string) =>
    client.messages.countTokens({ model, messages: [{ role: "user", content: "x".repeat(350) }] });
  // The keys in front of the good one are not worth more than two calls.
  const estimated = await count("chat-home/m");
  expect(estimated.input_tokens).toBeGreaterThan(99);
  expect((await count("messages-home/m")).input_tokens).toBeGreaterThan(41);
});

test("the models are listed in the form of both SDKs", async () => {
  const anthropic = await new Anthropic({
    baseURL: serve.url,
    authToken: serve.token,
    apiKey: null,
  }).models.list();
  const openai = await new OpenAI({ baseURL: `${serve.url}/v1`, apiKey: serve.token }).models.list();
  expect(anthropic.data.map(({ id }) => id)).toEqual(openai.data.map(({ id }) => id));
});

test("with no key left, a client of Messages is told so once, in words", async () => {
  const before = upstream.calls.length;
  const client = new Anthropic({ baseURL: serve.url, authToken: serve.token, apiKey: null });
  const asked = { model: "lost/m", max_tokens: 5, messages: [{ role: "user" as const, content: "hi" }] };
  const error = await client.messages.create(asked).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(Anthropic.APIError);
  const { status, error: body } = error as InstanceType<typeof Anthropic.APIError>;
  expect(status).toBe(402);
  expect(JSON.stringify(body)).toContain("billing_error");
  expect(upstream.calls.length - before).toBe(1);
});
