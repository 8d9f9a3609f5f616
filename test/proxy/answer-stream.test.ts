import { describe, expect, test } from "bun:test";
import type { Call } from "../../src/demo/call.ts";
import { type Answer, overloaded, type Reply } from "../../src/demo/reply.ts";
import { parsed, readEvents, readUntilBroken, textOf } from "../demo/read-events.ts";
import { fastEnv, type Rig, until, withPair } from "./rig.ts";

const TEXT = "one two three four five six";
const GOOD: Answer = { kind: "answer", text: TEXT };

function cut(how: "reset" | "close" | "stall" | "end" | "error-event", more: Partial<Answer> = {}): Answer {
  return { ...GOOD, cut: { afterTokens: 3, how }, ...more };
}

function firstFails(reply: Reply): (call: Call) => Reply {
  return (call) => (call.model === "first" ? reply : GOOD);
}

async function read(
  response: Response,
): Promise<{ text: string; isWhole: boolean; error: string | undefined }> {
  const { text: body, error: broken } = await readUntilBroken(response);
  const events = readEvents(body);
  const data = events.map((event) => parsed(event.data));
  const finish = data.some((one) => one?.choices?.[0]?.finish_reason || one?.type === "response.completed");
  const error = data.find((one) => one?.error !== undefined)?.error?.message;
  return { text: textOf(events), isWhole: finish && broken === undefined, error };
}

/** Every key is free again, and every request has exactly one record. */
function expectTidy(rig: Rig, requests: number): void {
  expect(rig.keys.map((key) => rig.router.inFlight(key))).toEqual(rig.keys.map(() => 0));
  expect(rig.records().length).toBe(requests);
}

const FAST = { routing: { stall_timeout: "3s" } };

