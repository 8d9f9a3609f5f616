import type { Key } from "../../../core/key.ts";
import { formatModelRef, type ModelRef } from "../../../core/model-ref.ts";
import type { Decision } from "../../../core/routing/decide.ts";
import { restsOn } from "../../../core/routing/lane.ts";
import type { Rest } from "../../../core/routing/rest.ts";
import type { Session } from "../../../core/routing/session.ts";
import type { Verdict } from "../../../core/verdict/verdict.ts";
import type { Lease, Traveller } from "../../../proxy/lease.ts";
import { Router, type RouterOptions } from "../../../proxy/router.ts";

/** One step of a request, told as it happens. */
export type Hop =
  | { kind: "asked"; model: string; keyName: string }
  /** The lane did not answer; `rest` is what it has earned by that. */
  | { kind: "refused"; verdict: Verdict; rest: Rest | undefined; tookMs: number }
  | { kind: "answering"; tookMs: number };

/** A router that tells each step it takes. It decides as any other. */
export class ToldRouter extends Router {
  readonly #tell: (hop: Hop) => void;

  constructor(options: RouterOptions, tell: (hop: Hop) => void) {
    super(options);
    this.#tell = tell;
  }

  override acquire(key: Key, ref: ModelRef, probe: boolean): Lease {
    this.#tell({ kind: "asked", model: formatModelRef(ref), keyName: key.name });
    return super.acquire(key, ref, probe);
  }

  override succeed(lease: Lease, session: Session): void {
    super.succeed(lease, session);
    this.#tell({ kind: "answering", tookMs: this.chance.nowMs() - lease.startedMs });
  }

  override fail(lease: Lease, said: Verdict, traveller: Traveller): Decision {
    const decision = super.fail(lease, said, traveller);
    const nowMs = this.chance.nowMs();
    const [rest] = restsOn(lease.key, lease.ref, this.health)
      .filter((one) => one.untilMs > nowMs)
      .toSorted((a, b) => b.untilMs - a.untilMs);
    this.#tell({ kind: "refused", verdict: said, rest, tookMs: nowMs - lease.startedMs });
    return decision;
  }
}
