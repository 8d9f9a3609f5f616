import type { QuotaLine } from "../quota/quota-lines.ts";
import type { ProviderWords } from "../scrub.ts";
import type { VerdictKind } from "../verdict/verdict.ts";
import type { CooldownScope } from "./cooldown.ts";
import type { AnswerProgress, RequestWait } from "./events.ts";
import type { ReadinessJson } from "./readiness.ts";
import type { Strategy } from "./session.ts";

/**
 * The response of `/_orouter/state`, which the plugin reads. Names match `status --json`; times are milliseconds since
 * 1970, and an end that never comes is null. Contains no secret.
 */
export interface ControlState {
  /** Changes with the names. */
  version: 2;
  now: number;
  strategy: Strategy;
  keys: ControlKey[];
  /** Active ones, the earliest end first. */
  cooldowns: ControlCooldown[];
  chains: ControlChain[];
  /** The lane of the last answer; null before the first. */
  last: ControlAnswer | null;
  /** The number of requests that wait for a lane. */
  waiting: number;
  /** These requests, oldest first. */
  waits: RequestWait[];
  /** The windows of the keys' quotas, as far as they are known. */
  quotas: ControlQuota[];
  /** Answers in progress, oldest first. */
  answers: AnswerProgress[];
}

export interface ControlKey extends ReadinessJson {
  provider: string;
  name: string;
  fingerprint: string;
  enabled: boolean;
  source: string;
  inFlight: number;
}

/** One window of a key's quota. */
export interface ControlQuota extends QuotaLine {
  provider: string;
  fingerprint: string;
}

export interface ControlCooldown {
  id: string;
  scope: CooldownScope;
  /** Null if the cooldown is not about one key; likewise the model and the provider. */
  fingerprint: string | null;
  key: string | null;
  model: string | null;
  provider: string | null;
  kind: VerdictKind;
  status: number;
  message: ProviderWords;
  sinceMs: number;
  untilMs: number | null;
  failures: number;
}

export interface ControlChain {
  name: string;
  /** As in config.toml: models, and names of other chains. */
  entries: readonly string[];
  /** The models behind the entries, in the order they are tried. */
  models: readonly ControlModel[];
}

export interface ControlModel extends ReadinessJson {
  model: string;
  keys: number;
  ready: number;
  bench: ControlBench | null;
}

/** The medians of the last benchmark. */
export interface ControlBench {
  atMs: number;
  firstTokenMs: number;
  tokensPerSecond: number | null;
}

export interface ControlAnswer {
  atMs: number;
  model: string;
  key: string;
}
