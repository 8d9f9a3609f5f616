import { existsSync } from "node:fs";
import type { Problem } from "../core/problem.ts";
import type { StateStore } from "../state/state-store.ts";
import type { World } from "./world.ts";

/** Opens the state file for one who only looks: where there is none yet, none is made. */
export async function openExistingState(
  world: Pick<World, "paths" | "settings" | "keys">,
  onTrouble: (problem: Problem) => void,
): Promise<StateStore | undefined> {
  if (!existsSync(world.paths.stateDb)) return undefined;
  const { openOwnState } = await import("./open-own-state.ts");
  return openOwnState(world, onTrouble);
}
