import type { Key } from "../core/key.ts";
import { ANY_MODEL, formatModelRef, type ModelRef } from "../core/model-ref.ts";
import {
  type Cooldown,
  type CooldownSelection,
  cooldownId,
  cooldownTargets,
  notFromLater,
} from "../core/routing/cooldown.ts";
import { blame, type Decision, decide, settle } from "../core/routing/decide.ts";
import type { AnswerProgress, RouterEvent } from "../core/routing/events.ts";
import {
  emptyLoad,
  type KeyLimits,
  type Load,
  release,
  shrinkCap,
  take,
  untake,
} from "../core/routing/limits.ts";
import { ModelFacts } from "../core/routing/model-facts.ts";
import {
  hasOtherModel,
  hasUntriedLane,
  nextStep,
  type Step,
  type StepInput,
} from "../core/routing/next-step.ts";
import { isExcluded } from "../core/routing/progress.ts";
import { restick, type Session, SessionBook, sessionContext, unstick } from "../core/routing/session.ts";
import type { Claim, ClaimRequest } from "../core/routing/shared-limits.ts";
import { ReplyTrust, TieBook } from "../core/routing/ties.ts";
import type { Verdict, VerdictKind } from "../core/verdict/verdict.ts";
import { Attempt, type RunContext } from "./attempt.ts";
import { Budgets, type PriceOf, type TokenPrice } from "./budgets.ts";
import { Cooldowns } from "./cooldowns.ts";
import { type Env, realAfter } from "./env.ts";
import { Quotas } from "./quotas.ts";
import type { ModelRequest } from "./read-request.ts";
import { HandSwitched, type RoutingSnapshot, type SnapshotInput, snapshotOf } from "./snapshot.ts";
import { ConnectionLoad, startCall, type Transport } from "./transport.ts";
import { WaitQueue } from "./wait-queue.ts";

export function progressOf(
  { id, sessionId, asked }: Pick<ModelRequest, "id" | "sessionId" | "asked">,
  { key, ref, startedMs }: Attempt,
  step: Pick<AnswerProgress, "phase" | "tool" | "chars">,
): AnswerProgress {
  return {
    id,
    session: sessionId ?? null,
    asked,
    model: formatModelRef(ref),
    key: key.name,
    fingerprint: key.fingerprint,
    ...step,
    sinceMs: startedMs,
  };
}

/** The calls to providers in progress. Progress is computed only on request. */
export class Answers {
  readonly #all = new Set<() => AnswerProgress>();

  /** Returns a function that removes it. */
  add(progress: () => AnswerProgress): () => void {
    this.#all.add(progress);
    return () => this.#all.delete(progress);
  }

  /** Oldest first. */
  list(): AnswerProgress[] {
    return [...this.#all].map((progress) => progress());
  }
}

type Listener = (event: RouterEvent) => void;

/** Listeners to the router's events. One that throws is removed, so that it cannot fail a request. */
export class Listeners {
  readonly #all = new Set<Listener>();

  /** Returns a function that removes it. */
  add(listener: Listener): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  tell(event: RouterEvent): void {
    for (const listener of this.#all) {
      try {
        listener(event);
      } catch {
        this.#all.delete(listener);
      }
    }
  }
}

export interface RouterOptions extends SnapshotInput {
  env: Env;
  /** How requests reach providers; by default over the network. */
  transport?: Transport;
  /** What models cost, for budgets in dollars. */
  priceOf?: PriceOf;
}

/** The limits of keys over all processes, kept by a store. */
export interface SharedLimits {
  claim: (request: ClaimRequest) => Promise<Claim>;
  release: (id: string) => void;
  leave: (request: Pick<ClaimRequest, "waiter" | "key">) => void;
}

/** The longest time in our own queue (pacing, limits). */
const QUEUE_MS = 5 * 60_000;

/** A stand-in for a key, such as the word "ollama", is no secret. */
function secretsOf({ keys, providers }: SnapshotInput): string[] {
  return keys.flatMap(({ provider, secret, source }) =>
    source === "embedded" && secret === providers.get(provider)?.placeholderKey ? [] : secret,
  );
}

const NO_LIMITS: KeyLimits = { rpm: undefined, concurrency: undefined };

/** The state of keys and lanes in this process. Decisions are made in core. */
export class Router {
  readonly env: Required<Env>;
  readonly transport: Transport;
  readonly sessions = new SessionBook();
  readonly ties = new TieBook();
  readonly trust = new ReplyTrust();
  readonly queue: WaitQueue;
  readonly connections = new ConnectionLoad();
  readonly facts = new ModelFacts();
  readonly answers = new Answers();

