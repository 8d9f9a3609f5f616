import type { Database } from "bun:sqlite";
import { type Claim, type ClaimRequest, LEASE_RENEW_MS } from "../../core/routing/shared-limits.ts";
import type { StateFile } from "../../sqlite/state-file.ts";
import type { LimitStore } from "../store.ts";
import { endLease, leaveLine, peekClaim, putLease, takeClaim } from "./limit-rows.ts";

/** Between tries at a locked file. */
const RETRY_MS = 10;

/** A file that stays locked this long cannot answer: a request must not wait for another program. */
const GIVE_UP_MS = 250;

/** The limits of keys over all processes of one machine, in state.db. */
export class SqliteLimits implements LimitStore {
  readonly #file: StateFile;
  readonly #nowMs: () => number;
  /** The keys of the calls under way that hold a lease. */
  readonly #leases = new Map<string, string>();
  #renewal: ReturnType<typeof setInterval> | undefined;

  constructor(file: StateFile, nowMs: () => number) {
    this.#file = file;
    this.#nowMs = nowMs;
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    const endMs = performance.now() + GIVE_UP_MS;
    for (;;) {
      const claim = this.#try(request);
      if (claim !== undefined) return claim;
      if (performance.now() > endMs) return { kind: "unknown" };
      await Bun.sleep(RETRY_MS);
    }
  }

  release(id: string): void {
    if (!this.#leases.delete(id)) return;
    this.#write((db) => endLease(db, id));
    if (this.#leases.size === 0) this.#stopRenewal();
  }

  leave(request: Pick<ClaimRequest, "waiter" | "key">): void {
    this.#write((db) => leaveLine(db, request));
  }

  /** Gives all leases back. */
  close(): void {
    this.#stopRenewal();
    if (this.#leases.size === 0) return;
    this.#write((db) => {
      for (const id of this.#leases.keys()) endLease(db, id);
    });
    this.#leases.clear();
  }

  /** Undefined where the file is locked just now. */
  #try(request: ClaimRequest): Claim | undefined {
    // The time is read under the lock: a call that began in the meantime must not seem to lie in the future.
    const seen = this.#file.read((db) => peekClaim(db, request, this.#nowMs()));
    if (seen.kind === "done" && seen.value !== undefined) return seen.value;
    const taken = this.#file.write((db) => takeClaim(db, request, this.#nowMs()));
    if (taken.kind === "later") return undefined;
    if (taken.kind === "never") return { kind: "unknown" };
    if (taken.value.kind === "granted" && request.limits.concurrency !== undefined) this.#hold(request);
    return taken.value;
  }

  #hold({ id, key }: ClaimRequest): void {
    this.#leases.set(id, key);
    if (this.#renewal !== undefined) return;
    this.#renewal = setInterval(() => this.#renew(), LEASE_RENEW_MS);
    this.#renewal.unref();
  }

  /** Leases that have ended meanwhile, on a machine that slept, are taken again: the calls are still under way. */
  #renew(): void {
    this.#write((db) => {
      const nowMs = this.#nowMs();
      for (const [id, key] of this.#leases) putLease(db, { id, key }, nowMs);
    });
  }

  #stopRenewal(): void {
    clearInterval(this.#renewal);
    this.#renewal = undefined;
  }

  /** A write that a lock prevents is made up for by the end of the lease, or of the place in line. */
  #write(work: (db: Database) => void): void {
    this.#file.write(work);
  }
}
