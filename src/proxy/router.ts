import { type Decision, decide, settle } from "../core/decide.ts";
import type { Key } from "../core/key.ts";
import { emptyLoad, type KeyLimits, type Load, release, shrinkCap, take } from "../core/load.ts";
import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import { nextStep, restIdsOf, type Step } from "../core/next-step.ts";
import type { Progress } from "../core/progress.ts";
import type { Provider } from "../core/provider.ts";
import { nextRest, type Rest, restId, restTarget } from "../core/rest.ts";
import type { RouterEvent } from "../core/router-event.ts";
import { type Session, SessionBook } from "../core/session.ts";
import type { RoutingSettings } from "../core/settings.ts";
import type { Verdict } from "../core/verdict.ts";
import { Waiting } from "./waiting.ts";

/** Clock and dice, so that a test can hold them. */
export interface Chance {
  nowMs: () => number;
  random: () => number;
}

export interface RouterOptions {
  providers: ReadonlyMap<string, Provider>;
  keys: readonly Key[];
  /** Models named in chains and fallbacks, to name in a report what else could be used. */
  knownModels: readonly ModelRef[];
  policy: RoutingSettings;
  chance: Chance;
}

/** A lane in use by one attempt, from its sending to the end of its answer. */
export interface Lease {
  key: Key;
  ref: ModelRef;
  startedMs: number;
  probe: boolean;
}

/** The longest a request stands in our own queue (pacing, caps), where no refusal is in sight. */
const QUEUE_MS = 5 * 60_000;

const NO_LIMITS: KeyLimits = { rpm: undefined, concurrency: undefined };

/** What is known of keys and lanes in this process, and the choice among them. Decisions are core's; this keeps their state. */
export class Router {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly policy: RoutingSettings;
  readonly chance: Chance;
  readonly sessions = new SessionBook();
  readonly waiting = new Waiting();

  readonly #keys = new Map<string, Key[]>();
  readonly #health = new Map<string, Rest>();
  readonly #probing = new Set<string>();
  readonly #loads = new Map<string, Load>();
  readonly #listeners = new Set<(event: RouterEvent) => void>();
  readonly #turns = new Map<string, number>();
  readonly #models = new Map<string, ModelRef>();

  constructor(options: RouterOptions) {
    this.providers = options.providers;
    this.policy = options.policy;
    this.chance = options.chance;
    for (const ref of options.knownModels) this.#models.set(formatModelRef(ref), ref);
    for (const key of options.keys)
      this.#keys.set(key.provider, [...(this.#keys.get(key.provider) ?? []), key]);
  }

  keysOf(provider: string): readonly Key[] {
    return this.#keys.get(provider) ?? [];
  }

