import { expect, test } from "bun:test";
import { UNKNOWN_STANDING } from "../../../src/core/quota/rank.ts";
import { type Cooldown, type CooldownTarget, targetOf } from "../../../src/core/routing/cooldown.ts";
import { emptyLoad, type Load } from "../../../src/core/routing/limits.ts";
import {
  hasOtherModel,
  hasUntriedLane,
  nextStep,
  type Step,
  type StepInput,
} from "../../../src/core/routing/next-step.ts";
import { laneId, type Pause, startProgress } from "../../../src/core/routing/progress.ts";
import { ownWords } from "../../../src/core/scrub.ts";
import type { VerdictKind } from "../../../src/core/verdict/verdict.ts";
import { keyNamed } from "../../proxy/rig.ts";

const NOW = 1_000_000;
const X = { provider: "a", model: "x" };
const Y = { provider: "a", model: "y" };
const Z = { provider: "b", model: "z" };
const MODELS = { x: X, y: Y, z: Z };
const ONE = keyNamed("a", "one");
const TWO = keyNamed("a", "two");
const SPARE = keyNamed("b", "spare");
const KEYS = { one: ONE, two: TWO, spare: SPARE };

/** `key/model`. */
type LaneName = `${keyof typeof KEYS}/${keyof typeof MODELS}`;

interface Given {
  models?: (keyof typeof MODELS)[];
  /** Cooldowns of lanes, keys or models: kind, seconds since the failure, seconds to its end, "declared". */
  cooling?: Partial<
    Record<LaneName | keyof typeof KEYS | keyof typeof MODELS, [VerdictKind, number, number, "declared"?]>
  >;
  /** Pauses of this request: failures, seconds to their end. */
  paused?: Partial<Record<LaneName, [failures: number, endS: number, kind?: VerdictKind]>>;
  excluded?: LaneName[];
  avoided?: (keyof typeof MODELS)[];
  asked?: LaneName[];
  again?: LaneName;
  probing?: LaneName[];
  busy?: (keyof typeof KEYS)[];
  disabled?: (keyof typeof KEYS)[];
  patienceS?: number;
  spentS?: number;
  hadLastResort?: boolean;
}

function laneOf(name: LaneName): { key: typeof ONE; ref: typeof X } {
  const [key, model] = name.split("/") as [keyof typeof KEYS, keyof typeof MODELS];
  return { key: KEYS[key], ref: MODELS[model] };
}

function partyOf(name: string): CooldownTarget {
  const key = KEYS[name as keyof typeof KEYS];
  if (key !== undefined) return targetOf.key(key);
  const model = MODELS[name as keyof typeof MODELS];
  if (model !== undefined) return targetOf.model(model);
  const lane = laneOf(name as LaneName);
  return targetOf.lane(lane.key.fingerprint, lane.ref);
}

function inputOf(given: Given): StepInput {
  const { models = ["x", "z"], cooling = {}, paused = {}, excluded = [], avoided = [], asked = [] } = given;
  const progress = startProgress(models.map((name) => MODELS[name]));
  for (const [name, [failures, endS, kind = "server-error"]] of Object.entries(paused)) {
    const { key, ref } = laneOf(name as LaneName);
    const isDemoting = kind !== "rate-limit" && kind !== "concurrency";
    const pause: Pause = { kind, failures, untilMs: NOW + endS * 1000, isDemoting };
    progress.pauses.set(laneId(key, ref), pause);
    if (isDemoting) progress.strained.add(`${ref.provider}/${ref.model}`);
  }
  for (const name of excluded) progress.excludedLanes.add(laneId(laneOf(name).key, laneOf(name).ref));
  for (const name of avoided) progress.avoidedModels.add(`${MODELS[name].provider}/${MODELS[name].model}`);
  const isLastResort = given.hadLastResort === true;
  for (const name of asked)
    progress.attempts.push({ ...laneOf(name), startedMs: 0, verdict: undefined, probe: false, isLastResort });
  if (given.again !== undefined) progress.again = laneId(laneOf(given.again).key, laneOf(given.again).ref);
  progress.spentMs = (given.spentS ?? 0) * 1000;
  const cooldowns = Object.entries(cooling).map(
    ([name, [kind, sinceS, endS, declared]]): [string, Cooldown] => {
      const times = { sinceMs: NOW - sinceS * 1000, untilMs: NOW + endS * 1000, failures: 3 };
      const party = partyOf(name);
      return [
        party.id,
        { ...party, kind, status: 0, message: ownWords(""), ...times, isDeclared: declared !== undefined },
      ];
    },
  );
  const loads = (given.busy ?? []).map((name): [string, Load] => [
    KEYS[name].fingerprint,
    { ...emptyLoad(), inFlight: 1 },
  ]);
  const keys = Object.entries(KEYS).map(([name, key]) => ({
    ...key,
    enabled: given.disabled?.includes(name as keyof typeof KEYS) !== true,
  }));
  const byProvider = Map.groupBy(keys, (key) => key.provider);
  return {
    progress,
    keysOf: (provider) => byProvider.get(provider) ?? [],
    limitsOf: () => ({ rpm: undefined, concurrency: 1 }),
    cooldowns: new Map(cooldowns),
    probing: new Map((given.probing ?? []).map((name) => [partyOf(name).id, NOW - 1000] as [string, number])),
    loads: new Map(loads),
    nowMs: NOW,
    // With round-robin the choice among equal keys is fixed: the first one.
    strategy: "round-robin",
    holdMs: 0,
    standingOf: () => UNKNOWN_STANDING,
    contextOf: () => ({ session: undefined, stuckTo: undefined, turn: 0, random: () => 0 }),
    patienceMs: (given.patienceS ?? 0) * 1000,
    maxWaitMs: 90_000,
    queueMs: 300_000,
  };
}

