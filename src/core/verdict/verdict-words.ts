import type { VerdictKind } from "./verdict.ts";

/** Why somebody rests or was refused, short enough for a column. For an agent the client profile rewords it. */
const WORDS: Record<VerdictKind, string> = {
  subscription: "not in the plan",
  payment: "out of credit",
  quota: "plan limit used up",
  "rate-limit": "rate limit",
  concurrency: "too many calls at a time",
  auth: "refused until the key is changed",
  forbidden: "not allowed",
  "model-not-found": "no such model",
  overloaded: "overloaded",
  "server-error": "failing",
  timeout: "no answer in time",
  reset: "connection broke",
  silent: "stayed silent",
  overflow: "window too small",
  "bad-request": "request refused",
  "content-policy": "content refused",
};

export function verdictWords(kind: VerdictKind): string {
  return WORDS[kind];
}
