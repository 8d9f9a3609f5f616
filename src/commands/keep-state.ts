import type { Paths } from "../config/paths.ts";
import type { Key } from "../core/key.ts";
import type { Problem } from "../core/problem.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { Router } from "../proxy/router.ts";

export interface KeepStateOptions {
  paths: Pick<Paths, "stateDb">;
  settings: Settings;
  keys: readonly Key[];
  router: Router;
  /** Told once for each kind of trouble; requests go on without the disk. */
  onTrouble: (problem: Problem) => void;
}

/**
 * Joins the router to what all orouters of this user know. Called when opencode has been started: it takes opencode a
 * second or more to ask for anything, and by then the rests of other runs are known here.
 */
export async function keepState(options: KeepStateOptions): Promise<() => void> {
  const { settings, keys, router, onTrouble } = options;
  const [{ openState }, { attachState }] = await Promise.all([
    import("../state/store.ts"),
    import("./attach-state.ts"),
  ]);
  const store = openState({
    file: options.paths.stateDb,
    ledgerDays: settings.state.ledgerDays,
    ledgerRows: settings.state.ledgerRows,
    secrets: keys.map((key) => key.secret),
    onTrouble,
  });
  const detach = attachState(router, store);
  return () => {
    detach();
    store.close();
  };
}
