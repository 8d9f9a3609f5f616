import type { Key } from "../core/key.ts";
import { ANY_MODEL, formatModelRef, type ModelRef } from "../core/model-ref.ts";
import { type Decision, decide, faultIn, settle } from "../core/routing/decide.ts";
import { emptyLoad, type KeyLimits, type Load, release, shrinkCap, take } from "../core/routing/load.ts";
import { ModelFacts } from "../core/routing/model-facts.ts";
import { canMoveOn, hasOtherLane, nextStep, type Step, type StepInput } from "../core/routing/next-step.ts";
import { notFromLater, type Rest, restTarget } from "../core/routing/rest.ts";
import type { RestSelection } from "../core/routing/rest-cover.ts";
import type { RouterEvent } from "../core/routing/router-event.ts";
import { type Session, SessionBook, unstick } from "../core/routing/session.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import { type Chance, realAfter } from "./chance.ts";
import { Crowd } from "./crowd.ts";
import { Health } from "./health.ts";
import type { Lease, Traveller } from "./lease.ts";
import { Listeners } from "./listeners.ts";
import { HandSwitched, type Terms, type TermsOptions, termsOf } from "./terms.ts";
import { Waiting } from "./waiting.ts";

export interface RouterOptions extends TermsOptions {
  chance: Chance;
}

/** The longest a request stands in our own queue (pacing, caps), where no refusal is in sight. */
const QUEUE_MS = 5 * 60_000;

const NO_LIMITS: KeyLimits = { rpm: undefined, concurrency: undefined };

/** What is known of keys and lanes in this process, and the choice among them. Decisions are core's; this keeps their state. */
export class Router {
  readonly chance: Required<Chance>;
  readonly sessions = new SessionBook();
  readonly waiting: Waiting;
  readonly crowd = new Crowd();
  readonly facts = new ModelFacts();

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

  /** Whether a model behind the lane's in the chain could take over now. */
  canMoveOn(lease: Lease, traveller: Traveller): boolean {
    return canMoveOn(lease.ref, this.#situation(traveller));
  }

  /** Whether any other lane could take over now. */
  hasOtherLane(lease: Lease, traveller: Traveller): boolean {
    return hasOtherLane(lease.key, lease.ref, this.#situation(traveller));
  }

  /** Takes the lane of an attempt; every lease ends in `fail` or `drop`. */
  acquire(key: Key, ref: ModelRef, probe: boolean): Lease {
    const startedMs = this.chance.nowMs();
    this.crowd.enter();
    take(this.#loadOf(key), this.#limitsOf(ref.provider), startedMs);
    this.#turns.set(ref.provider, (this.#turns.get(ref.provider) ?? 0) + 1);
    const probes = probe ? this.#health.probe(key, ref) : [];
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
  fail(lease: Lease, said: Verdict, { progress, session, terms }: Traveller): Decision {
    const { key, ref } = lease;
    const keys = terms.keysOf(ref.provider);
    const verdict = { ...said, fault: faultIn({ verdict: said, key, ref, progress, keys }) };
    this.#release(lease);
    if (verdict.fault !== "request") unstick(session, key, keys);
    session.limitedInARow = verdict.kind === "rate-limit" ? session.limitedInARow + 1 : 0;
    if (verdict.kind === "concurrency")
      shrinkCap(this.#loadOf(key), this.#limitsOf(ref.provider), this.chance.nowMs());
    this.#rest(lease, verdict, terms);
    const decision = decide({
      verdict,
      key,
      ref,
      progress,
      keys,
      triesPerKey: terms.policy.triesPerKey,
      limitedInARow: session.limitedInARow,
      rateLimitThreshold: terms.policy.rateLimitThreshold,
      random: this.chance.random,
    });
    settle(progress, decision, { verdict, key, ref });
    // Not before the rest is set: the next in line must not run into the same refusal.
    this.waiting.serve();
    return decision;
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
      cooldown: policy.cooldown,
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
