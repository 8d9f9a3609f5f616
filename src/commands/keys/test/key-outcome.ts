import type { VerdictKind } from "../../../core/verdict/verdict.ts";
import { refusalWords } from "./refusal-words.ts";
import type { KeyTrial } from "./test-key.ts";

/** What a trial says about the key itself. */
export interface KeyOutcome {
  kind: "works" | "refused" | "unclear";
  words: string;
}

/** Refusals of a key as such; what else a service may say is about the moment, the plan or the model. */
const REFUSED = new Set<VerdictKind>(["auth", "forbidden"]);

/** Whoever is told of a limit has been let in. */
const LET_IN = new Set<VerdictKind>(["subscription", "payment", "quota", "rate-limit", "concurrency"]);

/** Tells a key that is no good from one about which nothing can be said now. */
export function keyOutcome(trial: KeyTrial): KeyOutcome {
  if (trial.kind === "ok") return { kind: "works", words: "works" };
  if (trial.kind === "unproven") {
    return { kind: "unclear", words: "cannot tell: this service shows its models to anyone" };
  }
  const words = refusalWords(trial);
  if (trial.verdict !== undefined && REFUSED.has(trial.verdict)) {
    return { kind: "refused", words: `refused: ${words}` };
  }
  if (trial.verdict !== undefined && LET_IN.has(trial.verdict)) {
    return { kind: "works", words: `known to the service, but ${words}` };
  }
  return { kind: "unclear", words: `cannot tell now: ${words}` };
}
