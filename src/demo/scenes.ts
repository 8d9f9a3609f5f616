import { CANONICAL_TEXT, type Call } from "./call.ts";
import {
  type Answer,
  answer,
  contentPolicy,
  contextOverflow,
  hello,
  internalError,
  notInFreeUsage,
  overloaded,
  prefillRefused,
  type Reply,
  rateLimited,
  subscriptionRequired,
  tooManyConcurrent,
  unauthorized,
  usageLimit,
} from "./reply.ts";

/** The secret is made up and opens nothing else. */
export interface SceneKey {
  name: string;
  secret: string;
}

export interface Scene {
  name: string;
  title: string;
  /** One or two sentences for the list of scenes. */
  about: string;
  /** What shows that it works, as the end of a sentence. */
  lookFor?: string;
  /** Any other key is rejected with a 401; if the list is empty, every key is accepted. */
  keys: SceneKey[];
  /** In the order of the chain. Any other model is a 404; if the list is empty, every model exists. */
  models: string[];
  /** Models by the name of their chain; by default one chain with all of them. */
  chains?: Record<string, readonly string[]>;
  /** Shorter than the usual minute, which would bore a viewer. */
  timeouts?: { firstTokenMs: number; stallMs: number };
  reply: (call: Call) => Reply;
}

/** One fault of a primary model; its fallback gives the canonical answer unless it says otherwise. */
export interface Scenario {
  id: string;
  fault: string;
  /** `timeScale` shortens every wait; 1 is real time. */
  primary: (call: Call, timeScale: number) => Reply;
  fallback?: (call: Call) => Reply;
}

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
    fault: "cut after 40 tokens, and a fallback that accepts no prefill",
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

/** All scenarios at once: `s01-primary` fails in the first way, `s01-fallback` is its fallback, and so on. */
export function failoverScene({ timeScale = 1 }: { timeScale?: number } = {}): Scene {
  const scripts = new Map<string, (call: Call) => Reply>();
  for (const { id, primary, fallback } of SCENARIOS) {
    scripts.set(`${id}-primary`, (call) => primary(call, timeScale));
    scripts.set(`${id}-fallback`, fallback ?? (() => canonical()));
  }
  return {
    name: "failover",
    title: "Sixteen ways to fail",
    about: "The first model of each chain, s01 to s16, fails in its own way; the second one answers.",
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

/** The header in seconds has no fractions, so a shortened wait uses the one in milliseconds. */
function rateLimitedFor(seconds: number): Reply {
  if (Number.isInteger(seconds)) return rateLimited(seconds);
  return { ...rateLimited(), headers: { "retry-after-ms": String(Math.round(seconds * 1000)) } };
}

function first(call: Call, reply: Reply): Reply {
  return call.nthOfModel === 1 ? reply : canonical();
}

/** Made-up secrets that only the scripted upstream accepts. */
const KEYS: SceneKey[] = ["work", "home", "spare"].map((name) => ({ name, secret: `scripted-${name}` }));

const BIG = "gpt-oss:120b";
const SMALL = "gemma4:31b";
const PREMIUM = "glm-5.2";

// Failures follow the order in which keys arrive, not their names: a router may begin with any key, and every run
// should show it switch keys.

const rotation: Scene = {
  name: "rotation",
  title: "Two keys fail, the third answers",
  about: "The first key is rejected, the second has reached its weekly limit, the third answers.",
  lookFor: "an answer without an error, which itself tells of the keys that failed before it.",
  keys: KEYS,
  models: [BIG],
  reply: (call) => inKeyOrder(call, [unauthorized(), usageLimit("weekly")]),
};

const plan: Scene = {
  name: "plan",
  title: "A model that two keys have no plan for",
  about: `Only the last key tried may use ${PREMIUM}; every key may use ${BIG}, so none may be given up.`,
  lookFor: `an answer of ${PREMIUM}: two keys rest for that model, and for no other.`,
  keys: KEYS,
  models: [PREMIUM, BIG],
  reply: (call) =>
    call.model === PREMIUM ? inKeyOrder(call, [subscriptionRequired(), notInFreeUsage()]) : hello(call),
};

/** The same text from both models, so that one can continue the broken answer of the other. */
const STEADY_TEXT =
  "Hello! You are reading one answer that two models had to give: the first of them went away, and the second " +
  "took over with the same words. If you did not notice where, everything worked as it should.";

const stall: Scene = {
  name: "stall",
  title: "A model that goes silent",
  about: `${BIG} is silent from the start, then halfway through its answers; ${SMALL} answers in its place.`,
  lookFor:
    "a wait of three seconds, then a whole answer; half a minute later an answer is carried on in its middle.",
  keys: KEYS,
  models: [BIG, SMALL],
  timeouts: { firstTokenMs: 3_000, stallMs: 3_000 },
  reply: (call) => {
    if (call.model === SMALL) return answer(call, STEADY_TEXT);
    if (call.nthOfModel === 1) return { kind: "hang" };
    return answer(call, STEADY_TEXT, { cut: { afterTokens: 14, how: "stall" } });
  },
};

const exhausted: Scene = {
  name: "exhausted",
  title: "Every key fails",
  about: "Every key fails on every model; the report at the end lists the reasons.",
  lookFor: "one error in opencode, shown once, and the report when it has ended.",
  keys: KEYS,
  models: [PREMIUM, BIG],
  reply: (call) => {
    if (call.keyName === "work") return unauthorized();
    return call.model === PREMIUM ? subscriptionRequired() : usageLimit("weekly");
  },
};

const broken: Scene = {
  name: "broken",
  title: "An answer that breaks off",
  about:
    "Every second answer breaks off in the middle; the next attempt repeats the same words from the start.",
  lookFor: "a complete answer that does not show where the first attempt ended.",
  keys: KEYS,
  models: [BIG, SMALL],
  reply: (call) =>
    answer(call, STEADY_TEXT, call.nthOfAll % 2 === 1 ? { cut: { afterTokens: 14, how: "reset" } } : {}),
};

const limits: Scene = {
  name: "limits",
  title: "Too fast for the plan",
  about: "Each key answers one call at a time and asks for two seconds of patience before its first.",
  lookFor: "an answer after a wait of a few seconds, without an error.",
  keys: KEYS.slice(0, 2),
  models: [BIG],
  reply: (call) => {
    if (call.inFlight > 1) return tooManyConcurrent();
    return call.nth === 1 ? rateLimited(2) : hello(call);
  },
};

/** The first scene is the default. */
export const SCENES: readonly Scene[] = [rotation, plan, stall, exhausted, broken, limits, failoverScene()];

export function findScene(name: string): Scene | undefined {
  return SCENES.find((scene) => scene.name === name);
}

/** The first key to request a model gets the first refusal, the next the second; later keys work. */
function inKeyOrder(call: Call, refusals: Reply[]): Reply {
  return refusals[call.keyNumber - 1] ?? hello(call);
}
