import { describe, expect, test } from "bun:test";
import type { ProfileName } from "../../src/core/client/client-profile.ts";
import { ownWords } from "../../src/core/scrub.ts";
import type { Call } from "../../src/demo/call.ts";
import type { Answer, RawReply, Reply } from "../../src/demo/reply.ts";
import { type Read, readStrictly } from "../core/stream/strict-reader.ts";
import { readUntilBroken } from "../demo/read-events.ts";
import { fastEnv, type Rig, until, withPair } from "./rig.ts";

const CALLS = [
  { name: "ls", arguments: '{"path": "."}', id: "call_a" },
  { name: "cat", arguments: '{"path": "a b"}', id: "call_b" },
];

/** A turn of an agent: reasoning, text, and two calls. */
const TURN: Answer = { kind: "answer", reasoning: "let me see", text: "I look around.", toolCalls: CALLS };
const TOOLS = { tools: [{ type: "function", function: { name: "ls", parameters: {} } }] };

const DIALECTS = [
  ["chat", "/orouter/v1/chat/completions"],
  ["responses", "/orouter/v1/responses"],
] as const;

/** Where the pieces of the turn end: reasoning, text, first call, second call. */
async function tokensOf(path: string, answer: Answer): Promise<number> {
  let tokens = 0;
  for (; ; tokens++) {
    const cut: Answer = { ...answer, cut: { afterTokens: tokens, how: "end" } };
    const isCut = await withOne(
      () => cut,
      async (rig) => {
        const { error } = await ask(rig, path);
        return error !== undefined;
      },
    );
    if (!isCut) return tokens;
  }
}

async function withOne<Result>(
  reply: (call: Call) => Reply,
  use: (rig: Rig) => Promise<Result>,
): Promise<Result> {
  let result: Result | undefined;
  const config = { routing: { max_wait: "0s", patience: "0s" } };
  await withPair({ reply, chain: ["a/first"], config, env: fastEnv(100) }, async (rig) => {
    result = await use(rig);
  });
  return result as Result;
}

interface Seen {
  read: Read | undefined;
  error: string | undefined;
  body: string;
}

