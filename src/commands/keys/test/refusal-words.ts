import type { VerdictKind } from "../../../core/verdict/verdict.ts";
import type { KeyTrial } from "./test-key.ts";

/** What a refusal means for the key that was tried. */
const MEANINGS: Record<VerdictKind, string> = {
  subscription: "the plan does not cover the model it was tried with",
  payment: "the account is out of credit, or a payment is due",
  quota: "its usage limit is reached",
  "rate-limit": "too many requests at the moment",
  concurrency: "too many calls at a time",
  auth: "wrong or expired",
  forbidden: "the provider does not allow it",
  "model-not-found": "no model to try it with",
  "path-not-found": "the provider has no such endpoint",
  overloaded: "the provider is overloaded",
  "server-error": "the provider cannot be asked",
  timeout: "the provider did not answer in time",
  reset: "the connection broke",
  silent: "the model stayed silent",
  overflow: "the provider refused the request",
  "output-limit": "the provider refused the request",
  unsupported: "the provider refused the request",
  "bad-request": "the provider refused the request",
  "content-policy": "the provider refused the request",
};

/** Why a key was refused, with the provider's own words behind it. */
export function refusalWords(trial: KeyTrial & { kind: "refused" }): string {
  const meaning = trial.verdict === undefined ? "no answer" : MEANINGS[trial.verdict];
  const status = trial.status === 0 ? "" : `${trial.status}, `;
  return `${meaning} (${status}${trial.message})`;
}
