import { formatModelRef } from "../core/model-ref.ts";
import type { AttemptRecord, RequestOutcome, RequestRecord } from "../core/routing/request-record.ts";
import type { Usage } from "../core/stream/stream-events.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { Lease } from "./lease.ts";
import type { ModelRequest } from "./model-request.ts";
import type { Router } from "./router.ts";

/** What a request leaves behind: its attempts, and one record when it is over. */
export class Trail {
  readonly attempts: AttemptRecord[] = [];
  waitedMs = 0;
  #firstTokenMs: number | undefined;
  #served: Lease | undefined;
  /** Which attempt has answered last: what came before it has been told. */
  #servedAt = 0;
  #isClosed = false;

  readonly #request: ModelRequest;
  readonly #router: Router;
  readonly #onClose: () => void;

  constructor(request: ModelRequest, router: Router, onClose: () => void = () => {}) {
    this.#request = request;
    this.#router = router;
    this.#onClose = onClose;
  }

  /** One upstream call has failed: at once, or after it had begun to answer. */
  failed(lease: Lease, verdict: Verdict): void {
    if (this.#served === lease) {
      this.#served = undefined;
      this.attempts.pop();
    }
    this.#add(lease, verdict.status, verdict.kind, verdict.message);
  }

  /** The first bytes of an answer are on their way. */
  serving(lease: Lease, status: number): void {
    this.#add(lease, status, "ok", "");
    this.#served = lease;
    this.#firstTokenMs ??= this.#router.chance.nowMs() - this.#request.startedMs;
  }

  /** Ends the record; only the first end counts. */
  close(outcome: RequestOutcome, usage?: Usage): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
    this.#router.emit({ kind: "finished", record: this.#record(outcome, usage) });
  }

  #add(lease: Lease, status: number, verdict: AttemptRecord["verdict"], message: string): void {
    // What a request that is over still does is nobody's news.
    if (this.#isClosed) return;
    const model = formatModelRef(lease.ref);
    this.attempts.push({
      atMs: lease.startedMs,
      model,
      keyName: lease.key.name,
      fingerprint: lease.key.fingerprint,
      status,
      verdict,
      durationMs: this.#router.chance.nowMs() - lease.startedMs,
      message,
    });
    if (verdict !== "ok") return;
    this.#announce(lease, model);
    this.#servedAt = this.attempts.length - 1;
  }

  /** Told once it has worked: who answered in whose place. That is who was asked first, however many were tried since. */
  #announce(lease: Lease, model: string): void {
    const failed = this.attempts.slice(this.#servedAt, -1);
    const [first] = failed;
    if (first === undefined) return;
    const isOther = first.model !== model;
    const last = failed.findLast(
      (attempt) =>
        attempt.model === first.model && (isOther || attempt.fingerprint !== lease.key.fingerprint),
    );
    if (last === undefined || last.verdict === "ok") return;
    const { keyName, verdict: why } = last;
    if (isOther) this.#router.emit({ kind: "fell-back", from: first.model, to: model, why });
    else {
      const { provider } = lease.ref;
      this.#router.emit({ kind: "rotated", provider, from: keyName, to: lease.key.name, why, model });
    }
  }

  #record(outcome: RequestOutcome, usage: Usage | undefined): RequestRecord {
    const { id, sessionId, asked, startedMs } = this.#request;
    return {
      id,
      atMs: startedMs,
      session: sessionId,
      asked,
      served:
        outcome !== "served" || this.#served === undefined ? undefined : formatModelRef(this.#served.ref),
      keyName: outcome === "served" ? this.#served?.key.name : undefined,
      outcome,
      attempts: this.attempts,
      waitedMs: this.waitedMs,
      firstTokenMs: this.#firstTokenMs,
      durationMs: this.#router.chance.nowMs() - startedMs,
      inputTokens: usage?.input,
      outputTokens: usage?.output,
    };
  }
}
