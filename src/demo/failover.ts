import type { Call } from "./call.ts";
import {
  contentPolicy,
  contextOverflow,
  internalError,
  overloaded,
  prefillRefused,
  rateLimited,
} from "./replies.ts";
import type { Answer, Reply } from "./reply.ts";
import type { Scene } from "./scene.ts";
import { CANONICAL_TEXT } from "./tokens.ts";

/** One fault of a primary model; its fallback gives the canonical answer unless it says otherwise. */
export interface Scenario {
  id: string;
  fault: string;
  /** `timeScale` shortens every wait, 1 being the real one. */
  primary: (call: Call, timeScale: number) => Reply;
  fallback?: (call: Call) => Reply;
}

/** The sixteen faults that a router is measured by. */
export const SCENARIOS: readonly Scenario[] = [
  {
    id: "s01",
    fault: "429 once, with two seconds to wait",
    primary: (call, timeScale) => first(call, rateLimitedFor(2 * timeScale)),
  },
  { id: "s02", fault: "429 always, without a hint", primary: () => rateLimited() },
  { id: "s03", fault: "500 once", primary: (call) => first(call, internalError()) },
  { id: "s04", fault: "503 always", primary: () => overloaded() },
  { id: "s05", fault: "connection reset before the head", primary: () => ({ kind: "reset" }) },
  { id: "s06", fault: "no answer at all", primary: () => ({ kind: "hang" }) },
  {
    id: "s07",
    fault: "first token after 20 s",
    primary: (_call, timeScale) => canonical({ firstTokenAfterMs: 20_000 * timeScale }),
  },
  { id: "s08", fault: "cut after 40 of 60 tokens", primary: () => cutAfter(40) },
  {
    id: "s09",
    fault: "silent for 30 s after 20 tokens",
    primary: (_call, timeScale) => canonical({ pause: { afterTokens: 20, ms: 30_000 * timeScale } }),
  },
  { id: "s10", fault: "the tenth event is not JSON", primary: () => canonical({ badJsonAt: 10 }) },
  { id: "s11", fault: "no [DONE]", primary: () => canonical({ omitDone: true }) },
  { id: "s12", fault: "the conversation is too long", primary: () => contextOverflow() },
  { id: "s13", fault: "refused by content policy", primary: () => contentPolicy() },
  {
    id: "s14",
    fault: "cut after 40 tokens, and a fallback that takes no prefill",
    primary: () => cutAfter(40),
    fallback: (call) => (call.lastRole === "assistant" ? prefillRefused() : canonical()),
  },
  {
    id: "s15",
    fault: "503 for the first 60 s",
    primary: (call, timeScale) => (call.sinceFirstMs < 60_000 * timeScale ? overloaded() : canonical()),
  },
  { id: "s16", fault: "503 always, and the fallback's name in the answer", primary: () => overloaded() },
];

/** All scenarios at once: `s01-primary` fails in the first way, `s01-fallback` stands behind it, and so on. */
export function failoverScene({ timeScale = 1 }: { timeScale?: number } = {}): Scene {
  const scripts = new Map<string, (call: Call) => Reply>();
  for (const { id, primary, fallback } of SCENARIOS) {
    scripts.set(`${id}-primary`, (call) => primary(call, timeScale));
    scripts.set(`${id}-fallback`, fallback ?? (() => canonical()));
  }
  return {
    name: "failover",
    title: "Sixteen ways to fail",
    about: "The first model of each chain, s01 to s16, fails in a way of its own; the second one answers.",
    lookFor:
      "an answer whatever happens; -m orouter/s08 (or /models in opencode) plays another of the sixteen.",
    keys: [{ name: "bench", secret: "scripted-bench" }],
    models: [...scripts.keys()],
    chains: Object.fromEntries(SCENARIOS.map(({ id }) => [id, [`${id}-primary`, `${id}-fallback`]])),
    timeouts: { firstTokenMs: 5_000, stallMs: 5_000 },
    reply: (call) => scripts.get(call.model)?.(call) ?? canonical(),
  };
}

function canonical(faults: Partial<Answer> = {}): Answer {
  return { kind: "answer", text: CANONICAL_TEXT, ...faults };
}

function cutAfter(afterTokens: number): Answer {
  return canonical({ cut: { afterTokens, how: "reset" } });
}

/** The header in seconds knows no fractions, so a shortened wait takes the one in milliseconds. */
function rateLimitedFor(seconds: number): Reply {
  if (Number.isInteger(seconds)) return rateLimited(seconds);
  return { ...rateLimited(), headers: { "retry-after-ms": String(Math.round(seconds * 1000)) } };
}

function first(call: Call, reply: Reply): Reply {
  return call.nthOfModel === 1 ? reply : canonical();
}
