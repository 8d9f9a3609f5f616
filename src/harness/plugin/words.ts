import { formatClock, formatWait } from "../../core/clock-text.ts";
import type { ReadinessJson } from "../../core/routing/readiness.ts";
import { verdictWords } from "../../core/verdict/verdict-words.ts";

/** A model without its provider and its vendor: `nvidia/openai/gpt-oss-120b` is `gpt-oss-120b`. */
export function shortModel(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1);
}

/** A key without its provider. */
export function shortKey(key: string): string {
  return key.slice(key.indexOf("/") + 1);
}

/** One phrase for whether a key or a model can be used. */
export function readinessWords({ state, untilMs, why }: ReadinessJson, nowMs: number): string {
  const reason = why === null ? "" : `: ${verdictWords(why)}`;
  switch (state) {
    case "ready":
      return "ready";
    case "rests":
      return untilMs === null ? `rests${reason}` : `rests ${untilWords(untilMs, nowMs)}${reason}`;
    case "dead":
      return `dead${reason}`;
    case "disabled":
      return "off";
    case "no-secret":
      return "no secret";
    case "no-key":
      return "no key";
  }
}

/** `until 14:05 (12 m)`. */
export function untilWords(untilMs: number, nowMs: number): string {
  return `until ${formatClock(untilMs, nowMs)} (${formatWait(untilMs - nowMs)})`;
}

/** `1 rest`, `2 rests`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