/** `one/x` for an attempt, `wait 5 s for one/x (rate-limit)` for a wait. */
function textOf(step: Step): string {
  switch (step.kind) {
    case "give-up":
      return "give up";
    case "attempt": {
      const how = step.isLastResort ? " as a last resort" : step.probe ? " as a probe" : "";
      return `${step.key.name}/${step.ref.model}${how}`;
    }
    case "wait": {
      const { ref, key, why } = step.waitsFor;
      return `wait ${(step.untilMs - NOW) / 1000} s for ${key.name}/${ref.model} (${why}), ${step.budget}`;
    }
  }
}

test.each<[what: string, given: Given, next: string]>([
  ["the first key of the first model", {}, "one/x"],
  ["another key where the first is excluded", { excluded: ["one/x"] }, "two/x"],
  ["another key where the first is switched off", { disabled: ["one"] }, "two/x"],
  ["another key while the first is paused", { paused: { "one/x": [1, 0.3] } }, "two/x"],
  ["another key though the pause of the first is over", { paused: { "one/x": [1, -5] } }, "two/x"],
  ["the same key again after a limit that is over", { paused: { "one/x": [1, -1, "rate-limit"] } }, "one/x"],
  ["another key while the first cools down", { cooling: { "one/x": ["silent", 1, 24] } }, "two/x"],
  [
    "a key whose cooldown is over, as a probe",
    { cooling: { "one/x": ["silent", 26, -1] } },
    "one/x as a probe",
  ],
  [
    "another key while one is probed",
    { cooling: { "one/x": ["silent", 26, -1] }, probing: ["one/x"] },
    "two/x",
  ],
  ["another key while one has no room", { busy: ["one"] }, "two/x"],
  ["the next model where all keys of the first are excluded", { excluded: ["one/x", "two/x"] }, "spare/z"],
  ["the next model where the first is avoided", { avoided: ["x"] }, "spare/z"],
  ["an avoided model before any wait", { avoided: ["x"], paused: { "spare/z": [1, 1] } }, "one/x"],
  ["the lane that is to be repeated", { again: "two/x", paused: { "two/x": [1, -0.1] } }, "two/x"],
  [
    "a short wait for the lane that is to be repeated",
    { again: "two/x", paused: { "two/x": [1, 0.2] } },
    "wait 0.2 s for two/x (server-error), cooldown",
  ],
  [
    "no repetition of a lane that cools down",
    { again: "two/x", paused: { "two/x": [1, 0.2] }, cooling: { "two/x": ["overloaded", 0, 5, "declared"] } },
    "one/x",
  ],
  [
    "a wait for the model that was asked for",
    { patienceS: 5, cooling: { x: ["rate-limit", 0, 2, "declared"] } },
    "wait 2 s for one/x (rate-limit), patience",
  ],
  [
    "no wait for a model that has failed by itself",
    { patienceS: 5, cooling: { x: ["rate-limit", 0, 2, "declared"] }, paused: { "two/x": [1, 0.3] } },
    "spare/z",
  ],
])("where lanes are free the next step is %s", (_what, given, next) => {
  expect(textOf(nextStep(inputOf(given)))).toBe(next);
});

const ALONE: Given = { models: ["z"] };

