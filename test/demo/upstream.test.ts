import { expect, test } from "bun:test";
import { connect } from "node:net";
import { CANONICAL_TEXT, type Call } from "../../src/demo/call.ts";
import { startUpstream } from "../../src/demo/upstream.ts";
import { ask, sceneOf, withUpstream } from "./ask.ts";
import { parsed, readEvents, readUntilBroken, textOf } from "./read-events.ts";

const GOOD = { kind: "answer", text: CANONICAL_TEXT } as const;

test("a chat stream says role, text, finish reason, usage and [DONE]", () =>
  withUpstream(sceneOf(GOOD), async (upstream) => {
    const response = await ask(upstream);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = readEvents(await response.text());
    expect(textOf(events)).toBe(CANONICAL_TEXT);
    expect(events.at(-1)?.data).toBe("[DONE]");
    expect(parsed(events.at(-2)?.data ?? "")?.usage?.["completion_tokens"]).toBe(60);
    expect(parsed(events.at(-3)?.data ?? "")?.choices?.[0]?.finish_reason).toBe("stop");
  }));

test("a chat stream has no usage unless the caller asks for it", () =>
  withUpstream(sceneOf(GOOD), async (upstream) => {
    const response = await ask(upstream, { more: { stream_options: {} } });
    expect(await response.text()).not.toContain("usage");
  }));

test("a responses stream goes from created to completed, numbered without a gap", () =>
  withUpstream(sceneOf(GOOD), async (upstream) => {
    const events = readEvents(await (await ask(upstream, { dialect: "responses" })).text());
    expect(textOf(events)).toBe(CANONICAL_TEXT);
    expect([...new Set(events.map((event) => event.name))]).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(events.map((event) => JSON.parse(event.data).sequence_number)).toEqual(events.map((_, i) => i));
    expect(events.every((event) => parsed(event.data)?.type === event.name)).toBe(true);
    expect(parsed(events.at(-1)?.data ?? "")?.response?.usage?.["output_tokens"]).toBe(60);
  }));

test("without a stream the answer is one JSON body in either dialect", () =>
  withUpstream(sceneOf(GOOD), async (upstream) => {
    expect(await (await ask(upstream, { stream: false })).json()).toMatchObject({
      choices: [{ message: { content: CANONICAL_TEXT }, finish_reason: "stop" }],
    });
    expect(await (await ask(upstream, { stream: false, dialect: "responses" })).json()).toMatchObject({
      status: "completed",
      output: [{ content: [{ text: CANONICAL_TEXT }] }],
    });
  }));

test("an error reply keeps its status, headers and body", () =>
  withUpstream(
    sceneOf((call) =>
      call.nth === 1
        ? { kind: "error", status: 429, headers: { "retry-after": "7" }, body: { error: "slow down" } }
        : { kind: "error", status: 404, body: "404 page not found" },
    ),
    async (upstream) => {
      const first = await ask(upstream);
      expect([first.status, first.headers.get("retry-after")]).toEqual([429, "7"]);
      expect(await first.json()).toEqual({ error: "slow down" });
      const second = await ask(upstream);
      expect([second.status, await second.text()]).toEqual([404, "404 page not found"]);
      expect(second.headers.get("content-type")).toStartWith("text/plain");
    },
  ));

test("a raw reply sends its chunks as they are", () =>
  withUpstream(
    sceneOf({
      kind: "raw",
      status: 200,
      headers: { "content-type": "text/html" },
      chunks: ["<html>", new Uint8Array([0xff, 0x00])],
    }),
    async (upstream) => {
      const response = await ask(upstream);
      expect(response.headers.get("content-type")).toBe("text/html");
      expect(Buffer.from(await response.arrayBuffer())).toEqual(
        Buffer.concat([Buffer.from("<html>"), Buffer.from([0xff, 0x00])]),
      );
    },
  ));

test("a raw reply can break off after its last chunk", () =>
  withUpstream(
    sceneOf({ kind: "raw", status: 200, chunks: ["data: {}\n\n"], end: "reset" }),
    async (upstream) => {
      const { text, error } = await readUntilBroken(await ask(upstream));
      expect(text).toBe("data: {}\n\n");
      expect(error).toMatchObject({ code: "ECONNRESET" });
      expect(upstream.hungUp).toEqual([]);
    },
  ));

