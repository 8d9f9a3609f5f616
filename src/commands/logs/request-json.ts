import type { LedgerEntry } from "../../state/ledger.ts";

/**
 * A request as `logs --json` and `status --json` print it; scripts rely on these names. Times are milliseconds since
 * 1970, what is not known is null. `outcome` is one of served, passed-error, exhausted, broken, client-gone; the
 * `verdict` of an attempt is ok or one of the words of `[[rules]]`, its `status` 0 where no answer came.
 */
export function requestJson(entry: LedgerEntry) {
  const { seq, id, atMs, session, asked, served, keyName, outcome } = entry;
  return {
    seq,
    id,
    atMs,
    session: session ?? null,
    asked: asked ?? null,
    served: served ?? null,
    keyName: keyName ?? null,
    outcome,
    waitedMs: entry.waitedMs,
    firstTokenMs: entry.firstTokenMs ?? null,
    durationMs: entry.durationMs,
    inputTokens: entry.inputTokens ?? null,
    outputTokens: entry.outputTokens ?? null,
    attempts: entry.attempts.map((attempt) => ({
      atMs: attempt.atMs,
      model: attempt.model,
      keyName: attempt.keyName,
      fingerprint: attempt.fingerprint,
      status: attempt.status,
      verdict: attempt.verdict,
      durationMs: attempt.durationMs,
      message: attempt.message,
    })),
  };
}
