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
  "overloaded",
  "server-error",
  "timeout",
  "reset",
  "silent",
  "overflow",
  "bad-request",
  "content-policy",
] as const;

export type VerdictKind = (typeof VERDICT_KINDS)[number];

/** The smallest party that a rest may cover. `request` and `attempt` rest nobody. */
export type Fault = "request" | "attempt" | "lane" | "key" | "model" | "provider";

/** What one failed upstream reply means for the next step, and who is at fault. */
export interface Verdict {
  kind: VerdictKind;
  fault: Fault;
  /** The HTTP status, or the one an error inside a 200 names; 0 when no reply came. */
  status: number;
  /** The rule that spoke, for logs and for `[[rules]]` authors. */
  rule: string;
  /** The provider's own words, short, on one line, with secrets removed. */
  message: string;
  /** The wait the provider declared, whatever the form. */
  waitMs: number | undefined;
}
