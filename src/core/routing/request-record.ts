import type { VerdictKind } from "../verdict/verdict.ts";

/** One upstream call of a finished request, as the ledger keeps it. No secret is in it. */
export interface AttemptRecord {
  atMs: number;
  model: string;
  keyName: string;
  fingerprint: string;
  status: number;
  /** `ok` when it served. */
  verdict: VerdictKind | "ok";
  durationMs: number;
  /** The first 300 characters of what the provider said, secrets removed. */
  message: string;
}

/** How a request ended for the client. */
export type RequestOutcome = "served" | "passed-error" | "exhausted" | "broken" | "client-gone";

/** A finished request with its attempts. */
export interface RequestRecord {
  id: string;
  atMs: number;
  session: string | undefined;
  /** The model that was asked for; undefined for endpoints that name none. */
  asked: string | undefined;
  served: string | undefined;
  keyName: string | undefined;
  outcome: RequestOutcome;
  attempts: AttemptRecord[];
  waitedMs: number;
  firstTokenMs: number | undefined;
  durationMs: number;
  inputTokens: number | undefined;
  outputTokens: number | undefined;
}
