import * as v from "valibot";
import { parseJson } from "../../core/json.ts";
import type { SharedRun } from "../store.ts";
import type { EntryChange } from "./shared-entries.ts";

/** A run that has not been heard of for so long has ended, or its machine is cut off. */
export const RUN_KEPT_MS = 15_000;

const RUN = v.object({
  id: v.string(),
  machine: v.string(),
  what: v.string(),
  inFlight: v.number(),
  waiting: v.number(),
  /** How long it has been running. */
  forMs: v.number(),
});

export function runEntry({ sinceMs, ...run }: SharedRun, nowMs: number): EntryChange {
  const shared: v.InferInput<typeof RUN> = { ...run, forMs: nowMs - sinceMs };
  return { id: run.id, ageMs: 0, keptMs: RUN_KEPT_MS, text: JSON.stringify(shared) };
}

/** Undefined for what another version has written. */
export function runIn(text: string, nowMs: number): SharedRun | undefined {
  const parsed = v.safeParse(RUN, parseJson(text));
  if (!parsed.success) return undefined;
  const { forMs, ...run } = parsed.output;
  return { ...run, sinceMs: nowMs - forMs };
}
