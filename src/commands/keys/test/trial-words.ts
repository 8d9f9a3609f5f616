import { keyOutcome } from "./key-outcome.ts";
import type { KeyTrial } from "./test-key.ts";

/** One line about a trial: `ok`, or why not. */
export function trialWords(trial: KeyTrial, provider: string): string {
  if (trial.kind === "ok") return "ok";
  if (trial.kind === "unproven") {
    return `not refused, but anyone may see its models: name one under [providers.${provider}] models for a real test`;
  }
  return keyOutcome(trial).words;
}
