import { talk } from "../../../cli/talk.ts";
import { type Key, keyTitle } from "../../../core/key.ts";
import { restId } from "../../../core/routing/rest.ts";
import { openExistingState } from "../../open-existing-state.ts";
import type { World } from "../../world.ts";

/** Tells of keys that have just been let in, and that no request would use, since they once were not. */
export async function tellLeftAlone(world: World, keys: readonly Key[]): Promise<void> {
  // A file that cannot be read is `doctor`'s to tell of.
  const store = await openExistingState(world, () => {});
  const nowMs = Date.now();
  const refused = new Set(
    (store?.rests() ?? []).flatMap(({ id, kind, untilMs }) =>
      kind === "auth" && untilMs > nowMs ? [id] : [],
    ),
  );
  store?.close();
  for (const key of keys) {
    if (!refused.has(restId.key(key.fingerprint))) continue;
    const title = keyTitle(key);
    talk.info(
      `${title} works, but it is left alone because it was refused before. To use it: orouter keys reset ${title}`,
    );
  }
}
