import { formatClock } from "../clock-text.ts";
import { verdictWords } from "../verdict/verdict.ts";
import type { Readiness } from "./readiness.ts";

/** One phrase for whether something can be used. */
export function readinessText(readiness: Readiness, nowMs: number): string {
  switch (readiness.kind) {
    case "ready":
      return "ready";
    case "rests":
      return `rests until ${formatClock(readiness.rest.untilMs, nowMs)}: ${verdictWords(readiness.rest.kind)}`;
    case "dead":
      return `dead: ${verdictWords(readiness.rest.kind)}`;
    case "disabled":
      return "disabled";
    case "no-secret":
      return "no secret";
    case "no-key":
      return "no key";
  }
}
