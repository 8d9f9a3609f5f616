import { describe, expect, test } from "bun:test";
import type { ProfileName } from "../../src/core/client/client-profile.ts";
import { profileFor } from "../../src/core/client/profiles.ts";
import type { Dialect } from "../../src/core/dialect/registry.ts";
import { createEventBytes, encodeEvents } from "../../src/core/dialect/translate.ts";
import { asObject } from "../../src/core/json.ts";
import { StreamGate } from "../../src/core/stream/stream-gate.ts";
import type { Answer, Reply } from "../../src/demo/reply.ts";
import { startUpstream } from "../../src/demo/upstream.ts";
import { type TranslatedCall, translateCall } from "../../src/proxy/translated-call.ts";
import type { ByteReader } from "../../src/proxy/transport.ts";
import { chunk, OPTIONS, readChat } from "../core/dialect/answers.ts";
import { sceneOf } from "../demo/ask.ts";
import { FakeClock } from "./fake-clock.ts";

const DIALECTS: [from: Dialect, to: Dialect][] = [
  ["chat", "responses"],
  ["responses", "chat"],
];

const ANSWER: Answer = {
  kind: "answer",
  text: "Hello you",
  reasoning: "let me see",
  toolCalls: [{ name: "ls", arguments: '{"p":"."}', id: "call_1" }],
};

function requestOf(
  dialect: Dialect | undefined,
  more: Record<string, unknown> = {},
  name: ProfileName = "neutral",
) {
  const said = [{ role: "user", content: "hi" }];
  const own = dialect === "responses" ? { input: said } : { messages: said };
  const body = new TextEncoder().encode(JSON.stringify({ model: "chain", stream: true, ...own, ...more }));
  const path = dialect === "responses" ? "responses" : "chat/completions";
  return { id: "0-1-2", dialect, endpoint: `${path}?api-version=1`, body, profile: profileFor(name) };
}

function callOf(
  dialect: Dialect,
  more: Record<string, unknown> = {},
  clock = new FakeClock(),
): TranslatedCall {
  const api = dialect === "chat" ? "responses" : "chat";
  const call = translateCall(requestOf(dialect, more), { api, model: "m" }, clock.env());
  if (call?.kind !== "translated") throw new Error("this request should be translated");
  return call;
}

async function readAll(reader: ByteReader): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts);
    parts.push(value);
  }
}

/** Sends a translated call to a scripted upstream of the other dialect. */
async function ask(dialect: Dialect, reply: Reply, more: Record<string, unknown> = {}) {
  const upstream = await startUpstream(sceneOf(reply));
  try {
    const call = callOf(dialect, more);
    const response = await fetch(`${upstream.baseUrl}/${call.endpoint}`, {
      method: "POST",
      headers: { authorization: "Bearer secret-only", "content-type": "application/json" },
      body: call.body,
    });
    const source = response.body?.getReader();
    if (source === undefined) throw new Error("no body");
    const bytes = await readAll(call.reader(source, response.headers.get("content-type") ?? ""));
    return { bytes, asked: upstream.calls[0] };
  } finally {
    await upstream.stop();
  }
}

/** What a chat client reads from a stream; the other dialect is translated first. */
function clientSees(dialect: Dialect, bytes: Uint8Array) {
  const back =
    dialect === "chat" ? bytes : createEventBytes({ from: "responses", to: "chat" }, OPTIONS).push(bytes);
  const events = Buffer.from(back)
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => asObject(JSON.parse(line.slice(6))));
  return readChat(events);
}

function readerOf(chunks: (Uint8Array | Promise<never>)[]): ByteReader & { isCancelled: boolean } {
  const left = [...chunks];
  return {
    isCancelled: false,
    async read() {
      const next = left.shift();
      return next === undefined ? { done: true, value: undefined } : { done: false, value: await next };
    },
    async cancel() {
      this.isCancelled = true;
    },
  };
}

