import type { Problem } from "../core/problem.ts";
import type { StateStore } from "../state/state-store.ts";
import { openState } from "../state/store.ts";
import type { World } from "./world.ts";

/** Opens the state of this user for a command; where there is no file yet, it is made. */
export function openOwnState(
  { paths, settings, keys }: Pick<World, "paths" | "settings" | "keys">,
  onTrouble: (problem: Problem) => void,
): StateStore {
  const { ledgerDays, ledgerRows } = settings.state;
  const secrets = keys.map((key) => key.secret);
  return openState({ file: paths.stateDb, ledgerDays, ledgerRows, secrets, onTrouble });
}
