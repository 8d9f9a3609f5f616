import { notFromLater, type Rest } from "../core/routing/rest.ts";
import type { Router } from "../proxy/router.ts";
import type { StateStore } from "../state/state-store.ts";

/**
 * Joins a router and the store: each learns what the other knows, from now on and from before. Returns the way to part
 * them; the store stays open.
 */
export function attachState(router: Router, store: StateStore): () => void {
  // The store is opened after the first requests may have come: what is younger holds, on both sides.
  const known = new Map(router.health);
  const stored = new Map<string, Rest>();
  for (const rest of store.rests()) {
    const mended = notFromLater(rest, router.chance.nowMs());
    stored.set(rest.id, mended);
    // Else every start would begin it anew, for as long as the clock is behind.
    if (mended !== rest) store.note({ kind: "rested", rest: mended, keyName: "" });
  }
  const ageOf = (rests: typeof known, id: string): number => rests.get(id)?.sinceMs ?? -1;
  router.learn(
    [...stored.values()].filter((rest) => rest.sinceMs > ageOf(known, rest.id)),
    [],
  );
  for (const rest of known.values()) {
    if (rest.sinceMs > ageOf(stored, rest.id)) store.note({ kind: "rested", rest, keyName: "" });
  }
  const unsubscribe = router.subscribe((event) => store.note(event));
  const unwatch = store.watch(({ rests, cleared }) => router.learn(rests, cleared));
  return () => {
    unsubscribe();
    unwatch();
  };
}
