import type { ControlAnswer } from "../core/routing/control-state.ts";
import type { Router } from "./router.ts";

/** Remembers who gave the last answer. */
export function lastAnswer(router: Router): () => ControlAnswer | undefined {
  let last: ControlAnswer | undefined;
  router.subscribe((event) => {
    if (event.kind !== "finished") return;
    const { atMs, durationMs, served, keyName } = event.record;
    if (served !== undefined && keyName !== undefined)
      last = { atMs: atMs + durationMs, model: served, key: keyName };
  });
  return () => last;
}