describe("an answer that breaks off", () => {
  test.each(["reset", "close", "stall", "end", "error-event"] as const)(
    "by %s goes on from another lane",
    (how) =>
      withPair({ reply: firstFails(cut(how)), config: FAST, env: fastEnv(10) }, async (rig) => {
        expect(await read(await rig.ask())).toEqual({ text: TEXT, isWhole: true, error: undefined });
        expectTidy(rig, 1);
        const [record] = rig.records();
        expect(record?.outcome).toBe("served");
        const verdicts = record?.attempts.map((attempt) => attempt.verdict) ?? [];
        expect(verdicts.at(-1)).toBe("ok");
        // A pooled connection that the provider has closed meanwhile counts as one more failed attempt.
        expect(verdicts.slice(0, -1)).not.toBeEmpty();
        expect(verdicts.slice(0, -1)).not.toContain("ok");
        expect(rig.events.some((event) => event.kind === "fell-back")).toBe(true);
      }),
  );

  test.each([
    ["the setting says no", { config: { routing: { resume: false } } }, cut("reset")],
    ["the other says something else", {}, cut("reset", { text: "quite another answer than that" })],
  ])("is an error to be retried when %s", (_what, options, reply) =>
    withPair({ reply: firstFails(reply), ...options }, async (rig) => {
      const seen = await read(await rig.ask());
      expect(seen.isWhole).toBe(false);
      expect(JSON.parse(seen.error ?? "")).toMatchObject({ error: { code: "server_error" } });
      expectTidy(rig, 1);
      expect(rig.records()[0]?.outcome).toBe("broken");
    }),
  );

  test("in the responses dialect fails in that dialect's form", () =>
    withPair({ reply: firstFails(cut("reset", { text: "quite another answer" })) }, async (rig) => {
      const response = await rig.ask({ path: "/orouter/v1/responses" });
      const last = readEvents(await response.text()).at(-1);
      expect(last?.name).toBe("error");
      expect(parsed(last?.data ?? "")).toMatchObject({ type: "error", error: { code: "server_error" } });
      expectTidy(rig, 1);
    }));

  test("is no error for good as long as a lane is left that could answer the next request", () => {
    const other = cut("reset", { text: "quite another answer than that" });
    const reply = (call: Call): Reply => (call.model === "first" ? cut("reset") : other);
    const keys = ["one", "two", "three", "four"];
    return withPair({ reply, keys, config: { routing: { patience: "0s" } } }, async (rig) => {
      for (let nth = 0; nth < 6; nth++) {
        const { error } = await read(await rig.ask({ session: "s" }));
        expect(error).toContain("server_error");
      }
    });
  });

  test("again and again on one session is in the end an error that nobody retries", () =>
    withPair(
      { reply: () => cut("reset"), config: { routing: { resume: false, patience: "0s" } } },
      async (rig) => {
        const codes: string[] = [];
        for (let nth = 0; nth < 4; nth++) {
          const { error } = await read(await rig.ask({ session: "s" }));
          codes.push((JSON.parse(error ?? "") as { error: { code: string } }).error.code);
        }
        expect(codes).toEqual(["server_error", "server_error", "server_error", "invalid_prompt"]);
      },
    ));

  test("every time makes its model rest, although it always begins well", () =>
    withPair(
      { reply: firstFails(cut("reset")), config: { routing: { resume: false, patience: "0s" } } },
      async (rig, upstream) => {
        for (let nth = 0; nth < 4; nth++) await (await rig.ask()).text();
        expect(upstream.calls.map((call) => call.model)).toEqual(["first", "first", "first", "second"]);
      },
    ));

  test("is told apart by what the provider says in its middle", () => {
    const error = { message: "you have reached your weekly usage limit", code: 429 };
    const reply = cut("error-event", { cut: { afterTokens: 3, how: "error-event", error } });
    return withPair({ reply: firstFails(reply), chain: ["a/first", "b/second"] }, async (rig) => {
      expect((await read(await rig.ask())).text).toBe(TEXT);
      const key = rig.keys[0];
      expect([...rig.router.cooldowns.values()].map(({ id, kind }) => [id, kind])).toEqual([
        [`key ${key?.fingerprint}`, "quota"],
      ]);
    });
  });

  test("and breaks off again from the next lane too is saved by the third", () => {
    const reply = (call: Call): Reply =>
      call.nthOfAll < 3 ? cut("reset", { cut: { afterTokens: 2 + call.nthOfAll, how: "reset" } }) : GOOD;
    return withPair({ reply, keys: ["one", "two", "three"] }, async (rig) => {
      expect(await read(await rig.ask())).toEqual({ text: TEXT, isWhole: true, error: undefined });
      expectTidy(rig, 1);
    });
  });

  test("with nobody else to ask is tried on the same lane once more", () => {
    const reply = (call: Call): Reply => (call.nthOfAll === 1 ? cut("reset") : GOOD);
    return withPair({ reply, chain: ["a/first"] }, async (rig) => {
      expect(await read(await rig.ask())).toEqual({ text: TEXT, isWhole: true, error: undefined });
    });
  });
});

