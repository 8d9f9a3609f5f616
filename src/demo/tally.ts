import type { Asked, Call, Failure, Standing } from "./call.ts";
import { outcomeOf } from "./outcome.ts";
import type { Reply } from "./reply.ts";
import type { SceneKey } from "./scene.ts";

/** As many failures as an answer could sensibly tell of. */
const FAILURES_KEPT = 20;

/** Counts the calls of one run, so that scripts can say "the first", "the second", "while another is open". */
export interface Tally {
  arrive: (asked: Asked) => Call;
  /** Remembers what a call was told. */
  note: (call: Call, reply: Reply) => void;
  leave: (call: Call) => void;
}

/** Starts counting from nothing. */
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
      // The request for a title often meets the bad keys first; only an answer to the prompt closes the story.
      if (call.isTitle && isWhole) return;
      const failure = { keyName: call.keyName, model: call.model, what };
      // A new list each time: calls keep the one they were given.
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
