import type { Key } from "../key.ts";
import type { ModelRef } from "../model-ref.ts";
import { formatClock } from "../text.ts";
import { type VerdictKind, verdictWords } from "../verdict/verdict.ts";
import { type Cooldown, cooldownId, NEVER_MS } from "./cooldown.ts";
import { cooldownsOn } from "./lane.ts";

export type Readiness =
  | { kind: "ready" }
  | { kind: "cooling-down"; cooldown: Cooldown }
  /** Until the key itself changes. */
  | { kind: "dead"; cooldown: Cooldown }
  | { kind: "disabled" }
  | { kind: "no-secret" }
  | { kind: "no-key" };

/** The active cooldowns, by id. After its end a party counts as ready until its next use. */
export function lastingCooldowns(cooldowns: Iterable<Cooldown>, nowMs: number): Map<string, Cooldown> {
  return new Map(
    [...cooldowns].filter((cooldown) => cooldown.untilMs > nowMs).map((cooldown) => [cooldown.id, cooldown]),
  );
}

/** Considers cooldowns of the key and its provider, not those of single models. */
export function keyReadiness(
  key: { provider: string; fingerprint: string | undefined; enabled: boolean },
  lasting: ReadonlyMap<string, Cooldown>,
): Readiness {
  if (!key.enabled) return { kind: "disabled" };
  if (key.fingerprint === undefined) return { kind: "no-secret" };
  const ids = [
    cooldownId.key(key.fingerprint),
    cooldownId.provider(key.provider),
    cooldownId.quota(key.provider, key.fingerprint, "all"),
    cooldownId.budget(key.provider, key.fingerprint),
  ];
  return readinessUnder(longest(ids.flatMap((id) => lasting.get(id) ?? [])));
}

export interface ModelReadiness {
  readiness: Readiness;
  keys: number;
  ready: number;
}

export function modelReadiness(
  ref: ModelRef,
  keys: readonly Key[],
  lasting: ReadonlyMap<string, Cooldown>,
): ModelReadiness {
  const usable = keys.filter((key) => key.enabled && key.provider === ref.provider);
  const cooldowns = usable.flatMap((key) => longest(cooldownsOn(key, ref, lasting)) ?? []);
  const ready = usable.length - cooldowns.length;
  const counts = { keys: usable.length, ready };
  if (usable.length === 0) return { readiness: { kind: "no-key" }, ...counts };
  if (ready > 0) return { readiness: { kind: "ready" }, ...counts };
  // Report the lane that is free first.
  const [first] = cooldowns.toSorted((a, b) => a.untilMs - b.untilMs);
  return { readiness: readinessUnder(first), ...counts };
}

function readinessUnder(cooldown: Cooldown | undefined): Readiness {
  if (cooldown === undefined) return { kind: "ready" };
  return { kind: cooldown.untilMs >= NEVER_MS ? "dead" : "cooling-down", cooldown };
}

function longest(cooldowns: readonly Cooldown[]): Cooldown | undefined {
  return cooldowns.toSorted((a, b) => b.untilMs - a.untilMs)[0];
}

/** `untilMs` and `why` are null without a cooldown. */
export interface ReadinessJson {
  state: Readiness["kind"];
  untilMs: number | null;
  why: VerdictKind | null;
}

export function readinessJson(readiness: Readiness): ReadinessJson {
  const cooldown = "cooldown" in readiness ? readiness.cooldown : undefined;
  return {
    state: readiness.kind,
    untilMs: cooldown === undefined ? null : cooldownEnd(cooldown),
    why: cooldown?.kind ?? null,
  };
}

/** JSON has no "never". */
export function cooldownEnd(cooldown: Cooldown): number | null {
  return cooldown.untilMs >= NEVER_MS ? null : cooldown.untilMs;
}

export function readinessText(readiness: Readiness, nowMs: number): string {
  switch (readiness.kind) {
    case "ready":
      return "ready";
    case "cooling-down":
      return `cooling down until ${formatClock(readiness.cooldown.untilMs, nowMs)}: ${verdictWords(readiness.cooldown.kind)}`;
    case "dead":
      return `dead: ${verdictWords(readiness.cooldown.kind)}`;
    case "disabled":
      return "disabled";
    case "no-secret":
      return "no secret";
    case "no-key":
      return "no key";
  }
}
