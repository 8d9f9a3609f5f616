import { createRouter } from "../src/commands/routing.ts";
import { fingerprint, type Key } from "../src/core/key.ts";
import type { Cooldown } from "../src/core/routing/cooldown.ts";
import { parseSettings, type Settings } from "../src/core/settings/settings.ts";
import type { Router } from "../src/proxy/router.ts";
import { type ProxyServer, startProxy } from "../src/proxy/server.ts";
import type { RecordedReply } from "./recorded-reply.ts";

/** What a request came to: where it was answered, and who rests. */
interface Course {
  /** `next key`, `next model`, `served back` or `larger model`; anything else is wrong. */
  step: string;
  scope: string;
  restMs: number | undefined;
}

const TOKEN = "replay";
const ANSWER_PATH = /\/(?:chat\/completions|completions|responses|messages|chat|generate)$|:generateContent$/;

/** Which class leads where; a cooldown that covers the model leaves its other keys no chance. */
function wantedStep({ class: kind, scope }: RecordedReply): string {
  if (kind === "context_overflow") return "larger model";
  if (scope === "request") return "served back";
  if (scope === "model" || scope === "provider") return "next model";
  return "next key";
}

/** Sends one request whose first call gets the recorded reply and whose others are good; compares what came of it. */
export async function replayThroughProxy(
  recorded: RecordedReply,
): Promise<{ step: boolean; rest: boolean; line: string }> {
  const wanted = { step: wantedStep(recorded), scope: recorded.scope, waitMs: recorded.retry_after_ms };
  const course = await run(recorded);
  // Where a class is open to more than one reading, so is its course.
  const isOpen = (recorded.accept ?? []).length > 1;
  const waitsRight =
    wanted.waitMs === undefined ||
    (course.restMs !== undefined &&
      course.restMs >= Math.max(1_000, wanted.waitMs) &&
      course.restMs <= Math.max(1_000, wanted.waitMs) * 1.1 + 1_000);
  return {
    step: course.step === wanted.step,
    rest: course.scope === wanted.scope && waitsRight,
    line: `${recorded.id}: ${course.step}, ${course.scope} rests ${course.restMs ?? "-"}; wanted ${wanted.step}, ${wanted.scope} ${wanted.waitMs ?? "-"}${isOpen ? ` (${recorded.accept?.join(" or ")})` : ""}`,
  };
}

async function run(recorded: RecordedReply): Promise<Course> {
  const asked: { key: string; model: string }[] = [];
  const upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (req) => {
      const body = await req.text();
      // Anthropic's keys go into a header of their own.
      const key = req.headers.get("x-api-key") ?? req.headers.get("authorization") ?? "";
      asked.push({ key, model: modelIn(body) });
      return asked.length === 1 ? replyOf(recorded) : goodAnswer(req.url);
    },
  });
  const settings = settingsFor(recorded, `http://127.0.0.1:${upstream.port}/v1`);
  const router = routerFor(recorded.provider, settings);
  // The first rest is the reply's; the good answer behind it may already forgive it.
  let cooldown: Cooldown | undefined;
  router.subscribe((event) => {
    if (event.kind === "cooldown-started") cooldown ??= event.cooldown;
  });
  const proxy = startProxy({
    router,
    settings,
    token: TOKEN,
    listModels: () => [],
    windowOf: (model) => (model === `${BEHIND}/large` ? 1_000_000 : 8_000),
    onBug: (error) => {
      throw error;
    },
  });
  try {
    const response = await ask(proxy, recorded);
    await response.text();
    return {
      step: stepOf(response, recorded, asked),
      ...partyOf(cooldown),
    };
  } finally {
    await proxy.stop();
    await upstream.stop(true);
  }
}

function partyOf(cooldown: Cooldown | undefined): Pick<Course, "scope" | "restMs"> {
  if (cooldown === undefined) return { scope: "request", restMs: undefined };
  // A mere count: the attempt is at fault until it happens in a row.
  if (cooldown.untilMs === 0) return { scope: "attempt", restMs: undefined };
  return {
    scope: cooldown.scope === "lane" ? "key+model" : cooldown.scope,
    restMs: cooldown.untilMs - cooldown.sinceMs,
  };
}

/** The provider behind the recorded one in the chain. */
const BEHIND = "behind";

function settingsFor({ provider, endpoint }: RecordedReply, baseUrl: string): Settings {
  const own = { base_url: baseUrl, api: endpoint.endsWith("/responses") ? "responses" : "chat" };
  const parsed = parseSettings({
    routing: { patience: "0s" },
    providers: { [provider]: own, [BEHIND]: own },
    fallbacks: { [`${provider}/asked`]: [`${BEHIND}/large`] },
  });
  if ("faults" in parsed) throw new Error(parsed.faults[0]?.what);
  return parsed.settings;
}

function routerFor(provider: string, settings: Settings): Router {
  const keys: Key[] = [
    [provider, "first"],
    [provider, "second"],
    [BEHIND, "third"],
  ].map(([id = "", name = ""]) => {
    const secret = `replayed-${name}`;
    const source = "environment" as const;
    return { provider: id, name, secret, fingerprint: fingerprint(secret), enabled: true, source, from: "" };
  });
  return createRouter({ settings, keys });
}

/** Answers are asked for as chats, whatever dialect they were recorded in; other endpoints as they are. */
function ask(proxy: ProxyServer, { provider, endpoint }: RecordedReply): Promise<Response> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const base = `${proxy.url}/${encodeURIComponent(provider)}/v1`;
  if (!ANSWER_PATH.test(endpoint)) return fetch(`${base}${endpoint.replace(/^\/v1(?=\/)/, "")}`, { headers });
  const path = endpoint.endsWith("/responses") ? "responses" : "chat/completions";
  // Recorded bodies in one piece are judged as such; those with events in them as streams.
  const body = JSON.stringify({ model: "asked", messages: [{ role: "user", content: "hi" }] });
  return fetch(`${base}/${path}`, { method: "POST", headers, body });
}

function modelIn(body: string): string {
  try {
    return String((JSON.parse(body) as { model?: unknown }).model);
  } catch {
    return "";
  }
}

function replyOf({ status, headers, body }: RecordedReply): Response {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = /^(?:data|event):/.test(text) ? "text/event-stream" : "application/json";
  return new Response(text, { status, headers: { "content-type": type, ...headers } });
}

function goodAnswer(url: string): Response {
  if (url.endsWith("/responses"))
    return Response.json({ id: "r", object: "response", status: "completed", output: [{ type: "message" }] });
  const message = { role: "assistant", content: "a good answer" };
  return Response.json({ id: "c", object: "chat.completion", choices: [{ message, finish_reason: "stop" }] });
}

function stepOf(
  response: Response,
  recorded: RecordedReply,
  asked: readonly { key: string; model: string }[],
): string {
  const [first, second] = asked;
  if (asked.length === 1) return response.status >= 400 || recorded.status < 400 ? "served back" : "stuck";
  if (asked.length > 2 || response.status !== 200) return `${asked.length} calls, then ${response.status}`;
  if (first?.model === second?.model) return first?.key === second?.key ? "same key" : "next key";
  return recorded.class === "context_overflow" ? "larger model" : "next model";
}
