import type { Key } from "../core/key.ts";
import { ANY_MODEL, formatModelRef, type ModelRef } from "../core/model-ref.ts";
import { blame, type Decision, decide, settle } from "../core/routing/decide.ts";
import { emptyLoad, type KeyLimits, type Load, release, shrinkCap, take } from "../core/routing/load.ts";
import { ModelFacts } from "../core/routing/model-facts.ts";
import {
  hasOtherModel,
  hasUntriedLane,
  nextStep,
  type Step,
  type StepInput,
} from "../core/routing/next-step.ts";
import { isExcluded } from "../core/routing/progress.ts";
import { notFromLater, type Rest, restId, restTarget } from "../core/routing/rest.ts";
import type { RestSelection } from "../core/routing/rest-cover.ts";
import type { RouterEvent } from "../core/routing/router-event.ts";
import { type Session, SessionBook, unstick } from "../core/routing/session.ts";
import { RefusedFields } from "../core/stream/refused-fields.ts";
import type { Verdict, VerdictKind } from "../core/verdict/verdict.ts";
import { Answers } from "./answers.ts";
import { type Chance, realAfter } from "./chance.ts";
import { Crowd } from "./crowd.ts";
import { Health } from "./health.ts";
import type { Lease, Traveller } from "./lease.ts";
import { Listeners } from "./listeners.ts";
import { HandSwitched, type Terms, type TermsOptions, termsOf } from "./terms.ts";
import { startCall, type Transport } from "./upstream.ts";
import { Waiting } from "./waiting.ts";

export interface RouterOptions extends TermsOptions {
  chance: Chance;
  /** How calls reach providers; over the network when left out. */
  transport?: Transport;
}

/** The longest a request stands in our own queue (pacing, caps), where no refusal is in sight. */
const QUEUE_MS = 5 * 60_000;

const NO_LIMITS: KeyLimits = { rpm: undefined, concurrency: undefined };

/** What is known of keys and lanes in this process, and the choice among them. Decisions are core's; this keeps their state. */
export class Router {
  readonly chance: Required<Chance>;
  readonly transport: Transport;
  readonly sessions = new SessionBook();
  readonly waiting: Waiting;
  readonly crowd = new Crowd();
  readonly facts = new ModelFacts();
  readonly answers = new Answers();
  readonly refusedFields = new RefusedFields();

  #terms: Terms;
  readonly #byHand = new HandSwitched();
  readonly #health = new Health((event) => this.emit(event));
  readonly #loads = new Map<string, Load>();
  readonly #listeners = new Listeners();
  readonly #turns = new Map<string, number>();
  readonly #answered = new Map<string, ModelRef>();

  constructor(options: RouterOptions) {
    this.#terms = termsOf(options);
    this.chance = { after: realAfter, ...options.chance };
    this.transport = options.transport ?? startCall;
    this.waiting = new Waiting(this.chance);
  }

  /** The terms for requests that begin now. */
  get terms(): Terms {
    return this.#terms;
  }

  /** Goes by what the files say now; requests under way go on as they began. */
  follow(options: TermsOptions): void {
    this.#terms = termsOf({ ...options, keys: this.#byHand.over(options.keys) });
    this.emit({ kind: "settings-taken" });
  }

  get health(): ReadonlyMap<string, Rest> {
    return this.#health.rests;
  }