test("a reset before the head reaches the caller as one", () =>
  withUpstream(sceneOf({ kind: "reset" }), async (upstream) => {
    await expect(ask(upstream)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(upstream.hungUp).toEqual([]);
  }));

test.each<[how: "reset" | "close", seen: string]>([
  ["reset", "ECONNRESET"],
  ["close", "FIN"],
])("on the wire a %s is a %s", (end, seen) =>
  withUpstream(sceneOf({ kind: "raw", status: 200, chunks: ["data: {}\n\n"], end }), async (upstream) => {
    const body = '{"model":"m"}';
    const ending = Promise.withResolvers<string>();
    const socket = connect(upstream.port, "127.0.0.1", () =>
      socket.write(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: upstream\r\nAuthorization: Bearer secret-only\r\n" +
          `Content-Length: ${body.length}\r\n\r\n${body}`,
      ),
    );
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes;
    });
    socket.on("error", (error: Error & { code?: string }) => ending.resolve(error.code ?? "unknown"));
    socket.on("end", () => ending.resolve("FIN"));
    expect(await ending.promise).toBe(seen);
    expect(text).toContain("data: {}");
    // Without the final chunk of length 0 a reader knows that something is missing.
    expect(text).not.toContain("\r\n0\r\n");
  }),
);

test("a caller that leaves a silent call is seen to leave", async () => {
  const leaving = new AbortController();
  const left = Promise.withResolvers<Call>();
  await withUpstream(
    sceneOf({ kind: "hang" }),
    async (upstream) => {
      const answer = ask(upstream, { signal: leaving.signal });
      await expect(answer).rejects.toMatchObject({ name: "AbortError" });
      expect((await left.promise).model).toBe("m");
      expect(upstream.hungUp).toEqual(upstream.calls);
    },
    { onReply: () => leaving.abort(), onHangUp: left.resolve },
  );
});

test("a caller that leaves in the middle of a stream is seen to leave, and frees its place", async () => {
  const left = Promise.withResolvers<Call>();
  await withUpstream(
    sceneOf((call) => (call.nth === 1 ? { ...GOOD, cut: { afterTokens: 5, how: "stall" } } : GOOD)),
    async (upstream) => {
      const leaving = new AbortController();
      const response = await ask(upstream, { signal: leaving.signal });
      await response.body?.getReader().read();
      leaving.abort();
      await left.promise;
      await (await ask(upstream)).text();
      expect(upstream.calls.map((call) => call.inFlight)).toEqual([1, 1]);
      expect(upstream.hungUp.map((call) => call.nth)).toEqual([1]);
    },
    { onHangUp: left.resolve },
  );
});

test("stopping ends a silent call without calling it a hang-up", async () => {
  const arrived = Promise.withResolvers<Call>();
  const upstream = await startUpstream(sceneOf({ kind: "hang" }), { onReply: arrived.resolve });
  const answer = ask(upstream).catch(() => "broken off");
  await arrived.promise;
  await upstream.stop();
  expect(await answer).toBe("broken off");
  expect(upstream.hungUp).toEqual([]);
  await expect(ask(upstream)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("an unknown key is refused as Ollama does it, and the list of models is open", () =>
  withUpstream(sceneOf(GOOD), async (upstream) => {
    const refused = await ask(upstream, { key: "stranger" });
    expect([refused.status, await refused.json()]).toEqual([401, { error: "unauthorized" }]);
    const models = await fetch(`${upstream.baseUrl}/models`);
    expect(await models.json()).toMatchObject({ data: [{ id: "m", object: "model" }] });
  }));

test("unknown models and paths are not found, in OpenAI's form", () =>
  withUpstream(sceneOf(GOOD), async (upstream) => {
    const model = await ask(upstream, { model: "nope" });
    expect(model.status).toBe(404);
    expect(await model.json()).toMatchObject({ error: { message: 'model "nope" not found' } });
    const path = await fetch(`${upstream.url}/v1/v1/models`);
    expect(path.status).toBe(404);
    expect(await path.json()).toMatchObject({ error: { type: "invalid_request_error" } });
  }));

test("a call is recorded with what it asked for and where it stands", () =>
  withUpstream(sceneOf(GOOD), async (upstream) => {
    await fetch(`${upstream.baseUrl}/models`);
    await ask(upstream, { stream: false });
    const tools = [{ type: "function", function: { name: "read" } }];
    await ask(upstream, { more: { tools, messages: [{ role: "assistant", content: "Half" }] } });
    expect(upstream.calls).toMatchObject([
      { method: "GET", path: "/v1/models", nth: 0 },
      { key: "secret-only", keyName: "only", model: "m", nth: 1, nthOfAll: 1, wantsStream: false },
      { nth: 2, nthOfModel: 2, wantsStream: true, hasTools: true, lastRole: "assistant", keyNumber: 1 },
    ]);
    expect(upstream.calls[1]?.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(upstream.calls[1]?.body ?? "").messages[0].content).toBe("say hello");
  }));

test("a scene that throws says so", () =>
  withUpstream(
    sceneOf(() => {
      throw new Error("lines forgotten");
    }),
    async (upstream) => {
      const response = await ask(upstream);
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({
        error: { message: "The scene failed: lines forgotten" },
      });
    },
  ));

test("a port in use is a problem with a way out", () =>
  withUpstream(sceneOf(GOOD), async (upstream) => {
    await expect(startUpstream(sceneOf(GOOD), { port: upstream.port })).rejects.toMatchObject({
      code: "upstream-not-started",
    });
  }));
