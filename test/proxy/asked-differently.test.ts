import { expect, test } from "bun:test";
import { type Answer, openaiError, type Reply } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { readEvents, textOf } from "../demo/read-events.ts";
import { withPair } from "./rig.ts";

const GOOD: Answer = { kind: "answer", text: "fine" };

type Call = Parameters<Scene["reply"]>[0];

const missing = (body: unknown, status = 404): Reply => ({ kind: "error", status, body });

test.each<[what: string, refusal: Reply]>([
  ["JSON", missing({ detail: "Not Found" })],
  ["a page", missing("<html><head><title>404 Not Found</title></head></html>")],
  ["an empty body", missing("")],
  ["Go's words", missing("404 page not found\n")],
  [
    "Express's words",
    missing("<!DOCTYPE html><html><body><pre>Cannot POST /v1/responses</pre></body></html>"),
  ],
  ["a wrong method", missing({ detail: "Method Not Allowed" }, 405)],
])(
  "a provider without Responses, which says so by %s, is asked by chat; no model cools down",
  (_what, refusal) => {
    const reply = (call: Call): Reply => (call.dialect === "responses" ? refusal : GOOD);
    return withPair({ reply, chain: ["a/first"] }, async (rig, upstream) => {
      const ask = () => rig.ask({ path: "/a/v1/responses", model: "first", stream: false });
      const first = await ask();
      expect([first.status, await first.text()]).toEqual([200, expect.stringContaining("fine")]);
      await (await ask()).text();
      const chat = await rig.ask({ path: "/a/v1/chat/completions", model: "first" });
      expect(textOf(readEvents(await chat.text()))).toBe("fine");
      // The second request uses what the first has learned.
      expect(upstream.calls.map(({ dialect }) => dialect)).toEqual(["responses", "chat", "chat", "chat"]);
      expect(rig.router.cooldowns.size).toBe(0);
    });
  },
);

test("a provider without chat completions is asked by Responses", () => {
  const reply = (call: Call): Reply => (call.dialect === "chat" ? missing({ detail: "Not Found" }) : GOOD);
  return withPair({ reply, chain: ["a/first"] }, async (rig, upstream) => {
    expect(textOf(readEvents(await (await rig.ask()).text()))).toBe("fine");
    expect(upstream.calls.map(({ dialect }) => dialect)).toEqual(["chat", "responses"]);
  });
});

test("a provider that has neither leaves the request to the next model, and nobody cools down", () => {
  const reply = (call: Call): Reply => (call.model === "first" ? missing({ detail: "Not Found" }) : GOOD);
  return withPair({ reply, keys: ["one", "two"] }, async (rig, upstream) => {
    expect(textOf(readEvents(await (await rig.ask()).text()))).toBe("fine");
    expect(upstream.calls.map(({ model, dialect }) => `${model} ${dialect}`)).toEqual([
      "first chat",
      "first responses",
      "first messages",
      "second chat",
    ]);
    expect(rig.router.cooldowns.size).toBe(0);
  });
});

function limited(field: string, most: number, words: (asked: number) => string): Scene["reply"] {
  return ({ body }) => {
    const asked = Number((JSON.parse(body) as Record<string, unknown>)[field]);
    return asked > most ? openaiError(400, words(asked), "invalid_request_error") : GOOD;
  };
}

const sent = (calls: readonly Call[], field: string): unknown[] =>
  calls.map(({ body }) => (JSON.parse(body) as Record<string, unknown>)[field]);

test("max_tokens above the output limit is lowered to what the provider names, and remembered", () => {
  const reply = limited("max_tokens", 8192, () => "Invalid max_tokens value, the valid range is [1, 8192]");
  return withPair({ reply, keys: ["one", "two"], chain: ["a/first"] }, async (rig, upstream) => {
    for (let time = 0; time < 2; time++) {
      const response = await rig.ask({ session: "s", more: { max_tokens: 32_000 } });
      expect(textOf(readEvents(await response.text()))).toBe("fine");
    }
    expect(sent(upstream.calls, "max_tokens")).toEqual([32_000, 8192, 8192]);
    // The key is not at fault, so it is asked again.
    expect(new Set(upstream.calls.map(({ keyName }) => keyName)).size).toBe(1);
    expect(rig.router.cooldowns.size).toBe(0);
  });
});

test("an output limit that is not named is found in steps", () => {
  const reply = limited("max_completion_tokens", 10_000, () => "max_completion_tokens is too large");
  return withPair({ reply, chain: ["a/first"] }, async (rig, upstream) => {
    const response = await rig.ask({ more: { max_completion_tokens: 40_000 } });
    expect(textOf(readEvents(await response.text()))).toBe("fine");
    expect(sent(upstream.calls, "max_completion_tokens")).toEqual([40_000, 32_768, 16_384, 8192]);
  });
});

test("a provider that no output limit satisfies is left for the next model, else its words go back", () => {
  const words = "max_tokens is too large";
  const refusal = openaiError(400, words, "invalid_request_error");
  const reply = (call: Call): Reply => (call.model === "first" ? refusal : GOOD);
  return withPair({ reply }, async (rig) => {
    const more = { max_tokens: 8000 };
    expect(textOf(readEvents(await (await rig.ask({ more })).text()))).toBe("fine");
    const alone = await rig.ask({ path: "/a/v1/chat/completions", model: "first", more });
    expect([alone.status, await alone.text()]).toEqual([400, expect.stringContaining(words)]);
    expect(rig.router.cooldowns.size).toBe(0);
  });
});

test("a history that a strict service refuses goes to another model, and back to the client where there is none", () => {
  const words =
    "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant";
  const refusal = openaiError(400, words, "invalid_request_error");
  const reply = (call: Call): Reply => (call.model === "first" ? refusal : GOOD);
  return withPair({ reply, keys: ["one", "two"] }, async (rig, upstream) => {
    expect(textOf(readEvents(await (await rig.ask()).text()))).toBe("fine");
    expect(upstream.calls.map(({ model }) => model)).toEqual(["first", "second"]);
    const alone = await rig.ask({ path: "/a/v1/chat/completions", model: "first" });
    expect([alone.status, await alone.text()]).toEqual([400, expect.stringContaining(words)]);
    expect(rig.router.cooldowns.size).toBe(0);
  });
});