  /** The models of chains and fallbacks, and those that have answered. */
  knownModels(): ModelRef[] {
    const named = this.#terms.knownModels.map((ref): [string, ModelRef] => [formatModelRef(ref), ref]);
    return [...new Map([...named, ...this.#answered]).values()];
  }

  inFlight(key: Key): number {
    return this.#loads.get(key.fingerprint)?.inFlight ?? 0;
  }

  /** What a request should do next. */
  step(traveller: Traveller): Step {
    return nextStep(this.#situation(traveller));
  }

  /** Whether a lane that has not failed this request could take over now. */
  hasUntriedLane(lease: Lease, traveller: Traveller): boolean {
    return hasUntriedLane(lease.key, lease.ref, this.#situation(traveller));
  }

  /** Takes the lane of an attempt; every lease ends in `fail` or `drop`. */
  acquire(key: Key, ref: ModelRef, probe: boolean): Lease {
    const startedMs = this.chance.nowMs();
    this.crowd.enter();
    take(this.#loadOf(key), this.#limitsOf(ref.provider), startedMs);
    this.#turns.set(ref.provider, (this.#turns.get(ref.provider) ?? 0) + 1);
    const probes = probe ? this.#health.probe(key, ref, startedMs) : [];
    return { key, ref, startedMs, probe, probes, isHeld: true };
  }

  /** The lane has begun to answer well: others may use it again. The call itself goes on. */
  succeed(lease: Lease, session: Session): void {
    const { key, ref, startedMs } = lease;
    session.limitedInARow = 0;
    if (ref.model !== ANY_MODEL) this.#answered.set(formatModelRef(ref), ref);
    this.#health.endProbe(lease.probes.splice(0));
    if (this.#health.answering(key, ref, startedMs) || lease.probe) this.waiting.serve();
  }

  /** The answer has come to its end: whatever held against the lane is forgiven. */
  complete(lease: Lease): void {
    this.#health.answered(lease.key, lease.ref, lease.startedMs);
  }

  /** The attempt has failed and is over: sets the rest its verdict calls for, and says what the request does next. */
  fail(lease: Lease, said: Verdict, traveller: Traveller, { isBroken = false } = {}): Decision {
    const { key, ref, startedMs } = lease;
    const { progress, session, terms } = traveller;
    const situation = this.#situation(traveller);
    const { nowMs } = situation;
    const providerKeys = terms.keysOf(ref.provider);
    const keys = providerKeys.filter((one) => one.enabled && !isExcluded(progress, one, ref));
    const lane = { key, ref, progress, keys, hasOtherModel: () => hasOtherModel(ref, situation) };
    const isSameElsewhere = (): boolean => this.#isSameElsewhere(lease, said.kind, providerKeys);
    const verdict = { ...said, fault: blame({ ...lane, verdict: said, isSameElsewhere }) };
    this.#release(lease);
    if (verdict.fault !== "request") unstick(session, key, providerKeys);
    session.limitedInARow = verdict.kind === "rate-limit" ? session.limitedInARow + 1 : 0;
    if (verdict.kind === "concurrency") shrinkCap(this.#loadOf(key), this.#limitsOf(ref.provider), nowMs);
    this.#rest(lease, verdict, terms);
    const { policy } = terms;
    const failed = { verdict, key, ref, startedMs, nowMs, isBroken };
    const decision = decide({ ...lane, ...failed, ...policy, limitedInARow: session.limitedInARow });
    settle(progress, decision, { ...failed, ...policy, random: this.chance.random });
    // Not before the rest is set: the next in line must not run into the same refusal.
    this.waiting.serve();
    return decision;
  }

  /** Whether another key is known to fail in the same way on this model. */
  #isSameElsewhere({ key, ref }: Lease, kind: VerdictKind, keys: readonly Key[]): boolean {
    const nowMs = this.chance.nowMs();
    return keys.some((other) => {
      if (other === key) return false;
      const rest = this.#health.rests.get(restId.lane(other.fingerprint, ref));
      return rest !== undefined && rest.kind === kind && rest.untilMs > nowMs;
    });
  }

  /** The call is over: the next in line may have its place. Only the first time counts. */
  drop(lease: Lease): void {
    this.#release(lease);
    this.waiting.serve();
  }

  #release(lease: Lease): void {
    if (!lease.isHeld) return;
    lease.isHeld = false;
    this.crowd.leave(this.chance.nowMs());
    release(this.#loadOf(lease.key));
    this.#health.endProbe(lease.probes.splice(0));
  }

  /** Takes in what another process has learned; nothing is announced again. */
  learn(rests: Iterable<Rest>, cleared: Iterable<string>): void {
    const nowMs = this.chance.nowMs();
    this.#health.learn(
      [...rests].map((rest) => notFromLater(rest, nowMs)),
      cleared,
    );
    this.waiting.serve();
  }

  /** Ends rests by hand: all of them, those of one key, or those of one key for one model. */
  reset(which: RestSelection = {}): number {
    const ended = this.#health.reset(which);
    this.waiting.serve();
    return ended;
  }

  /** Switches a key for this process alone: the file is the user's to change. */
  setEnabled(fingerprint: string, enabled: boolean): Key | undefined {
    const key = this.#terms.keys.find((one) => one.fingerprint === fingerprint);
    if (key === undefined) return undefined;
    this.#byHand.note(key, enabled);
    key.enabled = enabled;
    this.emit({ kind: "key-changed", fingerprint, keyName: key.name, enabled });
    this.waiting.serve();
    return key;
  }

  subscribe(listener: (event: RouterEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  emit(event: RouterEvent): void {
    this.#listeners.tell(event);
  }

  #rest(lease: Lease, verdict: Verdict, { policy }: Terms): void {
    const { key, ref, startedMs } = lease;
    const target = restTarget(verdict.fault, key, ref);
    if (target === undefined) return;
    const { chance } = this;
    const failure = { verdict, target, startedMs, nowMs: chance.nowMs(), policy, random: chance.random };
    this.#health.failed(failure, key.name);
  }

  #situation({ progress, session, terms }: Traveller): StepInput {
    const { policy } = terms;
    return {
      progress,
      keysOf: terms.keysOf,
      limitsOf: (provider) => terms.providers.get(provider) ?? NO_LIMITS,
      health: this.#health.rests,
      probing: this.#health.probing,
      loads: this.#loads,
      strategy: policy.strategy,
      contextOf: (provider) => ({
        session: session.id,
        stuckTo: session.stuckTo.get(provider),
        turn: this.#turns.get(provider) ?? 0,
        random: this.chance.random,
      }),
      patienceMs: policy.patienceMs,
      maxWaitMs: policy.maxWaitMs,
      queueMs: QUEUE_MS,
      nowMs: this.chance.nowMs(),
    };
  }

  #loadOf(key: Key): Load {
    const load = this.#loads.get(key.fingerprint) ?? emptyLoad();
    this.#loads.set(key.fingerprint, load);
    return load;
  }

  #limitsOf(provider: string): KeyLimits {
    return this.#terms.providers.get(provider) ?? NO_LIMITS;
  }
}
