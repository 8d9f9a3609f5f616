import { expect, test } from "bun:test";
import type { Call } from "../../src/demo/call.ts";
import {
  type Answer,
  notInFreeUsage,
  openaiError,
  type Reply,
  rateLimited,
  subscriptionRequired,
  tooManyConcurrent,
  usageLimit,
} from "../../src/demo/reply.ts";
import { readEvents, textOf } from "../demo/read-events.ts";
import { fastEnv, type Rig, until, withPair } from "../proxy/rig.ts";

const GOOD: Answer = { kind: "answer", text: "a good answer" };

async function said(response: Promise<Response>): Promise<string> {
  return textOf(readEvents(await (await response).text()));
}

/** Each cooldown with its reason: `lane one a/first subscription`. */
function rests(rig: Rig): string[] {
  const nameOf = (id: string): string =>
    rig.keys.reduce((text, key) => text.replace(key.fingerprint, key.name), id);
  return [...rig.router.cooldowns.values()]
    .filter((rest) => rest.untilMs > rig.router.env.now())
    .map((rest) => `${nameOf(rest.id)} ${rest.kind}`)
    .toSorted();
}

function byKey(replies: Record<string, Reply>): (call: Call) => Reply {
  return (call) => (call.model === "first" ? replies[call.keyName] : undefined) ?? GOOD;
}

const THREE = ["one", "two", "three"];

test("a model that one key of three has no plan for rests on that key alone", () =>
  withPair({ keys: THREE, reply: byKey({ one: subscriptionRequired() }) }, async (rig, upstream) => {
    for (let nth = 0; nth < 12; nth++) {
      expect(await said(rig.ask({ model: "a/first", path: "/v1/chat/completions" }))).toBe(
        GOOD.text as string,
      );
    }
    expect(upstream.calls.filter((call) => call.keyName === "one").length).toBeLessThanOrEqual(1);
    for (const rest of rests(rig)) expect(rest).toBe("lane one a/first subscription");
    // The key still works for another model.
    const key = rig.keys[0];
    expect(key && rig.router.cooldowns.has(`key ${key.fingerprint}`)).toBe(false);
  }));

test("two keys of three whose week is used up rest until its end, and the third serves", () =>
  withPair(
    { keys: THREE, reply: byKey({ one: usageLimit("weekly"), two: usageLimit("weekly") }) },
    async (rig, upstream) => {
      for (let nth = 0; nth < 6; nth++) expect(await said(rig.ask())).toBe("a good answer");
      expect(upstream.calls.filter((call) => call.model !== "first")).toEqual([]);
      expect(upstream.calls.length).toBeLessThanOrEqual(8);
      for (const rest of rests(rig)) expect(rest).toMatch(/^key (?:one|two) quota$/);
    },
  ));

const IN_BAND: [name: string, reply: Reply][] = [
  ["a 200 whose body is an error", { kind: "error", status: 200, body: { error: notInFreeUsage().body } }],
  ["a 200 whose lines are errors", ndjson('{"error":"too many concurrent requests"}\n{"done":true}\n')],
  ["a 200 that is a web page", page("<!doctype html><html><title>Sign in</title></html>")],
  ["a 200 without a body", page("")],
  ["a stream whose first event is an error", events(errorEvent(502))],
  ["a stream whose first word is followed by an error in one breath", events(`${word()}${errorEvent(502)}`)],
  ["a stream of keep-alives", events(": working\n\n: working\n\n")],
  ["a stream that says it is done and said nothing", events("data: [DONE]\n\n")],
  ["a stream that ends in a tool call without one", events(finish("tool_calls"))],
  ["a stream that ends in an error", events(finish("error"))],
];

function raw(type: string, chunks: string[]): Reply {
  return { kind: "raw", status: 200, headers: { "content-type": type }, chunks };
}
function ndjson(text: string): Reply {
  return raw("application/x-ndjson", [text]);
}
function page(text: string): Reply {
  return raw("text/html", [text]);
}
function events(text: string): Reply {
  return raw("text/event-stream", [text]);
}
function word(): string {
  return `data: ${JSON.stringify({ choices: [{ delta: { content: "half " }, finish_reason: null }] })}\n\n`;
}
function finish(reason: string): string {
  return `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: reason }] })}\n\ndata: [DONE]\n\n`;
}
function errorEvent(code: number): string {
  return `data: ${JSON.stringify({ error: { code, message: "Worker local total request limit reached" } })}\n\n`;
}

test.each(IN_BAND)("%s is a failure, and the next key answers", (_name, reply) =>
  withPair({ keys: ["one", "two"], reply: (call) => (call.nthOfAll === 1 ? reply : GOOD) }, async (rig) => {
    const response = await rig.ask();
    expect(response.status).toBe(200);
    expect(await said(Promise.resolve(response))).toBe("a good answer");
    expect(response.headers.get("x-orouter-attempts")).toBe("2");
  }),
);

test("a full account keeps four sub-agents waiting, not locked out", () =>
  withPair(
    {
      reply: (call) => (call.inFlight > 3 ? tooManyConcurrent() : { ...GOOD, chunkEveryMs: 20 }),
      env: fastEnv(10),
    },
    async (rig, upstream) => {
      const texts = await Promise.all(Array.from({ length: 4 }, () => said(rig.ask())));
      expect(texts).toEqual(Array(4).fill("a good answer"));
      expect(new Set(upstream.calls.map((call) => call.model))).toEqual(new Set(["first"]));
      expect(rests(rig)).toEqual([]);
    },
  ));

