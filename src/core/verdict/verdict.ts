import type { ProviderWords } from "../scrub.ts";

/** What one failed upstream reply means. The names are those users write in `[[rules]]`. */
export const VERDICT_KINDS = [
  "subscription",
  "payment",
  "quota",
  "rate-limit",
  "concurrency",
  "auth",
  "forbidden",
  "model-not-found",
  "path-not-found",
  "overloaded",
  "server-error",
  "timeout",
  "reset",
  "silent",
  "overflow",
  "output-limit",
  "unsupported",
  "bad-request",
  "content-policy",
] as const;

export type VerdictKind = (typeof VERDICT_KINDS)[number];

/**
 * Smallest party first. `request`, `attempt` and `path` set no cooldown: a missing path says nothing about the model or
 * the key.
 */
export type Fault = "request" | "attempt" | "path" | "lane" | "key" | "model" | "provider";

export interface Verdict {
  kind: VerdictKind;
  fault: Fault;
  /** The HTTP status, or the one named by an error inside a 200; 0 without a reply. */
  status: number;
  /** The rule that matched, for logs and for `[[rules]]` authors. */
  rule: string;
  /** The provider's own words. */
  message: ProviderWords;
  /** The wait the provider declared, whatever the form. */
  waitMs: number | undefined;
  /** The model's maximum of output tokens, if an `output-limit` names it. */
  outputLimit?: number;
}

/** The party at fault unless the rule or the provider says more. */
export const USUAL_FAULT: Record<VerdictKind, Fault> = {
  subscription: "lane",
  payment: "key",
  quota: "key",
  "rate-limit": "lane",
  concurrency: "lane",
  auth: "key",
  forbidden: "key",
  "model-not-found": "model",
  "path-not-found": "path",
  overloaded: "attempt",
  "server-error": "attempt",
  timeout: "attempt",
  reset: "attempt",
  silent: "lane",
  overflow: "request",
  "output-limit": "request",
  unsupported: "request",
  "bad-request": "request",
  "content-policy": "request",
};

/** Short enough for a column. */
const WORDS: Record<VerdictKind, string> = {
  subscription: "not in the plan",
  payment: "out of credit",
  quota: "plan limit used up",
  "rate-limit": "rate limit",
  concurrency: "too many parallel requests",
  auth: "invalid key",
  forbidden: "not allowed",
  "model-not-found": "no such model",
  "path-not-found": "no such endpoint",
  overloaded: "overloaded",
  "server-error": "failing",
  timeout: "no answer in time",
  reset: "connection broke",
  silent: "stayed silent",
  overflow: "window too small",
  "output-limit": "output limit too high",
  unsupported: "not supported by the model",
  "bad-request": "request refused",
  "content-policy": "content refused",
};

export function verdictWords(kind: VerdictKind): string {
  return WORDS[kind];
}
