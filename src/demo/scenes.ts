import type { Call } from "./call.ts";
import { failoverScene } from "./failover.ts";
import {
  answer,
  hello,
  notInFreeUsage,
  rateLimited,
  subscriptionRequired,
  tooManyConcurrent,
  unauthorized,
  usageLimit,
} from "./replies.ts";
import type { Reply } from "./reply.ts";
import type { Scene, SceneKey } from "./scene.ts";

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