  get allKeys(): Key[] {
    return [...this.#keys.values()].flat();
  }

  get health(): ReadonlyMap<string, Rest> {
    return this.#health;
  }

  /** The models of chains and fallbacks, and those that have answered in this run. */
  knownModels(): ModelRef[] {
    return [...this.#models.values()];
  }

  inFlight(key: Key): number {
    return this.#loads.get(key.fingerprint)?.inFlight ?? 0;
  }

  /** What a request should do next. */
  step(progress: Progress, session: Session): Step {
    return nextStep({
      progress,
      keysOf: (provider) => this.keysOf(provider),
      limitsOf: (provider) => this.#limitsOf(provider),
      health: this.#health,
      probing: this.#probing,
      loads: this.#loads,
      strategy: this.policy.strategy,
      contextOf: (provider) => ({
        stuckTo: session.stuckTo.get(provider),
        turn: this.#turns.get(provider) ?? 0,
        random: this.chance.random,
      }),
      patienceMs: this.policy.patienceMs,
      maxWaitMs: this.policy.maxWaitMs,
      queueMs: QUEUE_MS,
      nowMs: this.chance.nowMs(),
    });
  }

  /** Takes the lane of an attempt; every lease ends in `succeed`, `fail` or `drop`. */
  acquire(key: Key, ref: ModelRef, probe: boolean): Lease {
    const startedMs = this.chance.nowMs();
    take(this.#loadOf(key), this.#limitsOf(ref.provider), startedMs);
    this.#turns.set(ref.provider, (this.#turns.get(ref.provider) ?? 0) + 1);
    if (probe) for (const id of this.#restingIds(key, ref)) this.#probing.add(id);
    return { key, ref, startedMs, probe };
  }

  /** The lane has begun to answer well: whatever held against it is forgiven. The call itself goes on. */
  succeed(lease: Lease, session: Session): void {
    session.stuckTo.set(lease.ref.provider, lease.key.fingerprint);
    session.limitedInARow = 0;
    this.#models.set(formatModelRef(lease.ref), lease.ref);
    const freed = restIdsOf(lease.key, lease.ref).filter((id) => this.#health.has(id));
    if (lease.probe) for (const id of restIdsOf(lease.key, lease.ref)) this.#probing.delete(id);
    for (const id of freed) this.#clear(id, lease.startedMs);
    if (freed.length > 0) this.waiting.wakeAll();
  }

  /** The attempt has failed: sets the rest its verdict calls for, and says what the request does next. */
  fail(lease: Lease, verdict: Verdict, request: { progress: Progress; session: Session }): Decision {
    const { key, ref } = lease;
    const { progress, session } = request;
    session.limitedInARow = verdict.kind === "rate-limit" ? session.limitedInARow + 1 : 0;
    if (verdict.kind === "concurrency") {
      shrinkCap(this.#loadOf(key), this.#limitsOf(ref.provider), this.chance.nowMs());
    }
    this.#rest(lease, verdict);
    const decision = decide({
      verdict,
      key,
      ref,
      progress,
      keys: this.keysOf(ref.provider),
      triesPerKey: this.policy.triesPerKey,
      limitedInARow: session.limitedInARow,
      rateLimitThreshold: this.policy.rateLimitThreshold,
      random: this.chance.random,
    });
    settle(progress, decision, { verdict, key, ref });
    return decision;
  }

  /** The call is over, however it went. */
  drop(lease: Lease): void {
    release(this.#loadOf(lease.key));
    if (lease.probe) for (const id of restIdsOf(lease.key, lease.ref)) this.#probing.delete(id);
    this.waiting.wakeFirst();
  }

  /** Takes in what another process has learned; nothing is announced again. */
  learn(rests: Iterable<Rest>, cleared: Iterable<string>): void {
    for (const id of cleared) this.#health.delete(id);
    for (const rest of rests) this.#health.set(rest.id, rest);
    this.waiting.wakeAll();
  }

  /** Ends rests by hand: all of them, those of one key, or those of one key for one model. */
  reset(which: { fingerprint?: string; model?: string } = {}): number {
    const ids = [...this.#health.keys()].filter((id) => coveredBy(id, which));
    for (const id of ids) this.#clear(id, Number.POSITIVE_INFINITY);
    this.waiting.wakeAll();
    return ids.length;
  }

  setEnabled(fingerprint: string, enabled: boolean): Key | undefined {
    const key = this.allKeys.find((one) => one.fingerprint === fingerprint);
    if (key === undefined) return undefined;
    key.enabled = enabled;
    this.emit({ kind: "key-changed", fingerprint, keyName: key.name, enabled });
    this.waiting.wakeAll();
    return key;
  }

  subscribe(listener: (event: RouterEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The ledger listens at the side: its failures are its own. */
  emit(event: RouterEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        this.#listeners.delete(listener);
      }
    }
  }

  #rest(lease: Lease, verdict: Verdict): void {
    const target = restTarget(verdict.fault, lease.key, lease.ref);
    if (target === undefined) return;
    const previous = this.#health.get(target.id);
    const rest = nextRest(previous, {
      verdict,
      target,
      startedMs: lease.startedMs,
      nowMs: this.chance.nowMs(),
      policy: this.policy,
      random: this.chance.random,
    });
    if (rest === previous) return;
    this.#health.set(rest.id, rest);
    this.emit({ kind: "rested", rest, keyName: lease.key.name });
  }

  /** A success does not undo what was learned after it was sent. */
  #clear(id: string, startedMs: number): void {
    const rest = this.#health.get(id);
    if (rest === undefined || rest.sinceMs > startedMs) return;
    this.#health.delete(id);
    this.emit({ kind: "cleared", id });
  }

  #restingIds(key: Key, ref: ModelRef): string[] {
    return restIdsOf(key, ref).filter((id) => (this.#health.get(id)?.untilMs ?? 0) > 0);
  }

  #loadOf(key: Key): Load {
    const load = this.#loads.get(key.fingerprint) ?? emptyLoad();
    this.#loads.set(key.fingerprint, load);
    return load;
  }

  #limitsOf(provider: string): KeyLimits {
    return this.providers.get(provider) ?? NO_LIMITS;
  }
}

function coveredBy(id: string, which: { fingerprint?: string; model?: string }): boolean {
  const { fingerprint, model } = which;
  if (fingerprint !== undefined && !id.startsWith(`lane ${fingerprint} `) && id !== restId.key(fingerprint)) {
    return model !== undefined && id === `model ${model}`;
  }
  return model === undefined || id.endsWith(` ${model}`);
}
