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

/** A key that the scripted upstream knows. Its secret opens nothing else. */
export interface SceneKey {
  name: string;
  secret: string;
}

/** One scripted provider: who may ask, for what, and what each call is told. */
export interface Scene {
  name: string;
  title: string;
  /** One or two sentences for the person who picks it. */
  about: string;
  /** What shows that it works, as the rest of a sentence; for those who watch it played. */
  lookFor?: string;
  /** Any other key is refused with a 401; with none listed every key is good. */
  keys: SceneKey[];
  /** In the order a chain should have them. Any other is a 404; with none listed every model is there. */
  models: string[];
  /** Which models stand behind each other, by the name of the chain; all of them in one where this is left out. */
  chains?: Record<string, readonly string[]>;
  /** How patient a router should be, where its usual minute would bore a person watching. */
  timeouts?: { firstTokenMs: number; stallMs: number };
  reply: (call: Call) => Reply;
}

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

/** Made-up secrets: they open nothing but the scripted upstream. */
const KEYS: SceneKey[] = ["work", "home", "spare"].map((name) => ({ name, secret: `scripted-${name}` }));

const BIG = "gpt-oss:120b";
const SMALL = "gemma4:31b";
const PREMIUM = "glm-5.2";

// What breaks goes by the order in which keys turn up, not by their names: a router is free to begin with any
// key, and a person who watches should see it turn from key to key in every run.

const rotation: Scene = {
  name: "rotation",
  title: "Two keys fail, the third answers",
  about: "The first key tried is refused for good, the second has used up its week, the third answers.",
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

/** The same words from either model, so that a broken answer can be continued by the other. */
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
  about: "No key can answer on any model, each for its own reason: the report at the end says why.",
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
  about: "Every second answer breaks off in the middle; the next try says the same words from the start.",
  lookFor: "a whole answer, in which you cannot tell where the first try ended.",
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

/** Every scene by name, the first of them the one to begin with. */
export const SCENES: readonly Scene[] = [rotation, plan, stall, exhausted, broken, limits, failoverScene()];

/** The scene with this name. */
export function findScene(name: string): Scene | undefined {
  return SCENES.find((scene) => scene.name === name);
}

/** The first key to ask for a model gets the first refusal, the next the second; after them keys are good. */
function inKeyOrder(call: Call, refusals: Reply[]): Reply {
  return refusals[call.keyNumber - 1] ?? hello(call);
}
