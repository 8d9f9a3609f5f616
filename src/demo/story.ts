import { type Cooldown, cooldownParty, NEVER_MS } from "../core/routing/cooldown.ts";
import type { AttemptRecord, RequestRecord, RouterEvent } from "../core/routing/events.ts";
import { formatWait } from "../core/text.ts";
import { verdictWords } from "../core/verdict/verdict.ts";
import type { Asked, Call, Failure, Standing } from "./call.ts";
import { outcomeOf, type Reply } from "./reply.ts";
import type { SceneKey } from "./scenes.ts";

/** For example `key work · gpt-oss:120b · 401 unauthorized`. Contains no secret. */
export function storyLine(call: Call, reply: Reply): string {
  const who = call.dialect === undefined ? `${call.method} ${call.path}` : `key ${call.keyName || "unknown"}`;
  const parts = [who, call.model, outcomeOf(reply).what, call.isTitle ? "for the session's title" : ""];
  return parts.filter((part) => part !== "").join(" · ");
}

/** An answer could not sensibly list more. */
const FAILURES_KEPT = 20;

/** Counts the requests of a run, so that scripts can depend on "the first", "the second", "while another is open". */
export interface Tally {
  arrive: (asked: Asked) => Call;
  note: (call: Call, reply: Reply) => void;
  leave: (call: Call) => void;
}

export function createTally(keys: SceneKey[]): Tally {
  const counts = new Map<string, number>();
  const keysOfModel = new Map<string, string[]>();
  const firstAtMs = new Map<string, number>();
  let failures: Failure[] = [];

  const add = (by: number, ...name: (string | boolean)[]) => {
    const id = JSON.stringify(name);
    const count = (counts.get(id) ?? 0) + by;
    counts.set(id, count);
    return count;
  };
  const standing = ({ key, model, isTitle, atMs }: Asked): Standing => {
    const order = entry(keysOfModel, model, []);
    if (!order.includes(key)) order.push(key);
    return {
      keyName: nameOf(keys, key),
      nth: add(1, "key and model", isTitle, key, model),
      nthOfModel: add(1, "model", isTitle, model),
      nthOfAll: add(1, "all", isTitle),
      keyNumber: order.indexOf(key) + 1,
      inFlight: add(1, "in flight", key),
      sinceFirstMs: atMs - entry(firstAtMs, model, atMs),
      failures,
    };
  };

  return {
    arrive: (asked) => ({
      ...asked,
      ...(asked.dialect === undefined ? uncounted(keys, asked, failures) : standing(asked)),
    }),
    note: (call, reply) => {
      if (call.dialect === undefined) return;
      const { isWhole, what } = outcomeOf(reply);
      // The title request often meets the bad keys first; only an answer to the prompt ends the list of failures.
      if (call.isTitle && isWhole) return;
      const failure = { keyName: call.keyName, model: call.model, what };
      // A new array, since earlier requests keep theirs.
      failures = isWhole ? [] : [...failures, failure].slice(-FAILURES_KEPT);
    },
    leave: (call) => {
      if (call.dialect !== undefined) add(-1, "in flight", call.key);
    },
  };
}

function uncounted(keys: SceneKey[], asked: Asked, failures: Failure[]): Standing {
  const none = { nth: 0, nthOfModel: 0, nthOfAll: 0, keyNumber: 0, inFlight: 0, sinceFirstMs: 0 };
  return { keyName: nameOf(keys, asked.key), ...none, failures };
}

function nameOf(keys: SceneKey[], secret: string): string {
  return keys.find((key) => key.secret === secret)?.name ?? "";
}

function entry<V>(map: Map<string, V>, name: string, first: V): V {
  const value = map.get(name) ?? first;
  map.set(name, value);
  return value;
}

/** Undefined if the event adds nothing to the story. */
export function routerLine(event: RouterEvent, nowMs: number): string | undefined {
  switch (event.kind) {
    case "cooldown-started":
      return event.cooldown.untilMs > nowMs ? cooldownLine(event.cooldown, event.keyName, nowMs) : undefined;
    case "exhausted":
      return "no key or model is left: opencode gets one report";
    case "finished":
      return endLine(event.record);
    // Printed at the end of a request, after its attempts.
    case "waiting":
    case "wait-ended":
    case "writing-call":
    case "rotated":
    case "fell-back":
    case "cleared":
    case "key-changed":
    case "settings-taken":
    case "models-changed":
    case "quota-read":
    case "quota-warning":
    case "settings-refused":
      return undefined;
  }
}

function cooldownLine(cooldown: Cooldown, keyName: string, nowMs: number): string {
  const { fingerprint, model, provider } = cooldownParty(cooldown);
  const key = fingerprint === undefined ? undefined : `key ${keyName}`;
  const who = key ?? (model === undefined ? `all of ${provider}` : modelOf(model));
  const onWhat = key === undefined || model === undefined ? "" : ` on ${modelOf(model)}`;
  const howLong =
    cooldown.untilMs >= NEVER_MS ? "until it changes" : `for ${formatWait(cooldown.untilMs - nowMs)}`;
  return `${who} cools down ${howLong}${onWhat}: ${verdictWords(cooldown.kind)}`;
}

function endLine({ outcome, served, keyName, attempts }: RequestRecord): string | undefined {
  switch (outcome) {
    case "served":
      return `answered by ${modelOf(served ?? "")} with key ${keyName}${hopsText(attempts)}`;
    case "broken":
      return "the answer broke off: opencode will retry";
    case "passed-error":
      return "opencode gets the provider's own error";
    case "client-gone":
      return "opencode went away before the answer was over";
    case "exhausted":
      return undefined;
  }
}

function hopsText(attempts: readonly AttemptRecord[]): string {
  return attempts.length < 2 ? "" : `, on attempt ${attempts.length}`;
}

/** A demo has one provider, so its name before every model would be noise. */
function modelOf(model: string): string {
  return model.slice(model.indexOf("/") + 1);
}