test.each<[what: string, given: Given, next: string]>([
  ["nothing where everything is excluded", { ...ALONE, excluded: ["spare/z"] }, "give up"],
  [
    "a wait for the pause of the only lane",
    { ...ALONE, paused: { "spare/z": [3, 1.2] } },
    "wait 1.2 s for spare/z (server-error), cooldown",
  ],
  ["the only lane once its pause is over", { ...ALONE, paused: { "spare/z": [3, 0] } }, "spare/z"],
  [
    "a wait for the first of several pauses",
    { models: ["x"], paused: { "one/x": [3, 4], "two/x": [3, 2] } },
    "wait 2 s for two/x (server-error), cooldown",
  ],
  [
    "of lanes whose pauses are over the one that failed less",
    { models: ["x"], paused: { "one/x": [3, -4], "two/x": [2, -1] } },
    "two/x",
  ],
  [
    "a guessed limit, well before its end",
    { ...ALONE, cooling: { "spare/z": ["rate-limit", 6, 24] } },
    "spare/z as a probe",
  ],
  [
    "a wait until a guess may be asked about",
    { ...ALONE, cooling: { "spare/z": ["rate-limit", 1, 29] } },
    "wait 5 s for spare/z (rate-limit), cooldown",
  ],
  [
    "a wait to the end where the provider has named it",
    { ...ALONE, cooling: { "spare/z": ["rate-limit", 6, 24, "declared"] } },
    "wait 24 s for spare/z (rate-limit), cooldown",
  ],
  [
    "a wait for a used-up quota that is back in a moment",
    { ...ALONE, cooling: { spare: ["quota", 6, 60, "declared"] } },
    "wait 60 s for spare/z (quota), cooldown",
  ],
  [
    "nothing for one that is not",
    { ...ALONE, cooling: { spare: ["quota", 6, 3600, "declared"] } },
    "give up",
  ],
  ["nothing for a key that was refused", { ...ALONE, cooling: { spare: ["auth", 6, 3600] } }, "give up"],
  [
    "a plan that was missing a minute ago, once: it may have been bought since",
    { ...ALONE, cooling: { "spare/z": ["subscription", 60, 17_000] } },
    "spare/z as a last resort",
  ],
  [
    "nothing for a plan that was missing just now",
    { ...ALONE, cooling: { "spare/z": ["subscription", 59, 17_000] } },
    "give up",
  ],
  [
    "a limit of an hour once, where this request has not heard it",
    { ...ALONE, cooling: { "spare/z": ["rate-limit", 6, 3600, "declared"] } },
    "spare/z as a last resort",
  ],
  [
    "and not again",
    { ...ALONE, asked: ["spare/z"], cooling: { "spare/z": ["rate-limit", 0, 3600, "declared"] } },
    "give up",
  ],
  [
    "nor another one then",
    {
      models: ["x"],
      asked: ["one/x"],
      hadLastResort: true,
      excluded: ["one/x"],
      cooling: { "two/x": ["rate-limit", 0, 3600, "declared"] },
    },
    "give up",
  ],
  [
    "a wait while another request finds out",
    { ...ALONE, cooling: { "spare/z": ["silent", 30, -5] }, probing: ["spare/z"] },
    "wait 9 s for spare/z (silent), cooldown",
  ],
  ["a wait in our own queue", { ...ALONE, busy: ["spare"] }, "wait 300 s for spare/z (busy), queue"],
  ["the last try when the time is up", { ...ALONE, spentS: 90, paused: { "spare/z": [12, 0] } }, "spare/z"],
  ["nothing later than that", { ...ALONE, spentS: 92, paused: { "spare/z": [12, 0] } }, "give up"],
  [
    "no wait beyond the time that is left",
    { ...ALONE, spentS: 88, asked: ["spare/z"], cooling: { "spare/z": ["rate-limit", 6, 3, "declared"] } },
    "give up",
  ],
  [
    "a lane even then that only failures of others hold",
    { models: ["x"], spentS: 500, paused: { "one/x": [12, -1] }, cooling: { x: ["silent", 3, 22] } },
    "two/x as a probe",
  ],
  [
    "one with a cooldown of its own as a last resort only",
    { models: ["x"], spentS: 500, paused: { "one/x": [12, -1] }, cooling: { "two/x": ["silent", 9, 16] } },
    "two/x as a last resort",
  ],
  ["a free lane even then", { models: ["x"], spentS: 500, paused: { "one/x": [12, -1] } }, "two/x"],
])("where no lane is free the next step is %s", (_what, given, next) => {
  expect(textOf(nextStep(inputOf(given)))).toBe(next);
});

test.each<[what: string, given: Given, isThere: boolean]>([
  ["another key of the model", {}, true],
  ["a key of another model", { excluded: ["two/x"] }, true],
  ["no other lane", { models: ["x"], excluded: ["two/x"] }, false],
  [
    "a lane that has failed this request, however long ago",
    { models: ["x"], paused: { "two/x": [1, -60] } },
    false,
  ],
  ["a lane that cools down", { models: ["x"], cooling: { "two/x": ["rate-limit", 20, 10] } }, false],
  [
    "a lane of a model that others were silent on",
    { models: ["x"], cooling: { x: ["silent", 2, 23] } },
    true,
  ],
  ["a lane without room", { models: ["x"], busy: ["two"] }, false],
])("a silent call is left for a lane that has not failed: %s", (_what, given, isThere) => {
  expect(hasUntriedLane(ONE, X, inputOf(given))).toBe(isThere);
});

test.each<[what: string, given: Given, isThere: boolean]>([
  ["one with a free lane", {}, true],
  ["none in the chain", { models: ["x"] }, false],
  ["one whose only lane is excluded", { excluded: ["spare/z"] }, false],
  ["one whose only key was refused", { cooling: { spare: ["auth", 5, 3600] } }, false],
  ["one whose only key is switched off", { disabled: ["spare"] }, false],
  ["one that is limited for a moment", { cooling: { "spare/z": ["rate-limit", 5, 30] } }, true],
])("another model counts only if it could answer: %s", (_what, given, isThere) => {
  expect(hasOtherModel(X, inputOf(given))).toBe(isThere);
});