describe("a silence", () => {
  test("ends the call also where there is nowhere else to go", () => {
    const reply = (call: Call): Reply => (call.nthOfAll === 1 ? cut("stall") : GOOD);
    const config = { routing: { stall_timeout: "1s" } };
    return withPair({ reply, chain: ["a/first"], config, env: fastEnv(50) }, async (rig) => {
      expect(await read(await rig.ask())).toEqual({ text: TEXT, isWhole: true, error: undefined });
      expect(rig.records()[0]?.attempts.map((attempt) => attempt.verdict)).toEqual(["timeout", "ok"]);
    });
  });

  test("is not broken by keep-alives", () => {
    const reply: Answer = cut("stall", { keepAliveEveryMs: 5 });
    return withPair({ reply: firstFails(reply), config: FAST, env: fastEnv(50) }, async (rig) => {
      expect((await read(await rig.ask())).text).toBe(TEXT);
    });
  });

  test("before the first token sends the request to the next model, and the last one may take its time", () => {
    const late = { ...GOOD, firstTokenAfterMs: 150 };
    const reply = (call: Call): Reply => (call.model === "first" ? { kind: "hang" } : late);
    const config = { routing: { first_token_timeout: "1s" } };
    return withPair({ reply, config, env: fastEnv(20) }, async (rig, upstream) => {
      expect((await read(await rig.ask())).text).toBe(TEXT);
      expect(upstream.calls.map((call) => call.model)).toEqual(["first", "second"]);
      expect(rig.records()[0]?.attempts[0]?.verdict).toBe("silent");
    });
  });

  test("of two keys beside healthy ones is met once each, as long as their cooldowns last", () => {
    const isSilent = (call: Call): boolean => call.keyName === "one" || call.keyName === "two";
    const reply = (call: Call): Reply => (isSilent(call) ? { kind: "hang" } : GOOD);
    const keys = ["one", "two", "three", "four"];
    const config = { routing: { first_token_timeout: "2s", strategy: "random" } };
    return withPair({ reply, keys, chain: ["a/first"], config, env: fastEnv(20) }, async (rig, upstream) => {
      const startMs = rig.router.env.now();
      let asked = 0;
      for (; asked < 20 && rig.router.env.now() - startMs < 20_000; asked++)
        expect((await read(await rig.ask())).text).toBe(TEXT);
      expect(asked).toBeGreaterThan(3);
      expect(upstream.calls.filter(isSilent).length).toBeLessThanOrEqual(2);
    });
  });

  test("where a whole answer was asked for is given four times as long", () => {
    const reply = (call: Call): Reply => (call.model === "first" ? { kind: "hang" } : GOOD);
    const config = { routing: { first_token_timeout: "1s" } };
    return withPair({ reply, config, env: fastEnv(20) }, async (rig, upstream) => {
      expect((await rig.ask({ stream: false })).status).toBe(200);
      expect(upstream.calls.map((call) => call.model)).toEqual(["first", "second"]);
      expect(rig.records()[0]?.attempts[0]?.durationMs).toBeGreaterThanOrEqual(4_000);
    });
  });

  test("of an answer that already says it is finished ends it", () => {
    const event = (delta: object, finish: string | null): string =>
      `data: ${JSON.stringify({ choices: [{ delta, finish_reason: finish }] })}\n\n`;
    const chunks = [event({ content: "done" }, null), event({}, "stop")];
    const headers = { "content-type": "text/event-stream" };
    const reply: Reply = { kind: "raw", status: 200, headers, chunks, end: "stall" };
    return withPair({ reply: () => reply, chain: ["a/first"], env: fastEnv(50) }, async (rig) => {
      const text = await (await rig.ask()).text();
      expect(text).toEndWith("data: [DONE]\n\n");
      expectTidy(rig, 1);
      expect(rig.router.cooldowns.size).toBe(0);
    });
  });

  test("of the client is none of the upstream's", () => {
    // Far more than any buffer on the way holds, so that the upstream has to wait for its reader.
    const reply: Answer = { ...GOOD, text: Array.from({ length: 400 }, () => `${"x".repeat(32_768)} `) };
    return withPair(
      { reply: () => reply, config: { routing: { stall_timeout: "10s" } }, env: fastEnv(20) },
      async (rig, upstream) => {
        const response = await rig.ask();
        const reader = response.body?.getReader();
        let bytes = (await reader?.read())?.value?.length ?? 0;
        const silentUntilMs = rig.router.env.now() + 15_000;
        await until(() => rig.router.env.now() > silentUntilMs);
        for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
          bytes += part.value.length;
        expect(bytes).toBeGreaterThan(400 * 32_768 - 100_000);
        expect(upstream.calls.length).toBe(1);
        expect(rig.records()[0]?.outcome).toBe("served");
      },
    );
  });
});