async function ask(rig: Rig, path: string, more: Record<string, unknown> = TOOLS): Promise<Seen> {
  const response = await rig.ask({ path, session: "s", more });
  const { text, error: broken } = await readUntilBroken(response);
  const failed = /"error":\{.*/.exec(text)?.[0] ?? (broken === undefined ? undefined : String(broken));
  if (response.status !== 200 || failed !== undefined)
    return { read: undefined, error: failed ?? text, body: text };
  const dialect = path.endsWith("responses") ? "responses" : "chat";
  return { read: readStrictly(dialect, text), error: undefined, body: text };
}

describe.each(DIALECTS)("a %s turn with two calls", (dialect, path) => {
  const args = CALLS.map(({ name, arguments: given }) => ({ name, args: given }));

  test.each(["reset", "close", "end", "stall", "error-event"] as const)(
    "that breaks by %s after any of its tokens goes on from another lane, and runs each call once",
    async (how) => {
      const total = await tokensOf(path, TURN);
      const config = { routing: { stall_timeout: "3s" } };
      // Every position for resets; a selection for the slower faults.
      const places = how === "reset" ? [...Array(total).keys()] : [0, 2, 4, total - 3, total - 1];
      for (const afterTokens of places) {
        const reply = (call: Call): Reply =>
          call.model === "first" ? { ...TURN, cut: { afterTokens, how } } : TURN;
        await withPair({ reply, config, env: fastEnv(20), profile: "opencode2" }, async (rig) => {
          const { read, error } = await ask(rig, path);
          expect([afterTokens, error]).toEqual([afterTokens, undefined]);
          expect(read).toMatchObject({ text: "I look around.", calls: args });
          expect("let me see").toStartWith(read?.reasoning ?? "-");
          expect(rig.records()[0]?.outcome).toBe("served");
          expect(rig.router.answers.list()).toEqual([]);
        });
      }
    },
  );

  test("that breaks on lane after lane is finished by the last", () => {
    const reply = (call: Call): Reply =>
      call.nthOfAll < 8 ? { ...TURN, cut: { afterTokens: call.nthOfAll + 3, how: "reset" } } : TURN;
    const keys = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
    return withPair({ reply, keys, env: fastEnv(20), profile: "neutral" }, async (rig) => {
      const { read } = await ask(rig, path);
      expect(read).toMatchObject({ text: "I look around.", calls: args });
      expect(rig.records()[0]?.attempts.length).toBe(8);
    });
  });

  test("takes the calls of an answer in other words", () => {
    const other = { ...TURN, text: "Let me look.", reasoning: "well" };
    const reply = (call: Call): Reply =>
      call.model === "first" ? { ...TURN, cut: { afterTokens: 5, how: "reset" } } : other;
    return withPair({ reply, profile: "opencode2" }, async (rig) => {
      const { read } = await ask(rig, path);
      expect(read).toMatchObject({ calls: args });
      expect("I look around.").toStartWith(read?.text ?? "-");
      expect(read?.text).not.toBe("");
    });
  });

  test.each<[profile: ProfileName, code: string]>([
    ["opencode1", "server_error"],
    ["opencode2", "invalid_prompt"],
    ["neutral", "answer_broken"],
  ])("that only other words could follow ends for %s by %s", (profile, code) => {
    const reply = (call: Call): Reply =>
      call.model === "first"
        ? { ...TURN, cut: { afterTokens: 5, how: "reset" } }
        : { kind: "answer", text: "Something else." };
    return withPair({ reply, profile, env: fastEnv(100) }, async (rig) => {
      const { error, body } = await ask(rig, path);
      expect(error).toContain(code);
      expect(body).not.toMatch(/Something|"ls"|"finish_reason":"|response\.completed/);
      expect(rig.records()[0]?.outcome).toBe("broken");
      expect(rig.keys.map((key) => rig.router.inFlight(key))).toEqual(rig.keys.map(() => 0));
    });
  });

  test("of which nothing was sent ends with the report where no lane is left", () => {
    const config = { routing: { max_wait: "0s", patience: "0s" } };
    const calls: Answer = {
      kind: "answer",
      text: "",
      toolCalls: CALLS,
      cut: { afterTokens: 3, how: "reset" },
    };
    return withPair({ reply: () => calls, config, profile: "opencode2" }, async (rig) => {
      const { error, body } = await ask(rig, path);
      expect(error).toContain("ALL KEYS EXHAUSTED");
      expect(body).not.toMatch(/tool_calls|function_call/);
      expect(rig.events.filter((event) => event.kind === "exhausted").length).toBe(1);
    });
  });

  test("is heard of while a call is held, and its progress can be seen", async () => {
    const goOn = Promise.withResolvers<void>();
    const upstream = Bun.serve({
      port: 0,
      fetch: () =>
        new Response(
          new ReadableStream({
            async start(controller) {
              const [begin, end] = callIn(dialect);
              controller.enqueue(Buffer.from(begin));
              await goOn.promise;
              controller.enqueue(Buffer.from(end));
              controller.close();
            },
          }),
          { headers: { "content-type": "text/event-stream" } },
        ),
    });
    const config = {
      routing: { stall_timeout: "600s" },
      providers: { a: { base_url: `http://127.0.0.1:${upstream.port}`, api: dialect } },
    };
    await withPair({ reply: () => TURN, config, env: fastEnv(50) }, async (rig) => {
      const response = await rig.ask({ path, more: TOOLS });
      const reader = response.body?.getReader();
      const first = await reader?.read();
      expect(Buffer.from(first?.value ?? []).toString()).toMatch(/^(?:: keep-alive\n\n)+$/);
      await until(() => rig.events.some((event) => event.kind === "writing-call"));
      const told = rig.events.find((event) => event.kind === "writing-call");
      expect(told).toMatchObject({
        answer: { phase: "call", tool: "write", chars: 9, model: "a/first", key: "one" },
      });
      const state = await (await rig.fetch("/_orouter/state")).json();
      expect(state).toMatchObject({ answers: [{ phase: "call", tool: "write" }] });
      goOn.resolve();
      let rest = "";
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
        rest += Buffer.from(part.value).toString();
      expect(readStrictly(dialect, rest.replaceAll(": keep-alive\n\n", "")).calls).toEqual([
        { name: "write", args: '{"text":"x"}' },
      ]);
      expect(rig.router.answers.list()).toEqual([]);
    });
    await upstream.stop(true);
  });

  test("with more than 4 MiB of arguments fails with the reason, and no call of it goes out", () => {
    const long = { name: "write", arguments: `{"text":"${"x".repeat(5 * 1024 * 1024)}"}` };
    const reply: Answer = { kind: "answer", text: "I write.", toolCalls: [long] };
    return withPair({ reply: () => reply, profile: "neutral" }, async (rig, upstream) => {
      const { error, body } = await ask(rig, path);
      expect(error).toContain("4 MiB");
      expect(body.length).toBeLessThan(10_000);
      expect(upstream.calls.length).toBe(1);
    });
  });
});

/** A stream with one call, and a pause in its middle. */
function callIn(dialect: "chat" | "responses"): [begin: string, end: string] {
  const sse = (event: Record<string, unknown>): string => `data: ${JSON.stringify(event)}\n\n`;
  if (dialect === "chat") {
    const piece = (parts: object, finish: string | null = null): string =>
      sse({ choices: [{ index: 0, delta: parts, finish_reason: finish }] });
    const call = { index: 0, id: "c", type: "function", function: { name: "write", arguments: '{"text":"' } };
    const rest = { tool_calls: [{ index: 0, function: { arguments: 'x"}' } }] };
    return [piece({ tool_calls: [call] }), piece(rest) + piece({}, "tool_calls") + sse({ choices: [] })];
  }
  const item = { id: "fc", type: "function_call", call_id: "c", name: "write", arguments: "" };
  const done = { ...item, arguments: '{"text":"x"}' };
  const place = { item_id: "fc", output_index: 0 };
  const delta = (text: string, sequence_number: number): string =>
    sse({ type: "response.function_call_arguments.delta", sequence_number, ...place, delta: text });
  return [
    sse({ type: "response.created", sequence_number: 0, response: {} }) +
      sse({ type: "response.output_item.added", sequence_number: 1, output_index: 0, item }) +
      delta('{"text":"', 2),
    delta('x"}', 3) +
      sse({ type: "response.output_item.done", sequence_number: 4, output_index: 0, item: done }) +
      sse({ type: "response.completed", sequence_number: 5, response: { output: [done] } }),
  ];
}

describe("a hollow answer", () => {
  const whole: Answer = { kind: "answer", text: "Done." };
  const HOLLOW: [what: string, answer: Answer][] = [
    ["without a word", { kind: "answer", text: "" }],
    ["of blanks", { kind: "answer", text: [" \n"] }],
    ["that reached its token limit without a word", { kind: "answer", text: "", finishReason: "length" }],
    ["of thoughts alone", { kind: "answer", text: "", reasoning: "let me see" }],
  ];

  describe.each(DIALECTS)("of a %s request", (_dialect, path) => {
    test.each(HOLLOW)("%s is asked for again elsewhere, unseen", (_what, hollow) => {
      const reply = (call: Call): Reply => (call.model === "first" ? hollow : whole);
      return withPair({ reply, profile: "opencode2", env: fastEnv(20) }, async (rig) => {
        const { read } = await ask(rig, path);
        expect(read?.text.trim()).toBe("Done.");
        expect(rig.records()[0]?.outcome).toBe("served");
        const [first] = rig.records()[0]?.attempts ?? [];
        expect(first?.verdict).toBe("server-error");
      });
    });

    test("in one piece is asked for again elsewhere, too", () => {
      const reply = (call: Call): Reply => (call.model === "first" ? { kind: "answer", text: "" } : whole);
      return withPair({ reply, env: fastEnv(20) }, async (rig) => {
        const response = await rig.ask({ path, stream: false, more: TOOLS });
        expect(await response.text()).toContain("Done.");
      });
    });

    test("of every lane is said to be one", () => {
      const config = { routing: { max_wait: "0s", patience: "0s" } };
      return withPair({ reply: () => ({ kind: "answer", text: "" }), config }, async (rig) => {
        const { error } = await ask(rig, path);
        expect(error).toContain("ALL KEYS EXHAUSTED");
        const [attempt] = rig.records()[0]?.attempts ?? [];
        expect(attempt?.message).toBe(ownWords("the answer has no text and no tool call"));
      });
    });

    test("is the answer to a request for no more than a few tokens", () => {
      const limit = path.endsWith("responses") ? { max_output_tokens: 1 } : { max_tokens: 1 };
      const reply: Answer = { kind: "answer", text: "", finishReason: "length" };
      return withPair({ reply: () => reply }, async (rig, upstream) => {
        expect((await rig.ask({ path, more: limit })).status).toBe(200);
        expect((await rig.ask({ path, more: limit, stream: false })).status).toBe(200);
        expect(upstream.calls.length).toBe(2);
      });
    });
  });

  test("without tools is believed when a second lane has nothing to say either, but not for an agent", async () => {
    const empty: Answer = { kind: "answer", text: "" };
    const config = { routing: { max_wait: "0s", patience: "0s" } };
    await withPair({ reply: () => empty, config, profile: "neutral" }, async (rig, upstream) => {
      expect((await rig.ask({ stream: false })).status).toBe(200);
      expect(upstream.calls.length).toBe(2);
    });
    await withPair({ reply: () => empty, config, profile: "opencode1" }, async (rig) => {
      expect((await rig.ask({ stream: false })).status).toBe(400);
    });
  });
});

describe("a call whose arguments are no JSON", () => {
  const bad: Answer = { kind: "answer", text: "", toolCalls: [{ name: "ls", arguments: '{"path": ' }] };

  test("is written again by another lane", () => {
    const good = { ...bad, toolCalls: CALLS.slice(0, 1) };
    const reply = (call: Call): Reply => (call.model === "first" ? bad : good);
    return withPair({ reply, env: fastEnv(20) }, async (rig) => {
      const { read } = await ask(rig, "/orouter/v1/chat/completions");
      expect(read?.calls).toEqual([{ name: "ls", args: '{"path": "."}' }]);
    });
  });

  test("is handed to the agent when the third is no better: it tells the model itself", () =>
    withPair({ reply: () => bad, env: fastEnv(50) }, async (rig, upstream) => {
      const { read } = await ask(rig, "/orouter/v1/chat/completions");
      expect(read?.calls).toEqual([{ name: "ls", args: '{"path": ' }]);
      expect(upstream.calls.length).toBe(3);
    }));
});

describe("a service that refuses a last answer", () => {
  const refusal: Reply = {
    kind: "error",
    status: 400,
    body: { error: { message: "Expected last role User or Tool (or Assistant with prefix True)" } },
  };
  const strict = (call: Call): Reply =>
    call.lastRole === "assistant" ? refusal : { kind: "answer", text: "Done." };
  const broken = [
    { role: "user", content: "go" },
    { role: "assistant", content: "I wi" },
  ];

  test("is not sent the left-over of an agent's broken answer", () =>
    withPair({ reply: strict }, async (rig, upstream) => {
      const { read } = await ask(rig, "/orouter/v1/chat/completions", { messages: broken });
      expect([read?.text, upstream.calls.length]).toEqual(["Done.", 1]);
    }));

  test("gets the request of any other client without it once it has said so", () =>
    withPair({ reply: strict, profile: "neutral" }, async (rig, upstream) => {
      const { read } = await ask(rig, "/orouter/v1/chat/completions", { messages: broken });
      expect([read?.text, upstream.calls.length]).toEqual(["Done.", 2]);
      expect(rig.router.cooldowns.size).toBe(0);
    }));
});

describe("an answer that breaks in its text, for a client that has shown the text", () => {
  const path = "/orouter/v1/chat/completions";
  const first: Answer = {
    kind: "answer",
    text: "All 12 steps are done.",
    cut: { afterTokens: 4, how: "reset" },
  };
  const lastOf = (call: Call): { role: string; content: string } => JSON.parse(call.body).messages.at(-1);

  test("is continued by a lane of other words that is shown the text", () => {
    const reply = (call: Call): Reply => {
      if (call.model === "first") return first;
      const { role, content } = lastOf(call);
      const isShown = role === "assistant" && content === "All 12 steps";
      return { kind: "answer", text: isShown ? [" are", " ready."] : "So then, all 12 steps are done." };
    };
    return withPair({ reply, profile: "opencode2" }, async (rig) => {
      const { read, error } = await ask(rig, path);
      expect([error, read?.text]).toEqual([undefined, "All 12 steps are ready."]);
      expect(rig.records()[0]?.outcome).toBe("served");
    });
  });

  test("is said again by a lane that refuses to be shown the text, which is not shown one again", () => {
    const reply = (call: Call): Reply => {
      if (call.nthOfAll === 1 || call.nthOfAll === 4) return first;
      if (lastOf(call).role === "assistant")
        return { kind: "error", status: 400, body: { error: { message: "roles must alternate" } } };
      return { kind: "answer", text: "All 12 steps are done." };
    };
    return withPair({ reply, chain: ["a/first"], profile: "opencode2" }, async (rig, upstream) => {
      for (let nth = 0; nth < 2; nth++) {
        const { read, error } = await ask(rig, path);
        expect([error, read?.text]).toEqual([undefined, "All 12 steps are done."]);
      }
      expect(upstream.calls.map((call) => lastOf(call).role)).toEqual([
        "user",
        "assistant",
        "user",
        "user",
        "user",
      ]);
      expect(rig.router.cooldowns.size).toBe(0);
    });
  });

  test("is not put together with an answer that begins anew, and the client is told so", () => {
    const reply = (call: Call): Reply =>
      call.model === "first" ? first : { kind: "answer", text: "So then, all 12 steps are done." };
    return withPair({ reply, profile: "opencode2", env: fastEnv(100) }, async (rig) => {
      const { body, error } = await ask(rig, path);
      expect(body).not.toContain("then");
      expect(error).toMatch(/broke off in the middle of its answer, and \d other answers? began differently/);
      expect(rig.events.filter((event) => event.kind === "exhausted")).toEqual([]);
    });
  });

  test("after a few words is asked for again until a lane happens to begin alike", () => {
    const begun: Answer = { ...first, cut: { afterTokens: 1, how: "reset" } };
    const reply = (call: Call): Reply => {
      if (call.nthOfAll === 1) return begun;
      return { kind: "answer", text: call.nthOfAll < 4 ? "So then, done." : "All is done." };
    };
    return withPair({ reply, chain: ["a/first"], profile: "opencode2" }, async (rig, upstream) => {
      const { read } = await ask(rig, path);
      expect([read?.text, upstream.calls.length]).toEqual(["All is done.", 4]);
    });
  });
});

test("a service that refuses the thoughts of earlier turns gets the history without them, others with them", () => {
  const strict = (call: Call): Reply =>
    call.model === "first" && call.body.includes("reasoning_content")
      ? {
          kind: "error",
          status: 400,
          body: { error: { message: "messages.1.reasoning_content: Extra inputs are not permitted" } },
        }
      : { kind: "answer", text: "Done." };
  const call = { id: "c", type: "function", function: { name: "ls", arguments: "{}" } };
  const messages = [
    { role: "user", content: "go" },
    { role: "assistant", content: "", reasoning_content: "hm", tool_calls: [call] },
    { role: "tool", tool_call_id: "c", content: "a" },
  ];
  return withPair({ reply: strict }, async (rig, upstream) => {
    for (let nth = 0; nth < 2; nth++) {
      const { read } = await ask(rig, "/orouter/v1/chat/completions", { messages });
      expect(read?.text).toBe("Done.");
    }
    expect(upstream.calls.map((one) => [one.model, one.body.includes("reasoning_content")])).toEqual([
      ["first", true],
      ["first", false],
      ["first", false],
    ]);
    await rig.ask({ model: "a/second", more: { messages } });
    expect(upstream.calls.at(-1)?.body).toContain("reasoning_content");
    expect(rig.router.cooldowns.size).toBe(0);
  });
});

test("a pause behind the end of one of two answers does not cut the other", () => {
  const event = (index: number, delta: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ choices: [{ index, delta, finish_reason: finish }] })}\n\n`;
  const chunks = [
    event(0, { content: "one" }),
    event(0, {}, "stop"),
    event(1, { content: "two" }) + event(1, {}, "stop"),
    "data: [DONE]\n\n",
  ];
  const headers = { "content-type": "text/event-stream" };
  const reply: RawReply = { kind: "raw", status: 200, headers, chunks, chunkEveryMs: 150 };
  // On this clock the pauses last 7.5 s.
  return withPair({ reply: () => reply, env: fastEnv(50), profile: "neutral" }, async (rig) => {
    const text = await (await rig.ask({ more: { n: 2 } })).text();
    expect(text).toBe(chunks.join(""));
  });
});
