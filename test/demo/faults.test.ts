import { describe, expect, test } from "bun:test";
import { CANONICAL_TEXT, tokensOf } from "../../src/demo/call.ts";
import type { Answer, Cut, Encoding } from "../../src/demo/reply.ts";
import { ask, sceneOf, withUpstream } from "./ask.ts";
import { parsed, readEvents, readUntilBroken, textOf } from "./read-events.ts";

const DIALECTS = ["chat", "responses"] as const;
const good = (faults: Partial<Answer>): Answer => ({ kind: "answer", text: CANONICAL_TEXT, ...faults });
const firstWords = (count: number) => tokensOf(CANONICAL_TEXT).slice(0, count).join("");

describe.each(DIALECTS)("%s", (dialect) => {
  const cases: [how: Cut["how"], error: Record<string, unknown> | undefined][] = [
    ["reset", { code: "ECONNRESET" }],
    ["close", { code: "ECONNRESET" }],
    ["end", undefined],
    ["error-event", undefined],
  ];
  test.each(cases)("a stream cut by %s has sent the tokens before it and no more", (how, error) =>
    withUpstream(sceneOf(good({ cut: { afterTokens: 40, how } })), async (upstream) => {
      const broken = await readUntilBroken(await ask(upstream, { dialect }));
      expect(textOf(readEvents(broken.text))).toBe(firstWords(40));
      expect(broken.text).not.toMatch(/\[DONE\]|"finish_reason":"|response\.completed/);
      if (error === undefined) expect(broken.error).toBeUndefined();
      else expect(broken.error).toMatchObject(error);
      expect(upstream.hungUp).toEqual([]);
    }),
  );

  test("an error event says what the script made it say", () =>
    withUpstream(
      sceneOf(good({ cut: { afterTokens: 3, how: "error-event", error: { message: "gone", code: 502 } } })),
      async (upstream) => {
        const last = readEvents(await (await ask(upstream, { dialect })).text()).at(-1);
        const error = { message: "gone", code: 502 };
        expect(JSON.parse(last?.data ?? "")).toEqual(
          dialect === "chat" ? { error } : { type: "error", ...error },
        );
      },
    ));

  test("a stall goes on with keep-alives until the caller leaves", async () => {
    const left = Promise.withResolvers();
    const leaving = new AbortController();
    await withUpstream(
      sceneOf(good({ cut: { afterTokens: 2, how: "stall" }, keepAliveEveryMs: 1 })),
      async (upstream) => {
        const response = await ask(upstream, { dialect, signal: leaving.signal });
        let text = "";
        for await (const bytes of response.body ?? []) {
          text += new TextDecoder().decode(bytes);
          if (readEvents(text).filter((event) => event.comment === "keep-alive").length >= 3) break;
        }
        expect(textOf(readEvents(text))).toBe(firstWords(2));
        leaving.abort();
        await left.promise;
      },
      { onHangUp: left.resolve },
    );
  });

  test("a bad event costs no text", () =>
    withUpstream(sceneOf(good({ badJsonAt: 10 })), async (upstream) => {
      const events = readEvents(await (await ask(upstream, { dialect })).text());
      const bad = events.map((event) => event.data !== "[DONE]" && parsed(event.data) === undefined);
      expect(bad.indexOf(true)).toBe(9);
      expect(bad.filter(Boolean)).toHaveLength(1);
      expect(textOf(events)).toBe(CANONICAL_TEXT);
    }));

  test.each<Encoding>(["gzip", "br", "zstd"])("%s is flushed event by event", (encoding) =>
    withUpstream(sceneOf(good({ encoding, cut: { afterTokens: 3, how: "stall" } })), async (upstream) => {
      const leaving = new AbortController();
      const response = await ask(upstream, { dialect, signal: leaving.signal });
      expect(response.headers.get("content-encoding")).toBe(encoding);
      // The stream never ends, so these words must have been flushed.
      let text = "";
      for await (const bytes of response.body ?? []) {
        text += new TextDecoder().decode(bytes);
        if (textOf(readEvents(text)) === firstWords(3)) break;
      }
      leaving.abort();
      expect(textOf(readEvents(text))).toBe(firstWords(3));
    }),
  );

  test.each<Partial<Answer>>([
    { crlf: true },
    { splitBytes: 7 },
    { encoding: "gzip", splitBytes: 5, crlf: true },
    { text: ["größe ", "🙂", " naïve"], splitBytes: 1 },
  ])("the text survives %j", (faults) =>
    withUpstream(sceneOf(good(faults)), async (upstream) => {
      const text = await (await ask(upstream, { dialect })).text();
      expect(textOf(readEvents(text))).toBe(tokensOf(faults.text ?? CANONICAL_TEXT).join(""));
      expect(text.includes("\r\n")).toBe(faults.crlf ?? false);
    }),
  );

  test("a body without a stream can break off, be no JSON, or be an error", async () => {
    const read = async (faults: Partial<Answer>) => {
      let body = "";
      await withUpstream(sceneOf(good(faults)), async (upstream) => {
        const response = await ask(upstream, { dialect, stream: false });
        const { text, error } = await readUntilBroken(response);
        body = error === undefined ? text : "broken";
      });
      return body;
    };
    expect(await read({ cut: { afterTokens: 1, how: "reset" } })).toBe("broken");
    expect(await read({ cut: { afterTokens: 1, how: "close" } })).toBe("broken");
    expect(parsed(await read({ cut: { afterTokens: 1, how: "end" } }))).toBeUndefined();
    expect(parsed(await read({ badJsonAt: 1 }))).toBeUndefined();
    expect(parsed(await read({ cut: { afterTokens: 1, how: "error-event" } }))?.error?.message).toContain(
      "limit reached",
    );
    expect(await read({ encoding: "br" })).toContain("lighthouse");
  });
});

test("a chat stream can leave out its end mark, its finish reason and its usage", () =>
  withUpstream(sceneOf(good({ omitDone: true, finishReason: null, usage: null })), async (upstream) => {
    const text = await (await ask(upstream)).text();
    expect(textOf(readEvents(text))).toBe(CANONICAL_TEXT);
    expect(text).not.toMatch(/\[DONE\]|"finish_reason":"|usage/);
  }));

test("any finish reason and any usage can be told", () =>
  withUpstream(sceneOf(good({ finishReason: "tired", usage: { input: 5, output: 9 } })), async (upstream) => {
    expect(await (await ask(upstream, { stream: false })).json()).toMatchObject({
      choices: [{ finish_reason: "tired" }],
      usage: { prompt_tokens: 5, completion_tokens: 9, total_tokens: 14 },
    });
  }));

test.each<[finishReason: string | null, last: string, details: unknown]>([
  ["stop", "response.completed", null],
  ["length", "response.incomplete", { reason: "max_output_tokens" }],
  ["content_filter", "response.incomplete", { reason: "content_filter" }],
  [null, "response.output_item.done", undefined],
])("with the finish reason %p a responses stream ends in %s", (finishReason, last, details) =>
  withUpstream(sceneOf(good({ finishReason })), async (upstream) => {
    const event = readEvents(await (await ask(upstream, { dialect: "responses" })).text()).at(-1);
    expect(event?.name).toBe(last);
    expect(parsed(event?.data ?? "")?.response?.incomplete_details).toEqual(details);
  }),
);

const TOOL = { name: "read", arguments: '{"path": "a file.txt"}' };

test("a chat stream builds reasoning and tool calls up from pieces", () =>
  withUpstream(sceneOf(good({ text: "", reasoning: "let me see", toolCalls: [TOOL] })), async (upstream) => {
    const choices = readEvents(await (await ask(upstream)).text()).flatMap(
      (event) => parsed(event.data)?.choices ?? [],
    );
    expect(choices.map(({ delta }) => delta.reasoning_content ?? "").join("")).toBe("let me see");
    const tools = choices.flatMap(({ delta }) => delta.tool_calls ?? []);
    expect(tools[0]).toMatchObject({ id: "call_1_0", function: { name: "read", arguments: "" } });
    expect(tools.map((tool) => tool.function.arguments).join("")).toBe(TOOL.arguments);
    expect(choices.at(-1)?.finish_reason).toBe("tool_calls");
  }));

test("a responses stream carries reasoning and function calls as items", () =>
  withUpstream(sceneOf(good({ text: "", reasoning: "let me see", toolCalls: [TOOL] })), async (upstream) => {
    const events = readEvents(await (await ask(upstream, { dialect: "responses" })).text()).map((event) =>
      parsed(event.data),
    );
    const deltas = (type: string) => events.filter((event) => event?.type === type).map((e) => e?.delta);
    expect(deltas("response.reasoning_summary_text.delta").join("")).toBe("let me see");
    expect(deltas("response.function_call_arguments.delta").join("")).toBe(TOOL.arguments);
    const done = events.filter((event) => event?.type === "response.output_item.done");
    expect(done.map((event) => event?.item)).toMatchObject([
      { type: "reasoning" },
      { type: "function_call", name: "read", arguments: TOOL.arguments },
    ]);
  }));