describe("a client that leaves", () => {
  test("before the head ends the call and blames nobody", async () => {
    const left = Promise.withResolvers<void>();
    await withPair(
      { reply: () => ({ kind: "hang" }), onHangUp: () => left.resolve() },
      async (rig, upstream) => {
        const leaving = new AbortController();
        const asked = rig.ask({ signal: leaving.signal }).catch(() => undefined);
        await until(() => upstream.calls.length === 1);
        leaving.abort();
        await asked;
        await left.promise;
        await until(() => rig.records().length === 1);
        expect(rig.records()[0]).toMatchObject({
          outcome: "client-gone",
          attempts: [{ verdict: "cancelled" }],
        });
        expect(rig.router.cooldowns.size).toBe(0);
        expectTidy(rig, 1);
      },
    );
  });

  test("while its answer is being taken up elsewhere leaves no lane taken", async () => {
    const reply = (call: Call): Reply => (call.model === "first" ? cut("reset") : { kind: "hang" });
    const hungUp: string[] = [];
    await withPair({ reply, onHangUp: () => hungUp.push("left") }, async (rig, upstream) => {
      const leaving = new AbortController();
      const response = await rig.ask({ signal: leaving.signal });
      const reading = response.text().catch(() => "gone");
      await until(() => upstream.calls.length === 2);
      leaving.abort();
      expect(await reading).toBe("gone");
      await until(() => rig.records().length === 1 && hungUp.length === 1);
      expect(rig.records()[0]?.outcome).toBe("client-gone");
      expectTidy(rig, 1);
    });
  });

  test("while it waits leaves its place in line", () =>
    withPair(
      { reply: () => cut("stall"), chain: ["a/first"], config: { providers: { a: { concurrency: 1 } } } },
      async (rig) => {
        const first = new AbortController();
        const held = await rig.ask({ signal: first.signal });
        const second = new AbortController();
        const waiting = rig.ask({ signal: second.signal }).catch(() => undefined);
        await until(() => rig.router.queue.length === 1);
        second.abort();
        await waiting;
        await until(() => rig.router.queue.length === 0);
        first.abort();
        await held.text().catch(() => {});
        await until(() => rig.records().length === 2);
        expectTidy(rig, 2);
      },
    ));

  test("of a body that is passed on unread ends that call too", async () => {
    const left = Promise.withResolvers<void>();
    const upstream = Bun.serve({
      port: 0,
      fetch: (req) => {
        req.signal.addEventListener("abort", () => left.resolve());
        return new Response(
          new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("some bytes")) }),
          { headers: { "content-type": "audio/mpeg" } },
        );
      },
    });
    const config = { providers: { a: { base_url: `http://127.0.0.1:${upstream.port}` } } };
    await withPair({ reply: () => GOOD, config }, async (rig) => {
      const leaving = new AbortController();
      const response = await rig.fetch("/a/v1/audio/speech", {
        method: "POST",
        body: "{}",
        signal: leaving.signal,
      });
      await response.body?.getReader().read();
      leaving.abort();
      await left.promise;
      await until(() => rig.records().length === 1);
      expect(rig.records()[0]?.outcome).toBe("client-gone");
      expectTidy(rig, 1);
    });
    await upstream.stop(true);
  });
});

test("an outage of every lane is told once, and every lane is free afterwards", () =>
  withPair({ reply: () => overloaded(), env: fastEnv(100) }, async (rig) => {
    const response = await rig.ask();
    expect([response.status, response.headers.get("x-should-retry")]).toEqual([400, "false"]);
    expect(await response.json()).toMatchObject({
      error: { type: "invalid_request_error", code: "invalid_prompt" },
    });
    expectTidy(rig, 1);
    expect(rig.events.filter((event) => event.kind === "exhausted").length).toBe(1);
  }));

test("a connection is used again after a whole answer", async () => {
  const sockets = new Set<unknown>();
  const { createServer } = await import("node:http");
  const server = createServer((request, response) => {
    sockets.add(request.socket);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const event = { choices: [{ delta: { content: "hi" }, finish_reason: "stop" }] };
    response.end(`data: ${JSON.stringify(event)}\n\ndata: [DONE]\n\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const config = { providers: { a: { base_url: `http://127.0.0.1:${port}` } } };
  await withPair({ reply: () => GOOD, config }, async (rig) => {
    for (let nth = 0; nth < 6; nth++) {
      await (await rig.ask()).text();
      await until(() => rig.records().length === nth + 1);
    }
  });
  server.closeAllConnections();
  server.close();
  expect(sockets.size).toBe(1);
});
