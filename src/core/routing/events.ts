import type { QuotaWarning } from "../quota/forecast.ts";
import type { QuotaRecord } from "../quota/quota.ts";
import type { ProviderWords } from "../scrub.ts";
import type { Fault, VerdictKind } from "../verdict/verdict.ts";
import type { Cooldown } from "./cooldown.ts";
import type { Exhaustion } from "./exhaustion.ts";
import type { AwaitedLane } from "./next-step.ts";

/** What happens in the router, for its observers: the store, the ledger, the plugin, `status --watch`. */
export type RouterEvent =
  | { kind: "cooldown-started"; cooldown: Cooldown; keyName: string }
  | { kind: "cleared"; id: string }
  | { kind: "rotated"; provider: string; from: string; to: string; why: VerdictKind; model: string }
  | { kind: "fell-back"; from: string; to: string; why: VerdictKind }
  | { kind: "exhausted"; headline: string; exhaustion: Exhaustion }
  /** A request waits for a lane for a second or more; told again whenever it waits for something else. */
  | { kind: "waiting"; wait: RequestWait }
  /** The request was answered or has failed. */
  | { kind: "wait-ended"; id: string }
  /** A tool call is held until its answer is complete; repeated every few seconds. */
  | { kind: "writing-call"; answer: AnswerProgress }
  | { kind: "key-changed"; fingerprint: string; keyName: string; enabled: boolean }
  /** Changed files apply to new requests from now on. */
  | { kind: "settings-taken" }
  /** A changed file is invalid; the previous version stays active. */
  | { kind: "settings-refused"; what: string }
  /** The models in the agent's configuration have changed; the agent has to reload it. */
  | { kind: "models-changed" }
  /** A key's quota was read, from its provider or from the headers of a reply. */
  | { kind: "quota-read"; record: QuotaRecord }
  /** A window is nearly used up, or will be before its reset; once per reset. */
  | { kind: "quota-warning"; warning: QuotaWarning; keyName: string }
  | { kind: "finished"; record: RequestRecord };

/** One upstream call of a finished request, as the ledger stores it. Contains no secret. */
export interface AttemptRecord {
  atMs: number;
  model: string;
  keyName: string;
  fingerprint: string;
  status: number;
  /** `ok` when it served, `cancelled` when the client left before anything came. */
  verdict: VerdictKind | "ok" | "cancelled";
  durationMs: number;
  /** Who was at fault by the refusal's own words, and the wait it named; undefined for what served. */
  fault?: Fault | undefined;
  waitMs?: number | undefined;
  message: ProviderWords;
}

export type RequestOutcome = "served" | "passed-error" | "exhausted" | "broken" | "client-gone";

export interface RequestRecord {
  id: string;
  atMs: number;
  session: string | undefined;
  /** The named client of `orouter serve` that sent it; undefined for the owner. */
  client?: string | undefined;
  /** The requested model; undefined for endpoints that name none. */
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

/** What a request waits for, in a form that may be shown. Contains no secret. */
export interface RequestWait {
  id: string;
  session: string | null;
  /** As the client named it: `provider/model`, or a chain's name. */
  asked: string;
  /** The lane that is expected to be ready first, and what holds it. */
  model: string;
  key: string;
  fingerprint: string;
  why: AwaitedLane["why"];
  /** When the request began to wait, over all attempts. */
  sinceMs: number;
  /** When the lane will be tried. */
  untilMs: number;
  /** Every key is used up, and the request waits for the reset. */
  isHold: boolean;
}

/** The progress of a call to a provider, in a form that may be shown. Contains no secret. */
export interface AnswerProgress {
  id: string;
  session: string | null;
  /** As the client named it: `provider/model`, or a chain's name. */
  asked: string;
  model: string;
  key: string;
  fingerprint: string;
  /** `waiting`: nothing has arrived yet; `call`: a tool call is held until the answer is complete. */
  phase: "waiting" | "thinking" | "text" | "call";
  tool: ProviderWords | null;
  /** The length of the text or of the arguments so far, in characters. */
  chars: number;
  /** When the call to the provider began. */
  sinceMs: number;
}