test("a function that one account may not call is called with another key", () => {
  const reply: Reply = {
    kind: "error",
    status: 404,
    body: {
      detail: "Function '0d5c0ffe-ba5e-4ace-8dad-decafc0ffee0': Not found for account 'abc'",
      status: 404,
    },
  };
  const config = { providers: { a: { name: "NIM" } } };
  return withPair({ keys: ["one", "two"], reply: byKey({ one: reply }), config }, async (rig) => {
    for (let nth = 0; nth < 6; nth++) expect(await said(rig.ask())).toBe("a good answer");
    for (const rest of rests(rig)) expect(rest).toStartWith("lane one a/first");
  });
});

test("a degraded function rests for seconds and is used again", () => {
  const degraded = openaiError(400, "DEGRADED function cannot be invoked", "BadRequest");
  const reply = (call: Call): Reply => (call.model === "first" && call.nthOfModel === 1 ? degraded : GOOD);
  return withPair(
    { reply, env: fastEnv(200), config: { routing: { patience: "0s" } } },
    async (rig, upstream) => {
      const first = await rig.ask();
      await first.text();
      expect(first.headers.get("x-orouter-model")).toBe("a/second");
      // On a clock this fast the seconds may pass before the test looks.
      const [rest] = [...rig.router.cooldowns.values()];
      expect([rest?.id, rest?.kind]).toEqual(["model a/first", "overloaded"]);
      expect((rest?.untilMs ?? 0) - (rest?.sinceMs ?? 0)).toBeLessThanOrEqual(25_000);
      await until(() => rests(rig).length === 0);
      const second = await rig.ask();
      await second.text();
      expect(second.headers.get("x-orouter-model")).toBe("a/first");
      expect(upstream.calls.length).toBe(3);
      expect(rig.router.cooldowns.size).toBe(0);
    },
  );
});

test("a malformed request goes to one key of five, once, and nobody rests", () => {
  const refusal = openaiError(400, "Invalid value for 'messages[1].role'", "invalid_request_error");
  const keys = [...THREE, "four", "five"];
  return withPair({ keys, reply: () => refusal }, async (rig, upstream) => {
    const response = await rig.ask();
    expect([response.status, await response.json()]).toEqual([400, refusal.body]);
    expect(upstream.calls.length).toBe(1);
    expect(rig.router.cooldowns.size).toBe(0);
  });
});

test("nobody waits ten hours because a provider says so", () =>
  withPair({ reply: (call) => (call.model === "first" ? rateLimited(36_000) : GOOD) }, async (rig) => {
    const response = await rig.ask();
    expect(await said(Promise.resolve(response))).toBe("a good answer");
    expect(rig.records()[0]?.waitedMs).toBe(0);
    expect(response.headers.get("retry-after")).toBeNull();
    const [rest] = [...rig.router.cooldowns.values()];
    expect((rest?.untilMs ?? 0) - Date.now()).toBeGreaterThan(35_000_000);
  }));

test("where all are told to wait for hours the client gets a last word, not the wait", () =>
  withPair({ reply: () => rateLimited(36_000), chain: ["a/first"] }, async (rig) => {
    const response = await rig.ask();
    expect(response.status).toBe(400);
    expect(response.headers.get("retry-after")).toBeNull();
    expect(((await response.json()) as { error: { code: string } }).error.code).toBe("invalid_prompt");
  }));

test("an answer that speaks of subscriptions and limits is an answer", () => {
  const text = 'The log says {"error":"this model requires a subscription"} and 429 Too Many Requests.';
  return withPair({ reply: () => ({ kind: "answer", text }) }, async (rig) => {
    expect(await said(rig.ask())).toBe(text);
    const whole = (await (await rig.ask({ stream: false })).json()) as {
      choices: { message: { content: string } }[];
    };
    expect(whole.choices[0]?.message.content).toBe(text);
    expect(rig.router.cooldowns.size).toBe(0);
  });
});

test("a client that hangs up in mid-answer ends the call and marks no key", async () => {
  const left = Promise.withResolvers<void>();
  const reply = (): Reply => ({
    kind: "answer",
    text: "one two three",
    cut: { afterTokens: 1, how: "stall" },
  });
  await withPair({ reply, onHangUp: () => left.resolve() }, async (rig, upstream) => {
    const leaving = new AbortController();
    const response = await rig.ask({ signal: leaving.signal });
    await response.body?.getReader().read();
    leaving.abort();
    await left.promise;
    await until(() => rig.records().length === 1);
    expect(rig.records()[0]?.outcome).toBe("client-gone");
    expect(rig.router.cooldowns.size).toBe(0);
    expect(upstream.calls.length).toBe(1);
    expect(rig.keys.map((key) => rig.router.inFlight(key))).toEqual([0, 0]);
  });
});

test("an endpoint that is closed to a key says nothing of its models", () =>
  withPair({ reply: () => GOOD, keys: ["one", "two"] }, async (rig) => {
    const response = await rig.fetch("/a/v1/combos");
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(await said(rig.ask())).toBe("a good answer");
    expect(rests(rig)).toEqual([]);
  }));
