import { keyReadiness, lastingRests } from "../../../core/routing/readiness.ts";
import { readinessText } from "../../../core/routing/readiness-text.ts";
import type { Rest } from "../../../core/routing/rest.ts";
import { restParty } from "../../../core/routing/rest-party.ts";
import { openExistingState } from "../../open-existing-state.ts";
import { readAgain, type World } from "../../world.ts";
import { type ListedKey, listKeys } from "../listed-key.ts";

/** A key as the menu shows it. */
export interface KeyState {
  key: ListedKey;
  /** `ready`, `rests until 14:05: rate limit`, `disabled`, … */
  words: string;
  /** The rests of single models with this key, the first to end in front. */
  lanes: readonly { model: string; rest: Rest }[];
}

/** How things are now; the files are read again. */
export interface KeysNow {
  world: World;
  states: readonly KeyState[];
}

/** Reads files and state; keys of one provider stand together. */
export async function keysNow(before: Pick<World, "env">): Promise<KeysNow> {
  const world = await readAgain(before);
  // What is wrong with the state is said where it is changed; without it every key is thought to be ready.
  const store = await openExistingState(world, () => {});
  const nowMs = Date.now();
  const lasting = lastingRests(store?.rests() ?? [], nowMs);
  store?.close();
  const states = listKeys(world).map((key): KeyState => {
    const own = [...lasting.values()].flatMap((rest) => {
      const { fingerprint, model } = restParty(rest);
      return fingerprint !== undefined && fingerprint === key.fingerprint && model !== undefined
        ? [{ model, rest }]
        : [];
    });
    const lanes = own
      .filter(({ model }) => model.startsWith(`${key.provider}/`))
      .toSorted((a, b) => a.rest.untilMs - b.rest.untilMs);
    return { key, words: wordsOf(readinessText(keyReadiness(key, lasting), nowMs), lanes.length), lanes };
  });
  const byProvider = Map.groupBy(states, ({ key }) => key.provider);
  return { world, states: [...byProvider.values()].flat() };
}

function wordsOf(readiness: string, lanes: number): string {
  if (lanes === 0) return readiness;
  return `${readiness}, ${lanes} ${lanes === 1 ? "model rests" : "models rest"}`;
}
