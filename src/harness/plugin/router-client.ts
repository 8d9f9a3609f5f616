import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { STRATEGIES } from "../../core/routing/session.ts";
import { VERDICT_KINDS } from "../../core/verdict/verdict.ts";

/** The options of the plugins. The token stays in its own file: options can end up in an environment. */
export interface PluginOptions {
  /** The proxy, without a final slash. */
  url: string;
  tokenFile: string;
}

/** The proxy on the same machine answers within milliseconds; a stuck one must not block a dialog. */
const ANSWER_MS = 5000;

/** A model may think before it answers, and several keys may be tried first. */
const ASKING_MS = 120_000;

export interface RouterClient {
  state: () => Promise<RouterState>;
  get: (path: string) => Promise<unknown>;
  post: (path: string, body?: object) => Promise<unknown>;
  events: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
  /** One short question to a model, sent as opencode would send it. */
  ask: (model: string) => Promise<Response>;
}

const REFUSAL = v.object({ error: v.object({ message: v.string() }) });

export function routerClient({ url, tokenFile }: PluginOptions): RouterClient {
  let token: Promise<string> | undefined;
  const call = async (path: string, init: RequestInit): Promise<Response> => {
    token ??= readFile(tokenFile, "utf8");
    const headers = { authorization: `Bearer ${await token}`, "content-type": "application/json" };
    const answer = await fetch(url + path, { ...init, headers });
    // A restarted proxy has a new token.
    if (answer.status === 401) token = undefined;
    return answer;
  };
  const json = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await call(`/_orouter${path}`, { ...init, signal }).catch(() => {
      throw new Error("orouter's proxy does not answer.");
    });
    const value: unknown = await answer.json();
    if (answer.ok) return value;
    throw new Error(v.is(REFUSAL, value) ? value.error.message : `status ${answer.status}`);
  };
  return {
    state: async () => v.parse(ROUTER_STATE, await json("/state")),
    get: (path) => json(path),
    post: (path, body = {}) => json(path, { method: "POST", body: JSON.stringify(body) }),
    events: async (signal) => {
      const answer = await call("/_orouter/events", { signal });
      if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
      return answer.body;
    },
    ask: (model) => {
      const messages = [{ role: "user", content: "Answer with the word ok." }];
      return call("/v1/chat/completions", {
        method: "POST",
        body: JSON.stringify({ model, messages, stream: true, max_tokens: 32 }),
        signal: AbortSignal.timeout(ASKING_MS),
      });
    },
  };
}

export function clearedIn(answer: unknown): number {
  return v.parse(v.object({ cleared: v.number() }), answer).cleared;
}

// The fields of the control API that the plugin uses.

const verdict = v.picklist(VERDICT_KINDS);
const untilMs = v.nullable(v.number());
const text = v.nullable(v.string());

const readiness = {
  state: v.picklist(["ready", "cooling-down", "dead", "disabled", "no-secret", "no-key"]),
  untilMs,
  why: v.nullable(verdict),
};

const KEY = v.object({
  ...readiness,
  provider: v.string(),
  name: v.string(),
  fingerprint: v.string(),
  enabled: v.boolean(),
  source: v.string(),
  inFlight: v.number(),
});

const COOLDOWN = v.object({
  id: v.string(),
  scope: v.picklist(["lane", "key", "model", "provider"]),
  fingerprint: text,
  key: text,
  model: text,
  provider: text,
  kind: verdict,
  untilMs,
});

const BENCH = v.object({
  atMs: v.number(),
  firstTokenMs: v.number(),
  tokensPerSecond: v.nullable(v.number()),
});

const CHAIN = v.object({
  name: v.string(),
  entries: v.array(v.string()),
  models: v.array(
    v.object({
      ...readiness,
      model: v.string(),
      keys: v.number(),
      ready: v.number(),
      bench: v.nullable(BENCH),
    }),
  ),
});

const WAIT = v.object({
  session: text,
  model: v.string(),
  key: v.string(),
  sinceMs: v.number(),
  untilMs: v.number(),
  isHold: v.optional(v.boolean(), false),
});

const QUOTA = v.object({
  provider: v.string(),
  fingerprint: v.string(),
  window: v.string(),
  usedShare: v.nullable(v.number()),
  resetsAt: v.nullable(v.number()),
  dryAt: v.nullable(v.number()),
  forecast: text,
  blocking: v.boolean(),
  text: v.string(),
});

const ANSWER = v.object({
  session: text,
  model: v.string(),
  key: v.string(),
  sinceMs: v.number(),
  phase: v.picklist(["waiting", "thinking", "text", "call"]),
  tool: v.nullish(v.string()),
  chars: v.optional(v.number()),
});

const ROUTER_STATE = v.object({
  now: v.number(),
  strategy: v.picklist(STRATEGIES),
  keys: v.array(KEY),
  cooldowns: v.array(COOLDOWN),
  chains: v.array(CHAIN),
  last: v.nullable(v.object({ atMs: v.number(), model: v.string(), key: v.string() })),
  waits: v.optional(v.array(WAIT), []),
  answers: v.optional(v.array(ANSWER), []),
  quotas: v.optional(v.array(QUOTA), []),
});

export type RouterState = v.InferOutput<typeof ROUTER_STATE>;
export type Quota = RouterState["quotas"][number];
export type RouterKey = RouterState["keys"][number];
export type Cooldown = RouterState["cooldowns"][number];
export type Chain = RouterState["chains"][number];

const NEWS = v.variant("kind", [
  v.object({
    kind: v.literal("rotated"),
    from: v.string(),
    to: v.string(),
    why: verdict,
    model: v.string(),
  }),
  v.object({ kind: v.literal("fell-back"), from: v.string(), to: v.string(), why: verdict }),
  v.object({
    kind: v.literal("exhausted"),
    headline: v.string(),
    exhaustion: v.object({
      atMs: v.number(),
      asked: v.string(),
      keys: v.array(v.object({ freeAtMs: v.optional(v.number()), isEndDeclared: v.boolean() })),
    }),
  }),
  v.object({
    kind: v.literal("waiting"),
    wait: v.object({
      model: v.string(),
      key: v.string(),
      why: v.union([verdict, v.literal("busy")]),
      sinceMs: v.number(),
      untilMs: v.number(),
      isHold: v.optional(v.boolean(), false),
    }),
  }),
  v.object({
    kind: v.literal("quota-warning"),
    keyName: v.string(),
    warning: v.object({ kind: v.picklist(["nearly used up", "runs dry"]), text: v.string() }),
  }),
  v.object({ kind: v.literal("settings-refused"), what: v.string() }),
  v.object({ kind: v.literal("models-changed") }),
]);

/** An event that has its own text or effect. */
export type RouterNews = v.InferOutput<typeof NEWS>;

/** Undefined for an event that only says that the state has changed. */
export function newsIn(data: string): RouterNews | undefined {
  const event = v.safeParse(NEWS, JSON.parse(data));
  return event.success ? event.output : undefined;
}
