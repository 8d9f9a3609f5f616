import type { Key } from "../core/key.ts";
import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import type { Decision } from "../core/routing/decide.ts";
import type { Step } from "../core/routing/next-step.ts";
import { laneId, type Progress, startProgress, triesOn } from "../core/routing/progress.ts";
import type { Dialect } from "../core/routing/route.ts";
import { stick } from "../core/routing/session.ts";
import type { Provider } from "../core/settings/provider.ts";
import { outputTokensOf } from "../core/stream/output-limit.ts";
import type { UserRule } from "../core/verdict/error-rule.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import { makeAttempt } from "./attempt.ts";
import type { AttemptOutcome, ErrorReply } from "./attempt-outcome.ts";
import { judgeReply } from "./judge-reply.ts";
import type { Lease, Traveller } from "./lease.ts";
import type { ModelRequest } from "./model-request.ts";
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

/** One request's way over keys and models. The rules are core's; here they are carried out. */
export class Walk {
  readonly request: ModelRequest;
  readonly progress: Progress;
  readonly #options: WalkOptions;
  readonly #router: Router;
  /** Its place in line; undefined until the first wait. */
  #ticket: number | undefined;
  /** The lane taken last. */
  #lease: Lease | undefined;
  #overflow: { verdict: Verdict; reply: ErrorReply | undefined } | undefined;

  constructor(request: ModelRequest, options: WalkOptions) {
    this.request = request;
    this.#options = options;
    this.#router = options.router;
    this.progress = startProgress(request.targets);
  }

  /** Goes on until somebody answers or nobody is left. With `resumeAfter` only an answer that begins so counts. */
  async go(resumeAfter?: string): Promise<Arrival> {
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
      const arrival = await this.#attempt(found.lease, resumeAfter);
      if (arrival !== undefined) return arrival;
    }
  }

  /** A lane that failed after it had begun to answer. It is asked again only when there is no other. */
  broke(lease: Lease, verdict: Verdict): Decision {
    this.#options.trail.failed(lease, verdict);
    this.#note(lease, verdict);
    const decision = this.#router.fail(lease, verdict, this.#traveller);
    if (this.#router.hasOtherLane(lease, this.#traveller))
      this.progress.barredLanes.add(laneId(lease.key, lease.ref));
    return decision;
  }

  /** What an error in the middle of an answer means. */
  judge(lease: Lease, reply: ErrorReply): Verdict | undefined {
    const provider = this.request.terms.providers.get(lease.ref.provider);
    if (provider === undefined) return undefined;
    const { chance } = this.#router;
    return judgeReply(reply, { provider, rules: this.#options.rules, request: this.request, chance });
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
    return { kind: "lease", lease: this.#take(step.key, step.ref, step.probe) };
  }

  #take(key: Key, ref: ModelRef, probe: boolean): Lease {
    const lease = this.#router.acquire(key, ref, probe);
    stick(this.request.session, key);
    this.#lease = lease;
    const { startedMs } = lease;
    this.progress.attempts.push({ ref, key, startedMs, verdict: undefined, probe });
    return lease;
  }

  /** The next lane, once there is one; undefined when the wait has ended without one. */
  async #wait(step: Extract<Step, { kind: "wait" }>): Promise<Exclude<Found, { kind: "wait" }> | undefined> {
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
    await waiting.until({ ticket: this.#ticket, untilMs: step.untilMs, signal, look });
    // A clock that was set back meanwhile must not make the budgets grow.
    const waitedMs = Math.max(0, chance.nowMs() - fromMs);
    this.#options.trail.waitedMs += waitedMs;
    this.progress.waitedMs[step.budget] += waitedMs;
    return found;
  }

  async #attempt(lease: Lease, resumeAfter: string | undefined): Promise<Arrival | undefined> {
    const router = this.#router;
    const { terms } = this.request;
    const { trail, rules, errorBodyBytes, answerBytes } = this.#options;
    const { key, ref } = lease;
    const provider = terms.providers.get(ref.provider);
    if (provider === undefined) {
      router.drop(lease);
      this.progress.barredProviders.add(ref.provider);
      return undefined;
    }
    const dialect = this.#dialectFor(lease.ref, provider);
    const outcome = await makeAttempt({
      request: this.request,
      provider,
      dialect,
      outputLimit: router.facts.outputLimit(ref),
      key,
      ref,
      resumeAfter,
      rules,
      errorBodyBytes,
      answerBytes,
      firstTokenMs: provider.firstTokenTimeoutMs ?? terms.policy.firstTokenTimeoutMs,
      mayMoveOn: () => router.canMoveOn(lease, this.#traveller),
      isCrowdSmall: router.crowd.isSmall,
      crowdedUntilMs: () => router.crowd.untilMs(router.chance.nowMs()),
      chance: router.chance,
    });
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

  async #refused(
    lease: Lease,
    verdict: Verdict,
    reply: ErrorReply | undefined,
  ): Promise<Arrival | undefined> {
    this.#options.trail.failed(lease, verdict);
    this.#note(lease, verdict);
    const decision = this.#router.fail(lease, verdict, this.#traveller);
    if (decision.kind === "serve-error") return { kind: "refusal", verdict, reply };
    if (decision.kind === "larger-model") {
      this.#overflow ??= { verdict, reply };
      this.#barSmaller(lease);
    }
    if (decision.kind === "again" && decision.afterMs > 0) await this.#pause(decision.afterMs);
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

  #note(lease: Lease, verdict: Verdict): void {
    const attempt = this.progress.attempts.findLast(
      (one) => one.key === lease.key && one.startedMs === lease.startedMs,
    );
    if (attempt !== undefined) attempt.verdict = verdict;
  }

  /** What did not fit into this model fits into none that is known to be no larger. */
  #barSmaller(lease: Lease): void {
    const windowHere = this.#options.windowOf(formatModelRef(lease.ref));
    for (const target of this.progress.targets) {
      const model = formatModelRef(target);
      const windowThere = this.#options.windowOf(model);
      if (windowHere !== undefined && windowThere !== undefined && windowThere <= windowHere) {
        this.progress.barredModels.add(model);
      }
    }
  }

  /** A breath before the same lane is asked again; no place in line is needed for that. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.request;
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = this.#router.chance.after(ms, resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (!signal.aborted) await promise;
    callOff();
  }
}
