import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import type { Progress } from "../core/routing/progress.ts";
import type { Session } from "../core/routing/session.ts";
import type { Terms } from "./terms.ts";

/** A lane in use by one attempt, from its sending to the end of its answer. */
export interface Lease {
  readonly key: Key;
  readonly ref: ModelRef;
  readonly startedMs: number;
  readonly probe: boolean;
  /** What this attempt finds out about, by `probeId`. */
  probes: string[];
  /** Until the call is over. */
  isHeld: boolean;
}

/** Whose request it is, and how far it has come. */
export interface Traveller {
  progress: Progress;
  session: Session;
  /** Those it began under. */
  terms: Terms;
}
