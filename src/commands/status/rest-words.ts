import type { VerdictKind } from "../../core/verdict/verdict.ts";

/** Why somebody rests, short enough for a column. */
const WHY: Record<VerdictKind, string> = {
  subscription: "not in the plan",
  payment: "out of credit",
  quota: "plan limit used up",
  "rate-limit": "rate limit",
  concurrency: "too many calls at a time",
  auth: "wrong or expired",
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

export function restWords(kind: VerdictKind): string {
  return WHY[kind];
}