  readonly #secrets: string[] = [];
  #snapshot: RoutingSnapshot;
  readonly #byHand = new HandSwitched();
  readonly #cooldowns = new Cooldowns((event) => this.emit(event));
  readonly quotas: Quotas;
  readonly budgets: Budgets;
  readonly #priceOf: PriceOf;
  readonly #loads = new Map<string, Load>();
  readonly #listeners = new Listeners();
  readonly #turns = new Map<string, number>();
  readonly #answered = new Map<string, { ref: ModelRef; atMs: number }>();
  #shared: SharedLimits | undefined;

  constructor(options: RouterOptions) {
    this.#snapshot = snapshotOf(options);
    this.keepSecret(...secretsOf(options));
    this.env = { after: realAfter, ...options.env };
    this.transport = options.transport ?? startCall;
    this.queue = new WaitQueue(this.env);
    this.#priceOf = options.priceOf ?? (() => undefined);
    this.budgets = new Budgets({
      cooldowns: this.#cooldowns,
      keys: () => this.#snapshot.keys,
      budgetOf: (key) => key.dailyBudget ?? this.#snapshot.providers.get(key.provider)?.dailyBudget,
      priceOf: this.#priceOf,
      env: this.env,
    });
    this.quotas = new Quotas({
      cooldowns: this.#cooldowns,
      emit: (event) => this.emit(event),
      onFreed: () => this.queue.serve(),
      reserve: () => this.#snapshot.quota.reserve,
      env: this.env,
    });
  }

  /** What a model costs; undefined where that is not known. */
  priceOf(model: string): TokenPrice | undefined {
    return this.#priceOf(model);
  }

  /** Applies to requests that begin now. */
  get snapshot(): RoutingSnapshot {
    return this.#snapshot;
  }

  /** Applies changed files; requests in progress keep their snapshot. */
  follow(options: SnapshotInput): void {
    this.keepSecret(...secretsOf(options));
    this.#snapshot = snapshotOf({ ...options, keys: this.#byHand.over(options.keys) });
    this.emit({ kind: "settings-taken" });
  }

