import type { Dialect } from "../routing/route.ts";
import type { SettleFinish } from "./finish-reason.ts";

/** What one chunk of the upstream's stream lets through. */
export interface GateStep {
  /** Bytes to hand to the client now; undefined while the head is held. */
  pass: Uint8Array | undefined;
  /** An event that says the answer has failed, as text for the verdict. The gate is of no more use then. */
  error: string | undefined;
  /** Whether anything came of the answer: comments and keep-alives are no progress, empty chunks neither. */
  progressed: boolean;
}

/** How a stream that has ended is to be taken. `tail` is what the client still has to get. */
export type GateEnd = { kind: "complete"; tail: Uint8Array | undefined } | { kind: "cut"; why: string };

export interface GateOptions {
  dialect: Dialect;
  /** Text the client already has: the stream must begin with exactly this, and is let through behind it. */
  resumeAfter?: string;
  /** How the end of the answer reaches the client; absent: repaired. */
  settleFinish?: SettleFinish;
}
