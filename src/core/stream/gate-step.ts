import type { Dialect } from "../routing/route.ts";
import type { SentAnswer } from "./continuation.ts";
import type { SettleFinish } from "./finish-reason.ts";

/** What is wrong with an answer. */
export type GateFailure =
  /** The provider says so itself, in words for the verdict. */
  | { kind: "said"; text: string }
  /** Its stream is not what a stream of its dialect is. */
  | { kind: "flawed"; why: string }
  /** It ended without being whole. */
  | { kind: "cut"; why: string }
  /** It ended well and says nothing. */
  | { kind: "hollow"; why: string }
  /** It ended well, and a tool call in it is not whole. */
  | { kind: "bad-call"; why: string }
  /** It calls tools with more than can be held. */
  | { kind: "too-long"; why: string }
  /** It cannot continue the answer that broke off: nobody's failure. */
  | { kind: "mismatch" };

/** What one chunk of the upstream's stream lets through. */
export interface GateStep {
  /** Bytes to hand to the client now; undefined while they are held. */
  pass: Uint8Array | undefined;
  /** Why the answer has failed. The gate is of no more use then. */
  failure: GateFailure | undefined;
  /** Whether anything came of the answer: comments and keep-alives are no progress, empty chunks neither. */
  progressed: boolean;
}

/** How a stream that has ended is to be taken. `tail` is what the client still has to get. */
export type GateEnd =
  | { kind: "complete"; tail: Uint8Array | undefined }
  | { kind: "broken"; failure: GateFailure };

/** What was asked for, as far as it says which end is a good one. Looked up only where it matters. */
export interface Asked {
  /** How many answers. */
  choices: () => number;
  /** Whether an answer without a word is an answer. */
  mayBeEmpty: () => boolean;
  /** Whether a call with arguments that are not whole is passed on: other lanes have written it no better. */
  mayHaveBadCalls: () => boolean;
  /** Whether another answer's tool calls are of use to the client. */
  takesCalls: () => boolean;
}

export interface GateOptions {
  dialect: Dialect;
  /** How the end of the answer reaches the client; absent: repaired. */
  settleFinish?: SettleFinish;
  asked?: Partial<Asked>;
  /** What the client already has of an answer that broke off. */
  continues?: SentAnswer | undefined;
}

/** How far an answer has come. */
export interface GateProgress {
  phase: "thinking" | "text" | "call";
  /** The tool that is being called. */
  tool: string | undefined;
  /** The length of the text or of the arguments so far. */
  chars: number;
}
