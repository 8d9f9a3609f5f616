import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import type { Decision } from "../core/routing/decide.ts";
import type { Step } from "../core/routing/next-step.ts";
import { chargeWait, laneId, type Progress, startProgress, triesOn } from "../core/routing/progress.ts";
import type { RequestWait } from "../core/routing/request-wait.ts";
import type { Dialect } from "../core/routing/route.ts";
import { stick } from "../core/routing/session.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { SentAnswer } from "../core/stream/continuation.ts";
import type { GateFailure } from "../core/stream/gate-step.ts";
import { outputTokensOf } from "../core/stream/output-limit.ts";
import type { UserRule } from "../core/verdict/error-rule.ts";
import { ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import { progressOf } from "./answers.ts";
import { makeAttempt } from "./attempt.ts";
import type { AttemptOutcome, ErrorReply } from "./attempt-outcome.ts";
import { failureVerdict } from "./judge-reply.ts";
import type { Lease, Traveller } from "./lease.ts";
import { cleanAfter, type ModelRequest } from "./model-request.ts";
import type { Router } from "./router.ts";
import type { Trail } from "./trail.ts";

/** Where the walk over keys and models has led. A lease that comes with it is still held. */
export type Arrival =
  | { kind: "answer"; outcome: Extract<AttemptOutcome, { kind: "stream" | "body" }>; lease: Lease }
  | { kind: "refusal"; verdict: Verdict; reply: ErrorReply | undefined }
  | { kind: "exhausted" }
  | { kind: "client-gone" };

export interface WalkOptions {
  router: Router;
  trail: Trail;
  rules: readonly UserRule[];
  errorBodyBytes: number;
  answerBytes: number;
  /** Windows of models, where they are known: an overflow goes only to a larger one. */
  windowOf: (model: string) => number | undefined;
}

/** Calls on one lane that differ from the one before, within one request. */
const DIFFERENT_TRIES = 6;

/** What a look around found: a lane, taken at once, or nothing for now. */
type Found = { kind: "lease"; lease: Lease } | Exclude<Step, { kind: "attempt" }>;

type WaitStep = Extract<Step, { kind: "wait" }>;

/** Shorter waits are told to nobody: they are over before a person has read of them. */
const NOTABLE_WAIT_MS = 1000;

/** One request's way over keys and models. The rules are core's; here they are carried out. */
export class Walk {
  readonly request: ModelRequest;
  readonly progress: Progress;
  readonly #options: WalkOptions;
  readonly #router: Router;
  /** Its place in line; undefined until the first wait. */
  #ticket: number | undefined;
  /** When the first wait began, until somebody answers. */
  #waitingSinceMs: number | undefined;
  /** Whether a wait was announced whose end was not. */
  #isWaitTold = false;
  /** The lane taken last. */
  #lease: Lease | undefined;
  #overflow: { verdict: Verdict; reply: ErrorReply | undefined } | undefined;

  constructor(request: ModelRequest, options: WalkOptions) {
    this.request = request;
    this.#options = options;
    this.#router = options.router;
    this.progress = startProgress(request.targets, options.router.chance.random());
  }

  /**
   * Goes on until somebody answers or nobody is left. With `continues` only an answer that can be fitted to what the client
   * has counts. It may be called again whenever an answer broke off: `max_wait` bounds the tries of all these calls together.
   */
  async go(continues?: SentAnswer): Promise<Arrival> {
    try {
      return await this.#loop(continues);
    } finally {
      this.#endWaiting();
    }
  }

  async #loop(continues: SentAnswer | undefined): Promise<Arrival> {
    const { signal } = this.request;
    for (;;) {
      if (signal.aborted) return { kind: "client-gone" };
      // Those who wait came first.
      this.#router.waiting.serve(this.#ticket);
      const now = this.#look();
      const found = now.kind === "wait" ? await this.#wait(now) : now;
      if (found === undefined) continue;
      if (found.kind === "give-up")
        return this.#overflow ? { kind: "refusal", ...this.#overflow } : { kind: "exhausted" };
      const arrival = await this.#attempt(found.lease, continues);
      if (arrival !== undefined) return arrival;
    }
  }

  /** A lane that failed after it had begun to answer. Any lane that has not failed goes before it. */
  broke(lease: Lease, verdict: Verdict): Decision {
    this.#options.trail.failed(lease, verdict);
    this.#note(lease, verdict);
    return this.#router.fail(lease, verdict, this.#traveller, { isBroken: true });
  }

  /** Whether a lane that has not failed this request could take over now. */
  hasUntriedLane(lease: Lease): boolean {
    return this.#router.hasUntriedLane(lease, this.#traveller);
  }

  /** The lane's answers are of no use to this request: it is not asked again. */
  exclude({ key, ref }: Pick<Lease, "key" | "ref">): void {
    this.progress.excludedLanes.add(laneId(key, ref));
  }

  /** What a failure in the middle of an answer means. */
  judge(lease: Lease, failure: GateFailure, reply: ErrorReply): Verdict {
    const { request } = this;
    const provider = request.terms.providers.get(lease.ref.provider);
    if (provider === undefined) return ownVerdict.broken("error", "its provider is no longer in config.toml");
    const { chance } = this.#router;
    return failureVerdict(failure, reply, { provider, rules: this.#options.rules, request, chance }, true);
  }

  /** Gives back whatever lane is still held, after a bug. */
  abandon(): void {
    if (this.#lease !== undefined) this.#router.drop(this.#lease);
  }

  get #traveller(): Traveller {
    return { progress: this.progress, session: this.request.session, terms: this.request.terms };
  }

  #look(): Found {
    const step = this.#router.step(this.#traveller);
    if (step.kind !== "attempt") return step;
    return { kind: "lease", lease: this.#take(step) };
  }

  #take({ key, ref, probe, isLastResort }: Extract<Step, { kind: "attempt" }>): Lease {
    const lease = this.#router.acquire(key, ref, probe);
    stick(this.request.session, key);
    this.#lease = lease;
    const { startedMs } = lease;
    this.progress.attempts.push({ ref, key, startedMs, verdict: undefined, probe, isLastResort });
    return lease;
  }

  /** The next lane, once there is one; undefined when the wait has ended without one. */
  async #wait(step: WaitStep): Promise<Exclude<Found, { kind: "wait" }> | undefined> {
    const { waiting, chance } = this.#router;
    const fromMs = chance.nowMs();
    let found: Exclude<Found, { kind: "wait" }> | undefined;
    const look = (): boolean => {
      const now = this.#look();
      if (now.kind === "wait") return now.untilMs < step.untilMs;
      found = now;
      return true;
    };
    this.#ticket ??= waiting.takeTicket();
    const { signal } = this.request;
    const about = this.#tellWait(step);
    await waiting.until({ ticket: this.#ticket, untilMs: step.untilMs, about, signal, look });
    // A clock that was set back meanwhile must not make the budgets grow.
    const waitedMs = Math.max(0, chance.nowMs() - fromMs);
    this.#options.trail.waitedMs += waitedMs;
    chargeWait(this.progress, step.budget, waitedMs);
    return found;
  }

  #tellWait({ untilMs, waitsFor }: WaitStep): RequestWait {
    const { ref, key, why } = waitsFor;
    const { id, sessionId, asked } = this.request;
    const nowMs = this.#router.chance.nowMs();
    this.#waitingSinceMs ??= nowMs;
    const wait: RequestWait = {
      id,
      session: sessionId ?? null,
      asked,
      model: formatModelRef(ref),
      key: key.name,
      fingerprint: key.fingerprint,
      why,
      sinceMs: this.#waitingSinceMs,
      untilMs,
    };
    if (untilMs - nowMs >= NOTABLE_WAIT_MS) {
      this.#isWaitTold = true;
      this.#router.emit({ kind: "waiting", wait });
    }
    return wait;
  }

  #endWaiting(): void {
    if (this.#isWaitTold) this.#router.emit({ kind: "wait-ended", id: this.request.id });
    this.#isWaitTold = false;
    this.#waitingSinceMs = undefined;
  }

  async #attempt(lease: Lease, continues: SentAnswer | undefined): Promise<Arrival | undefined> {
    const router = this.#router;
    const { terms } = this.request;
    const { trail, rules, errorBodyBytes, answerBytes } = this.#options;
    const { key, ref } = lease;
    const provider = terms.providers.get(ref.provider);
    if (provider === undefined) {
      router.drop(lease);
      this.progress.excludedProviders.add(ref.provider);
      return undefined;
    }
    const dialect = this.#dialectFor(lease.ref, provider);
    const waiting = { phase: "waiting", tool: null, chars: 0 } as const;
    const forget = router.answers.add(() => progressOf(this.request, lease, waiting));
    const outcome = await makeAttempt({
      request: this.request,
      provider,
      dialect,
      outputLimit: router.facts.outputLimit(ref),
      key,
      ref,
      continues,
      without: router.refusedFields.of(ref),
      rules,
      errorBodyBytes,
      answerBytes,
      firstTokenMs: provider.firstTokenTimeoutMs ?? terms.policy.firstTokenTimeoutMs,
      silenceLimitMs: terms.policy.silenceLimitMs,
      mayMoveOn: () => router.hasUntriedLane(lease, this.#traveller),
      transport: router.transport,
      isCrowdSmall: router.crowd.isSmall,
      crowdedUntilMs: () => router.crowd.untilMs(router.chance.nowMs()),
      chance: router.chance,
    }).finally(forget);
    if (outcome.kind === "stream" || outcome.kind === "body") {
      router.succeed(lease, this.request.session);
      if (dialect !== undefined) router.facts.answered(ref, dialect);
      trail.serving(lease, outcome.kind === "stream" ? outcome.stream.status : outcome.status);
      return { kind: "answer", outcome, lease };
    }
    if (outcome.kind === "refused") {
      if (!this.#asksAgainDifferently(lease, outcome.verdict, dialect))
        return this.#refused(lease, outcome.verdict, outcome.reply);
      return undefined;
    }
    router.drop(lease);
    return outcome;
  }

  #refused(lease: Lease, verdict: Verdict, reply: ErrorReply | undefined): Arrival | undefined {
    this.#options.trail.failed(lease, verdict);
    this.#note(lease, verdict);
    if (reply !== undefined && this.#canAskDifferently(lease, reply)) {
      // The lane is fine: it gets the same request without what it refused.
      this.progress.again = laneId(lease.key, lease.ref);
      this.#router.drop(lease);
      return undefined;
    }
    const decision = this.#router.fail(lease, verdict, this.#traveller);
    if (decision.kind === "serve-error") return { kind: "refusal", verdict, reply };
    if (decision.kind === "larger-model") {
      this.#overflow ??= { verdict, reply };
      this.#excludeSmaller(lease);
    }
    return undefined;
  }

  /** A provider named in the path is spoken to as the client does, in a chain as the provider does. */
  #dialectFor(ref: ModelRef, provider: Provider): Dialect | undefined {
    const { dialect, pathProvider } = this.request;
    if (dialect === undefined) return undefined;
    return this.#router.facts.dialectFor(ref, pathProvider === provider.id ? dialect : provider.api);
  }

  /** Whether the refusal is answered by a call that differs: in another dialect, or for a shorter answer. */
  #asksAgainDifferently(lease: Lease, verdict: Verdict, dialect: Dialect | undefined): boolean {
    const { key, ref } = lease;
    if (verdict.kind !== "path-not-found" && verdict.kind !== "output-limit") return false;
    const { facts } = this.#router;
    const asked = this.request.body === undefined ? undefined : outputTokensOf(this.request.body);
    const outputTokens = asked === undefined ? undefined : Math.min(asked, facts.outputLimit(ref) ?? asked);
    const differs = facts.learn(ref, verdict, { dialect, outputTokens });
    if (!differs || triesOn(this.progress, key, ref) > DIFFERENT_TRIES) return false;
    this.#options.trail.failed(lease, verdict);
    this.#note(lease, verdict);
    this.progress.again = laneId(key, ref);
    this.#router.drop(lease);
    return true;
  }

  /** Whether the refusal names a part of the request that the request can do without. */
  #canAskDifferently({ ref }: Lease, reply: ErrorReply): boolean {
    if (reply.status !== 400 && reply.status !== 422) return false;
    return this.#router.refusedFields.learn(ref, reply.body) || cleanAfter(this.request, reply);
  }

  #note(lease: Lease, verdict: Verdict): void {
    const attempt = this.progress.attempts.findLast(
      (one) => one.key === lease.key && one.startedMs === lease.startedMs,
    );
    if (attempt !== undefined) attempt.verdict = verdict;
  }

  /** What did not fit into this model fits into none that is known to be no larger. */
  #excludeSmaller(lease: Lease): void {
    const windowHere = this.#options.windowOf(formatModelRef(lease.ref));
    for (const target of this.progress.targets) {
      const model = formatModelRef(target);
      const windowThere = this.#options.windowOf(model);
      if (windowHere !== undefined && windowThere !== undefined && windowThere <= windowHere) {
        this.progress.excludedModels.add(model);
      }
    }
  }
}
