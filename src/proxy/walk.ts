import type { UserRule } from "../core/error-rule.ts";
import { formatModelRef } from "../core/model-ref.ts";
import type { Step } from "../core/next-step.ts";
import { laneId, type Progress, startProgress } from "../core/progress.ts";
import type { Verdict } from "../core/verdict.ts";
import { type AttemptOutcome, type ErrorReply, makeAttempt } from "./attempt.ts";
import type { ModelRequest } from "./model-request.ts";
import type { Lease, Router } from "./router.ts";
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
  /** Windows of models, where they are known: an overflow goes only to a larger one. */
  windowOf: (model: string) => number | undefined;
}

/** One request's way over keys and models. The rules are core's; here they are carried out. */
export class Walk {
  readonly request: ModelRequest;
  readonly progress: Progress;
  readonly #options: WalkOptions;
  #overflow: { verdict: Verdict; reply: ErrorReply | undefined } | undefined;

  constructor(request: ModelRequest, options: WalkOptions) {
    this.request = request;
    this.#options = options;
    this.progress = startProgress(request.targets);
  }

  /** Goes on until somebody answers or nobody is left. With `resumeAfter` only an answer that begins so counts. */
  async go(resumeAfter?: string): Promise<Arrival> {
    const { router } = this.#options;
    for (;;) {
      if (this.request.signal.aborted) return { kind: "client-gone" };
      const step = router.step(this.progress, this.request.session);
      if (step.kind === "give-up")
        return this.#overflow ? { kind: "refusal", ...this.#overflow } : { kind: "exhausted" };
      if (step.kind === "wait") {
        await this.#wait(step);
        continue;
      }
      const arrival = await this.#attempt(step, resumeAfter);
      if (arrival !== undefined) return arrival;
    }
  }

  /** Whether another lane could take over now. */
  hasOtherLane(lease: Lease): boolean {
    const barredLanes = new Set(this.progress.barredLanes).add(laneId(lease.key, lease.ref));
    return (
      this.#options.router.step({ ...this.progress, barredLanes }, this.request.session).kind === "attempt"
    );
  }

  /** A lane that failed after it had begun to answer. */
  broke(lease: Lease, verdict: Verdict): void {
    const { router, trail } = this.#options;
    trail.failed(lease, verdict);
    this.#note(lease, verdict);
    router.fail(lease, verdict, { progress: this.progress, session: this.request.session });
  }

  async #attempt(
    step: Extract<Step, { kind: "attempt" }>,
    resumeAfter: string | undefined,
  ): Promise<Arrival | undefined> {
    const { router, trail } = this.#options;
    const provider = router.providers.get(step.ref.provider);
    if (provider === undefined) return { kind: "exhausted" };
    const lease = router.acquire(step.key, step.ref, step.probe);
    this.progress.attempts.push({
      ref: step.ref,
      key: step.key,
      startedMs: lease.startedMs,
      verdict: undefined,
      probe: step.probe,
    });
    const outcome = await makeAttempt({
      request: this.request,
      provider,
      key: step.key,
      ref: step.ref,
      firstTokenMs: step.isLast
        ? undefined
        : (provider.firstTokenTimeoutMs ?? router.policy.firstTokenTimeoutMs),
      ...(resumeAfter === undefined ? {} : { resumeAfter }),
      rules: this.#options.rules,
      errorBodyBytes: this.#options.errorBodyBytes,
      nowMs: router.chance.nowMs,
    });
    if (outcome.kind === "stream" || outcome.kind === "body") {
      router.succeed(lease, this.request.session);
      trail.serving(lease, outcome.kind === "stream" ? outcome.stream.status : outcome.status);
      return { kind: "answer", outcome, lease };
    }
    router.drop(lease);
    if (outcome.kind === "client-gone") return outcome;
    return this.#refused(lease, outcome.verdict, outcome.reply);
  }

  async #refused(
    lease: Lease,
    verdict: Verdict,
    reply: ErrorReply | undefined,
  ): Promise<Arrival | undefined> {
    const { router, trail } = this.#options;
    trail.failed(lease, verdict);
    this.#note(lease, verdict);
    const decision = router.fail(lease, verdict, { progress: this.progress, session: this.request.session });
    if (decision.kind === "serve-error") return { kind: "refusal", verdict, reply };
    if (decision.kind === "larger-model") {
      this.#overflow ??= { verdict, reply };
      this.#barSmaller(lease);
    }
    if (decision.kind === "again" && decision.afterMs > 0) await this.#pause(decision.afterMs);
    return undefined;
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

  async #wait(step: Extract<Step, { kind: "wait" }>): Promise<void> {
    const { router, trail } = this.#options;
    const fromMs = router.chance.nowMs();
    await router.waiting.until(step.untilMs, fromMs, this.request.signal);
    const waitedMs = router.chance.nowMs() - fromMs;
    trail.waitedMs += waitedMs;
    if (step.patience) this.progress.patienceUsedMs += waitedMs;
    else this.progress.waitedMs += waitedMs;
  }

  async #pause(ms: number): Promise<void> {
    const { router } = this.#options;
    const untilMs = router.chance.nowMs() + ms;
    await router.waiting.until(untilMs, router.chance.nowMs(), this.request.signal);
  }
}
