import type { Problem } from "../core/problem.ts";
import type { QuotaRecord } from "../core/quota/quota.ts";
import type { Cooldown } from "../core/routing/cooldown.ts";
import type { Claim, ClaimRequest } from "../core/routing/shared-limits.ts";
import { ownWords, providerWords, scrubName } from "../core/scrub.ts";

/**
 * State that all orouter processes of a user share, over machines where the implementation reaches that far. Each kind
 * of state is one member. Only a call on a key with a limit waits for the store, and no request fails for it: reads give
 * what can be had, writes are queued, and trouble is reported once to `onTrouble`. No method throws or rejects.
 */
export interface Store {
  readonly cooldowns: CooldownStore;
  readonly limits: LimitStore;
  readonly quotas: QuotaStore;
  readonly runs: RunStore;
  /** Reports what other processes change, until the returned function is called. */
  watch: (onNews: (news: News) => void) => () => void;
  /** Resolves when the queue is written, or could not be. */
  flush: () => Promise<void>;
  /** Writes the queue and closes everything. */
  close: () => Promise<void>;
}

/** Of two changes to the same cooldown, the later one wins, in whatever order they arrive. */
export interface CooldownStore {
  /** Includes the queue of this process; news continue from here. */
  all: () => Promise<Cooldown[]>;
  set: (cooldown: Cooldown) => void;
  clear: (id: string) => void;
}

/** What was read of the keys' quotas. Of two readings of a key the later holds. */
export interface QuotaStore {
  all: () => Promise<QuotaRecord[]>;
  set: (record: QuotaRecord) => void;
}

/** A record that was not renewed for so long is of a key that is gone. */
export const QUOTAS_KEPT_MS = 40 * 24 * 60 * 60_000;

/** A record as any store may keep it. */
export function scrubQuota(record: QuotaRecord, secrets: readonly string[]): QuotaRecord {
  const { reading } = record;
  if (reading.kind !== "unknown") return record;
  return { ...record, reading: { ...reading, why: providerWords(reading.why, secrets) } };
}

/**
 * The limits of keys (`rpm`, `concurrency`) over all processes. A call that a store cannot judge now is `unknown`:
 * the limits of its own process then hold alone.
 */
export interface LimitStore {
  /** Takes room for one call, or says when to ask again. A granted call is released when it ends. */
  claim: (request: ClaimRequest) => Promise<Claim>;
  /** A granted call has ended. */
  release: (id: string) => void;
  /** A request no longer waits for this key. */
  leave: (request: Pick<ClaimRequest, "waiter" | "key">) => void;
}

/** A run on some machine, as the others may know it: no folder, no prompt, no key. */
export interface SharedRun {
  id: string;
  /** The name of its machine. */
  machine: string;
  /** The command: `opencode`, `serve`. */
  what: string;
  sinceMs: number;
  inFlight: number;
  waiting: number;
}

/** The runs of other machines. Those of this one are found by their folders. */
export interface RunStore {
  /** Says that a run is alive; to be repeated every few seconds. */
  announce: (run: SharedRun) => void;
  withdraw: (id: string) => void;
  others: () => Promise<SharedRun[]>;
}

/** What other processes have changed since the last time. */
export interface News {
  set: Cooldown[];
  cleared: string[];
}

export interface StoreOptions {
  /** False: no words of a provider are kept. */
  keepsHeads: boolean;
  /** Every secret of this run; none is ever stored, whatever repeats it. Read again at each write. */
  readonly secrets: readonly string[];
  nowMs: () => number;
}

/** Called once for each kind of trouble. */
export type OnTrouble = (problem: Problem) => void;

export type CooldownChange =
  | { kind: "set"; id: string; atMs: number; cooldown: Cooldown }
  | { kind: "cleared"; id: string; atMs: number };

/** After its end a cooldown only counts consecutive failures, and not for long. */
export const FAILURES_KEPT_MS = 60 * 60_000;

/** True if the cooldown ended so long ago that it no longer matters. */
export function isForgotten({ sinceMs, untilMs }: Cooldown, nowMs: number): boolean {
  return Math.max(sinceMs, untilMs) < nowMs - FAILURES_KEPT_MS;
}

/** A change as any store may keep it. */
export function scrubChange(
  change: CooldownChange,
  { secrets, keepsHeads }: Pick<StoreOptions, "secrets" | "keepsHeads">,
): CooldownChange {
  const id = scrubName(change.id, secrets);
  if (change.kind === "cleared") return { ...change, id };
  const { cooldown } = change;
  const model = cooldown.model === undefined ? undefined : scrubName(cooldown.model, secrets);
  const message = keepsHeads ? providerWords(cooldown.message, secrets) : ownWords("");
  return { ...change, id, cooldown: { ...cooldown, id, model, message } };
}