  /** Everything that no provider's words may hold. It only grows: a removed key stays secret. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  keepSecret(...secrets: readonly string[]): void {
    const known = new Set(this.#secrets);
    this.#secrets.push(...new Set(secrets.filter((secret) => !known.has(secret))));
  }

  get cooldowns(): ReadonlyMap<string, Cooldown> {
    return this.#cooldowns.all;
  }

  /** The models of chains and fallbacks, and those that have answered. */
  knownModels(): ModelRef[] {
    const named = this.#snapshot.knownModels.map((ref): [string, ModelRef] => [formatModelRef(ref), ref]);
    const answered = [...this.#answered].map(([model, { ref }]): [string, ModelRef] => [model, ref]);
    return [...new Map([...named, ...answered]).values()];
  }

  inFlight(key: Key): number {
    return this.#loads.get(key.fingerprint)?.inFlight ?? 0;
  }

  step(context: RunContext): Step {
    return nextStep(this.#situation(context));
  }

  /** Whether a lane that has not failed this request could take over now. */
  hasUntriedLane(attempt: Attempt, context: RunContext): boolean {
    return hasUntriedLane(attempt.key, attempt.ref, this.#situation(context));
  }

  /** Shares the limits of keys with other processes from the next call on; undefined ends that. */
  shareLimits(shared: SharedLimits | undefined): void {
    this.#shared = shared;
  }

  /** Takes a lane for an attempt. */
  begin({ key, ref, probe, isLastResort }: Extract<Step, { kind: "attempt" }>): Attempt {
    const startedMs = this.env.now();
    this.connections.enter();
    const load = this.#loadOf(key);
    take(load, this.#limitsOf(ref.provider), startedMs);
    this.quotas.noteUse(key, startedMs);
    if (this.mustClaim(ref)) load.isClaiming = true;
    this.#turns.set(ref.provider, (this.#turns.get(ref.provider) ?? 0) + 1);
    const probes = probe ? this.#cooldowns.probe(key, ref, startedMs) : [];
    return new Attempt({
      ...{ key, ref, startedMs, probe, isLastResort, probes },
      release: (attempt) => this.#release(attempt),
      onClosed: () => this.queue.serve(),
    });
  }

  /** Whether other processes share the limits of this provider. */
  mustClaim({ provider }: ModelRef): boolean {
    if (this.#shared === undefined) return false;
    const { rpm, concurrency } = this.#limitsOf(provider);
    return rpm !== undefined || concurrency !== undefined;
  }

  /** Whether the attempt may be sent. If not, it is closed as if it had never begun, and the lane waits. */
  async claim(attempt: Attempt, waiter: string): Promise<boolean> {
    const { key, ref, startedMs } = attempt;
    const load = this.#loadOf(key);
    const shared = this.#shared;
    const id = crypto.randomUUID();
    const limits = this.#limitsOf(ref.provider);
    const claim = (await shared?.claim({ id, waiter, key: key.fingerprint, limits })) ?? { kind: "unknown" };
    load.isClaiming = false;
    if (claim.kind === "wait") {
      untake(load, startedMs, this.env.now() + claim.afterMs);
      attempt.close();
      return false;
    }
    attempt.lease = { release: () => shared?.release(id) };
    // Requests in the queue could not look while this one was asking.
    this.queue.serve();
    return true;
  }

  /** The request no longer waits for these keys. */
  leaveLines(waiter: string, fingerprints: Iterable<string>): void {
    for (const key of fingerprints) this.#shared?.leave({ waiter, key });
  }

  /** The answer has begun: others may use the lane again. The call itself continues. */
  succeed(attempt: Attempt, session: Session): void {
    const { key, ref, startedMs } = attempt;
    session.limitedInARow = 0;
    restick(session, key, this.#snapshot.policy.strategy);
    if (ref.model !== ANY_MODEL) this.#answered.set(formatModelRef(ref), { ref, atMs: this.env.now() });
    this.#cooldowns.endProbe(attempt.probes.splice(0));
    if (this.#cooldowns.answering(key, ref, startedMs) || attempt.probe) this.queue.serve();
  }

  /** The answer is complete: the lane's cooldowns and counted failures end. */
  complete(attempt: Attempt): void {
    this.#cooldowns.answered(attempt.key, attempt.ref, attempt.startedMs);
  }

  /** Sets the cooldown for the verdict and returns what the request does next. */
  fail(attempt: Attempt, said: Verdict, context: RunContext, { isBroken = false } = {}): Decision {
    const { key, ref, startedMs } = attempt;
    const { progress, session, snapshot } = context;
    const situation = this.#situation(context);
    const { nowMs } = situation;
    const providerKeys = snapshot.keysOf(ref.provider);
    const keys = providerKeys.filter((one) => one.enabled && !isExcluded(progress, one, ref));
    const lane = { key, ref, progress, keys, hasOtherModel: () => hasOtherModel(ref, situation) };
    const isSameElsewhere = (): boolean => this.#isSameElsewhere(attempt, said.kind, providerKeys);
    const verdict = { ...said, fault: blame({ ...lane, verdict: said, isSameElsewhere }) };
    attempt.release();
    if (verdict.fault !== "request") unstick(session, key, providerKeys, snapshot.policy.strategy);
    session.limitedInARow = verdict.kind === "rate-limit" ? session.limitedInARow + 1 : 0;
    if (verdict.kind === "concurrency") shrinkCap(this.#loadOf(key), this.#limitsOf(ref.provider), nowMs);
    this.#cooldown(attempt, verdict, snapshot);
    const { policy } = snapshot;
    const failed = { verdict, key, ref, startedMs, nowMs, isBroken };
    const decision = decide({ ...lane, ...failed, ...policy, limitedInARow: session.limitedInARow });
    settle(progress, decision, { ...failed, ...policy, random: this.env.random });
    // Only after the cooldown was set: the next request must not run into the same failure.
    attempt.close();
    return decision;
  }

  /** Whether another key has failed in the same way on this model. */
  #isSameElsewhere({ key, ref }: Attempt, kind: VerdictKind, keys: readonly Key[]): boolean {
    const nowMs = this.env.now();
    const answeredMs = this.#answered.get(formatModelRef(ref))?.atMs ?? 0;
    return keys.some((other) => {
      if (other === key) return false;
      const cooldown = this.#cooldowns.all.get(cooldownId.lane(other.fingerprint, ref));
      if (cooldown === undefined || cooldown.kind !== kind || cooldown.untilMs <= nowMs) return false;
      return cooldown.sinceMs >= answeredMs;
    });
  }

  #release({ key, probes, lease }: Attempt): void {
    this.connections.leave(this.env.now());
    lease?.release();
    release(this.#loadOf(key));
    this.#cooldowns.endProbe(probes.splice(0));
  }

  /** Changes from other processes are not announced again. */
  learn(cooldowns: Iterable<Cooldown>, cleared: Iterable<string>): void {
    const nowMs = this.env.now();
    this.#cooldowns.learn(
      [...cooldowns].map((cooldown) => notFromLater(cooldown, nowMs)),
      cleared,
    );
    this.queue.serve();
  }

  /** Ends all cooldowns, those of one key, or those of one key for one model. */
  reset(which: CooldownSelection = {}): number {
    const ended = this.#cooldowns.reset(which);
    this.queue.serve();
    return ended;
  }

  /** Enables or disables a key for this process only: the file belongs to the user. */
  setEnabled(fingerprint: string, enabled: boolean): Key | undefined {
    const key = this.#snapshot.keys.find((one) => one.fingerprint === fingerprint);
    if (key === undefined) return undefined;
    this.#byHand.note(key, enabled);
    key.enabled = enabled;
    this.emit({ kind: "key-changed", fingerprint, keyName: key.name, enabled });
    this.queue.serve();
    return key;
  }

  subscribe(listener: (event: RouterEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  emit(event: RouterEvent): void {
    if (event.kind === "finished") this.budgets.note(event.record);
    this.#listeners.tell(event);
  }

  #cooldown(attempt: Attempt, verdict: Verdict, { policy }: RoutingSnapshot): void {
    const { key, ref, startedMs } = attempt;
    const { env } = this;
    for (const target of cooldownTargets(verdict, key, ref)) {
      const failure = { verdict, target, startedMs, nowMs: env.now(), policy, random: env.random };
      this.#cooldowns.failed(failure, key.name);
    }
  }

  #situation({ progress, session, snapshot }: RunContext): StepInput {
    const { policy } = snapshot;
    return {
      progress,
      keysOf: snapshot.keysOf,
      limitsOf: (provider) => snapshot.providers.get(provider) ?? NO_LIMITS,
      cooldowns: this.#cooldowns.all,
      probing: this.#cooldowns.probing,
      loads: this.#loads,
      // Without a reading all keys are equal.
      strategy: policy.strategy === "auto" && this.quotas.isEmpty ? "sticky" : policy.strategy,
      holdMs: policy.holdMs,
      standingOf: (key, ref) => this.quotas.standing(key, ref),
      contextOf: (provider) => ({
        ...sessionContext(session, provider, (key) => (this.#loads.get(key)?.inFlight ?? 0) > 0),
        turn: this.#turns.get(provider) ?? 0,
        random: this.env.random,
      }),
      patienceMs: policy.patienceMs,
      maxWaitMs: policy.maxWaitMs,
      queueMs: QUEUE_MS,
      nowMs: this.env.now(),
    };
  }

  #loadOf(key: Key): Load {
    const load = this.#loads.get(key.fingerprint) ?? emptyLoad();
    this.#loads.set(key.fingerprint, load);
    return load;
  }

  #limitsOf(provider: string): KeyLimits {
    return this.#snapshot.providers.get(provider) ?? NO_LIMITS;
  }
}
