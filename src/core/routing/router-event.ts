import type { VerdictKind } from "../verdict/verdict.ts";
import type { AnswerProgress } from "./answer-progress.ts";
import type { Exhaustion } from "./exhaustion.ts";
import type { RequestRecord } from "./request-record.ts";
import type { RequestWait } from "./request-wait.ts";
import type { Rest } from "./rest.ts";

/** What happens in the router, for those who listen at its side: the store, the ledger, the plugin, `status --watch`. */
export type RouterEvent =
  | { kind: "rested"; rest: Rest; keyName: string }
  | { kind: "cleared"; id: string }
  | { kind: "rotated"; provider: string; from: string; to: string; why: VerdictKind; model: string }
  | { kind: "fell-back"; from: string; to: string; why: VerdictKind }
  | { kind: "exhausted"; exhaustion: Exhaustion }
  /** A request waits for a lane for a second or more; told again whenever it waits for something else. */
  | { kind: "waiting"; wait: RequestWait }
  /** It waits no more: somebody has answered, or nobody will. */
  | { kind: "wait-ended"; id: string }
  /** A tool call is being written, and is held until its answer is whole; told every few seconds. */
  | { kind: "writing-call"; answer: AnswerProgress }
  | { kind: "key-changed"; fingerprint: string; keyName: string; enabled: boolean }
  /** The user's files have changed, and what they say is in force for requests that begin now. */
  | { kind: "settings-taken" }
  /** A file has changed and is faulty: what it said before stays in force. */
  | { kind: "settings-refused"; what: string }
  /** The models that opencode is told of have changed; it knows of them once it has read its configuration anew. */
  | { kind: "models-changed" }
  | { kind: "finished"; record: RequestRecord };
