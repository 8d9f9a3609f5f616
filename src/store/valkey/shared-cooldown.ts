import * as v from "valibot";
import { parseJson } from "../../core/json.ts";
import { type Cooldown, NEVER_MS } from "../../core/routing/cooldown.ts";
import { providerWords } from "../../core/scrub.ts";
import { VERDICT_KINDS } from "../../core/verdict/verdict.ts";
import { type CooldownChange, FAILURES_KEPT_MS } from "../store.ts";
import type { EntryChange } from "./shared-entries.ts";

/** A cleared cooldown stays until every process has learned of it. */
const CLEARED_KEPT_MS = 24 * 60 * 60_000;

/** A dead key is remembered this long on the server. */
const DEAD_KEPT_MS = 90 * 24 * 60 * 60_000;

/** A cooldown without a time of day: the clocks of two machines differ, so its length and its age are what counts. */
const SHARED = v.object({
  id: v.string(),
  scope: v.picklist(["lane", "key", "model", "provider"]),
  provider: v.string(),
  fingerprint: v.optional(v.string()),
  model: v.optional(v.string()),
  kind: v.picklist(VERDICT_KINDS),
  status: v.number(),
  message: v.string(),
  failures: v.number(),
  isDeclared: v.boolean(),
  /** 0: only counted failures; null: for ever. */
  lastsMs: v.nullable(v.number()),
});

/** The cooldown in an entry. One of a kind that this version does not know is not held against anyone. */
export function cooldownIn(text: string, sinceMs: number): Cooldown | undefined {
  const parsed = v.safeParse(SHARED, parseJson(text));
  if (!parsed.success) return undefined;
  const { lastsMs, fingerprint, model, ...same } = parsed.output;
  const untilMs = lastsMs === null ? NEVER_MS : lastsMs === 0 ? 0 : sinceMs + lastsMs;
  return { ...same, message: providerWords(same.message, []), fingerprint, model, sinceMs, untilMs };
}

/** A change as the server keeps it. */
export function entryOf(change: CooldownChange, nowMs: number): EntryChange {
  const ageMs = Math.max(0, nowMs - change.atMs);
  if (change.kind === "cleared") return { id: change.id, ageMs, keptMs: CLEARED_KEPT_MS, text: undefined };
  const { untilMs, sinceMs, ...same } = change.cooldown;
  const lastsMs = untilMs === NEVER_MS ? null : untilMs === 0 ? 0 : untilMs - sinceMs;
  const leftMs = Math.min(Math.max(untilMs - nowMs, 0), DEAD_KEPT_MS);
  const shared: v.InferInput<typeof SHARED> = { ...same, lastsMs };
  return { id: change.id, ageMs, keptMs: leftMs + FAILURES_KEPT_MS, text: JSON.stringify(shared) };
}