describe.each(DIALECTS)("a %s client in front of a provider that speaks %s", (client) => {
  test("gets a streamed answer in its own dialect, one that the gate takes for whole", async () => {
    const { bytes } = await ask(client, ANSWER);
    expect(clientSees(client, bytes)).toMatchObject({
      text: "Hello you",
      reasoning: "let me see",
      calls: [{ id: "call_1", name: "ls", args: '{"p":"."}' }],
      finish: "tool_calls",
    });
    const gate = new StreamGate({ dialect: client });
    expect(gate.push(bytes).failure).toBeUndefined();
    expect(gate.end().kind).toBe("complete");
  });

  test("gets a whole answer in its own dialect", async () => {
    const { bytes } = await ask(client, ANSWER, { stream: false });
    const answer: unknown = JSON.parse(Buffer.from(bytes).toString());
    expect(answer).toMatchObject(
      client === "chat"
        ? { object: "chat.completion", choices: [{ message: { content: "Hello you" } }] }
        : { object: "response", output: [{ type: "reasoning" }, { type: "message" }, { name: "ls" }] },
    );
  });

  test("gets the provider's words of an error in mid-stream, where the gate finds them", async () => {
    const error = { message: "capacity is gone", code: "overloaded" };
    const cut = { afterTokens: 1, how: "error-event" as const, error };
    const { bytes } = await ask(client, { ...ANSWER, cut });
    const { failure } = new StreamGate({ dialect: client }).push(bytes);
    expect(JSON.parse(failure?.kind === "said" ? failure.text : "{}")).toMatchObject({ error });
  });

  test("gets no end where the provider's stream had none", async () => {
    const { bytes } = await ask(client, { ...ANSWER, cut: { afterTokens: 2, how: "end" } });
    const gate = new StreamGate({ dialect: client });
    gate.push(bytes);
    expect(gate.end().kind).toBe("broken");
  });

  test("gets a stream also where the provider gave a whole answer in its place", async () => {
    const { bytes } = await ask(client === "chat" ? "responses" : "chat", ANSWER, { stream: false });
    const reader = callOf(client).reader(readerOf([bytes]), "application/json");
    expect(clientSees(client, await readAll(reader))).toMatchObject({
      text: "Hello you",
      finish: "tool_calls",
    });
  });

  test("gets an error that came in a good status as it is", async () => {
    const body = { error: { message: "no such plan" } };
    const { bytes } = await ask(client, { kind: "error", status: 200, body });
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual(body);
  });
});

test("the call goes to the endpoint of the other dialect, with the model's own name and the query", () => {
  const call = callOf("chat");
  expect(call.endpoint).toBe("responses?api-version=1");
  expect(callOf("responses").endpoint).toBe("chat/completions?api-version=1");
  expect(JSON.parse(Buffer.from(call.body).toString())).toMatchObject({
    model: "m",
    stream: true,
    store: false,
  });
});

test("nothing is translated for a provider of the client's own dialect, or at other endpoints", () => {
  const env = new FakeClock().env();
  expect(translateCall(requestOf("chat"), { api: "chat", model: "m" }, env)).toBeUndefined();
  expect(translateCall(requestOf(undefined), { api: "chat", model: "m" }, env)).toBeUndefined();
});

test("a tool that only its provider can run is refused for most clients, and left out for agents", () => {
  const tools = [{ type: "web_search" }, { type: "function", name: "look", parameters: {} }];
  const target = { api: "chat", model: "m" } as const;
  const env = new FakeClock().env();
  expect(translateCall(requestOf("responses", { tools }), target, env)).toEqual({
    kind: "untranslatable",
    why: "tools of the type web_search cannot be said in the chat completions dialect",
  });
  const call = translateCall(requestOf("responses", { tools }, "codex"), target, env);
  if (call?.kind !== "translated") throw new Error("this request should be translated");
  expect(JSON.parse(new TextDecoder().decode(call.body))).toMatchObject({
    tools: [{ type: "function", function: { name: "look" } }],
  });
});

test("what cannot be said is named", () => {
  const call = translateCall(
    requestOf("chat", { stop: ["x"] }),
    { api: "responses", model: "m" },
    new FakeClock().env(),
  );
  expect(call).toEqual({ kind: "untranslatable", why: "stop cannot be said in the Responses dialect" });
});

test("a stream under another name is told by its first bytes, however few come at a time", async () => {
  const bytes = encodeEvents([chunk({ content: "Hi" }), chunk({}, "stop")]);
  const reader = callOf("responses").reader(
    readerOf([...bytes].map((byte) => Uint8Array.of(byte))),
    "text/plain",
  );
  expect(clientSees("responses", await readAll(reader))).toMatchObject({ text: "Hi", finish: "stop" });
});

describe("behind the finish of an answer", () => {
  const head = encodeEvents([chunk({ content: "Hi" }), chunk({}, "stop")]);

  test("a connection that breaks takes nothing away", async () => {
    const reader = callOf("responses").reader(
      readerOf([head, Promise.reject(new Error("reset"))]),
      "text/event-stream",
    );
    expect(clientSees("responses", await readAll(reader))).toMatchObject({ text: "Hi", finish: "stop" });
  });

  test("silence is not waited out, and the upstream is let go", async () => {
    const clock = new FakeClock();
    const { promise: never } = Promise.withResolvers<never>();
    const source = readerOf([head, never]);
    const all = readAll(callOf("responses", {}, clock).reader(source, "text/event-stream"));
    await clock.runOut();
    expect(clientSees("responses", await all)).toMatchObject({ text: "Hi", finish: "stop" });
    expect(source.isCancelled).toBe(true);
  });
});

test("a connection that breaks before the finish is a broken connection", async () => {
  const head = encodeEvents([chunk({ content: "Hi" })]);
  const reader = callOf("responses").reader(
    readerOf([head, Promise.reject(new Error("reset"))]),
    "text/event-stream",
  );
  await expect(readAll(reader)).rejects.toThrow("reset");
});
