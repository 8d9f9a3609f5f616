import type { QuotaWarning } from "../quota/forecast.ts";
import type { QuotaRecord } from "../quota/quota.ts";
import type { Fault, VerdictKind } from "../verdict/verdict.ts";
import type { Cooldown } from "./cooldown.ts";
import type { Exhaustion } from "./exhaustion.ts";
import type { AwaitedLane } from "./next-step.ts";

/** What happens in the router, for those who listen at its side: the store, the ledger, the plugin, `status --watch`. */
export type RouterEvent =
  | { kind: "cooldown-started"; cooldown: Cooldown; keyName: string }
  | { kind: "cleared"; id: string }
  | { kind: "rotated"; provider: string; from: string; to: string; why: VerdictKind; model: string }
  | { kind: "fell-back"; from: string; to: string; why: VerdictKind }
  | { kind: "exhausted"; exhaustion: Exhaustion }
  /** A request waits for a lane for a second or more; told again whenever it waits for something else. */
  | { kind: "waiting"; wait: RequestWait }
  /** The wait is over: the request was answered or has failed. */
  | { kind: "wait-ended"; id: string }
  /** A tool call is being written, and is held until its answer is whole; told every few seconds. */
  | { kind: "writing-call"; answer: AnswerProgress }
  | { kind: "key-changed"; fingerprint: string; keyName: string; enabled: boolean }
  /** The user's files have changed, and what they say is in force for requests that begin now. */
  | { kind: "settings-taken" }
  /** A file has changed and is faulty: what it said before stays in force. */
  | { kind: "settings-refused"; what: string }
  /** The models in the agent's configuration have changed; the agent has to read it again. */
  | { kind: "models-changed" }
  /** A key's quota was read, from its provider or from the headers of a reply. */
  | { kind: "quota-read"; record: QuotaRecord }
  /** A window is nearly used up, or runs dry before its reset; told once for each reset. */
  | { kind: "quota-warning"; warning: QuotaWarning; keyName: string }
  | { kind: "finished"; record: RequestRecord };

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
  /** Who was at fault by the refusal's own words, and the wait it named; undefined for what served. */
  fault?: Fault | undefined;
  waitMs?: number | undefined;
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
  /** The named client of `orouter serve` that sent it; undefined for the owner. */
  client?: string | undefined;
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

/** What a request waits for, as a person may see it. No secret is in it. */
export interface RequestWait {
  /** The request's id. */
  id: string;
  session: string | null;
  /** As the client named it: `provider/model`, or a chain's name. */
  asked: string;
  /** The lane that is expected to be ready first, and what holds it. */
  model: string;
  key: string;
  fingerprint: string;
  why: AwaitedLane["why"];
  /** Since when the request has been waiting, over all tries in between. */
  sinceMs: number;
  /** When the lane is asked. */
  untilMs: number;
  /** Every key is used up, and the request waits for the reset. */
  isHold: boolean;
}

/** How far a call to a provider has come, as a person may see it. No secret is in it. */
export interface AnswerProgress {
  /** The request's id. */
  id: string;
  session: string | null;
  /** As the client named it: `provider/model`, or a chain's name. */
  asked: string;
  /** The lane that answers. */
  model: string;
  key: string;
  fingerprint: string;
  /**
   * `waiting`: nothing has come yet; `call`: a tool call is being written, and held until the answer is whole.
   */
  phase: "waiting" | "thinking" | "text" | "call";
  /** The tool that is being called. */
  tool: string | null;
  /** The length of the text or of the arguments so far, in characters. */
  chars: number;
  /** When the call to the provider began. */
  sinceMs: number;
}
