import type { Paths } from "../config/paths.ts";
import type { Key } from "../core/key.ts";
import type { Problem } from "../core/problem.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { Router } from "../proxy/router.ts";
import type { StateStore } from "../state/state-store.ts";

export interface KeepStateOptions {
  paths: Pick<Paths, "stateDb">;
  settings: Settings;
  keys: readonly Key[];
  router: Router;
  /** Given the state as soon as it is open. */
  onOpen?: (store: StateStore) => void;
  /** Told once for each kind of trouble; requests go on without the disk. */
  onTrouble: (problem: Problem) => void;
}

/**
 * Joins the router to what all orouters of this user know. Called when opencode has been started: it takes opencode a
 * second or more to ask for anything, and by then the rests of other runs are known here.
 */
export async function keepState(options: KeepStateOptions): Promise<() => void> {
  const { settings, keys, router, onTrouble } = options;
  const secrets = new Set(keys.map((key) => key.secret));
  // What was a key of ours stays secret; those that come while we run are so from their first request on.
  const unsubscribe = router.subscribe((event) => {
    if (event.kind === "settings-taken") for (const key of router.terms.keys) secrets.add(key.secret);
  });
  const [{ openState }, { attachState }] = await Promise.all([
    import("../state/store.ts"),
    import("./attach-state.ts"),
  ]);
  const store = openState({
    file: options.paths.stateDb,
    ledgerDays: settings.state.ledgerDays,
    ledgerRows: settings.state.ledgerRows,
    get secrets() {
      return [...secrets];
    },
    onTrouble,
  });
  const detach = attachState(router, store);
  options.onOpen?.(store);
  return () => {
    unsubscribe();
    detach();
    store.close();
  };
}
