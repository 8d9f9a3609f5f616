import type { Usage } from "../core/dialect/hub-answer.ts";
import type { Dialect } from "../core/dialect/registry.ts";
import type { Key } from "../core/key.ts";
import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import { type Cooldown, NEVER_MS } from "../core/routing/cooldown.ts";
import type { Decision } from "../core/routing/decide.ts";
import type { AttemptRecord, RequestOutcome, RequestRecord, RequestWait } from "../core/routing/events.ts";
import type { ExhaustedKey, Exhaustion } from "../core/routing/exhaustion.ts";
import { cooldownsOn } from "../core/routing/lane.ts";
import type { Step } from "../core/routing/next-step.ts";
import { chargeWait, laneId, type Progress, startProgress, triesOn } from "../core/routing/progress.ts";
import { stick } from "../core/routing/session.ts";
import type { Provider } from "../core/settings/provider.ts";
import { outputTokensOf } from "../core/stream/asked.ts";
import type { SentAnswer } from "../core/stream/continuation.ts";
import type { GateFailure } from "../core/stream/stream-gate.ts";
import type { UserRule } from "../core/verdict/error-rule.ts";
import { ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { AttemptOutcome, ErrorReply, Lease, RunContext } from "./attempt.ts";
import { makeAttempt } from "./call-provider.ts";
import { failureVerdict } from "./read-reply.ts";
import { cleanAfter, type ModelRequest } from "./read-request.ts";
import { progressOf, type Router } from "./router.ts";

/** Where the walk over keys and models has led. A lease that comes with it is still held. */
export type RunResult =
  | { kind: "answer"; outcome: Extract<AttemptOutcome, { kind: "stream" | "body" }>; lease: Lease }
  | { kind: "refusal"; verdict: Verdict; reply: ErrorReply | undefined }
  | { kind: "exhausted" }
  | { kind: "client-gone" };

export interface RequestRunOptions {
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
export class RequestRun {
  readonly request: ModelRequest;
  readonly progress: Progress;
  readonly #options: RequestRunOptions;
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

  constructor(request: ModelRequest, options: RequestRunOptions) {
    this.request = request;
    this.#options = options;
    this.#router = options.router;
    this.progress = startProgress(request.targets, options.router.env.random());
  }

  /**
   * Goes on until somebody answers or nobody is left. With `continues` only an answer that can be fitted to what the client
   * has counts. It may be called again whenever an answer broke off: `max_wait` bounds the tries of all these calls together.
   */
  async go(continues?: SentAnswer): Promise<RunResult> {
    try {
      return await this.#loop(continues);
    } finally {
      this.#endWaiting();
    }
  }

  async #loop(continues: SentAnswer | undefined): Promise<RunResult> {
    const { signal } = this.request;
    for (;;) {
      if (signal.aborted) return { kind: "client-gone" };
      // Those who wait came first.
      this.#router.queue.serve(this.#ticket);
      const now = this.#look();
      const found = now.kind === "wait" ? await this.#wait(now) : now;
      if (found === undefined) continue;
      if (found.kind === "give-up")
        return this.#overflow ? { kind: "refusal", ...this.#overflow } : { kind: "exhausted" };
      const result = await this.#attempt(found.lease, continues);
      if (result !== undefined) return result;
    }
  }

  /** A lane that failed after it had begun to answer. Any lane that has not failed goes before it. */
  broke(lease: Lease, verdict: Verdict): Decision {
    this.#options.trail.failed(lease, verdict);
    this.#note(lease, verdict);
    return this.#router.fail(lease, verdict, this.#context, { isBroken: true });
  }

  /** Whether a lane that has not failed this request could take over now. */
  hasUntriedLane(lease: Lease): boolean {
    return this.#router.hasUntriedLane(lease, this.#context);
  }

  /** The lane's answers are of no use to this request: it is not asked again. */
  exclude({ key, ref }: Pick<Lease, "key" | "ref">): void {
    this.progress.excludedLanes.add(laneId(key, ref));
  }

  /** What a failure in the middle of an answer means. */
  judge(lease: Lease, failure: GateFailure, reply: ErrorReply): Verdict {
    const { request } = this;
    const provider = request.snapshot.providers.get(lease.ref.provider);
    if (provider === undefined) return ownVerdict.broken("error", "its provider is no longer in config.toml");
    const { env } = this.#router;
    return failureVerdict(failure, reply, { provider, rules: this.#options.rules, request, env }, true);
  }

  /** Gives back whatever lane is still held, after a bug. */
  abandon(): void {
    if (this.#lease !== undefined) this.#router.drop(this.#lease);
  }

  get #context(): RunContext {
    return { progress: this.progress, session: this.request.session, snapshot: this.request.snapshot };
  }

  #look(): Found {
    const step = this.#router.step(this.#context);
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
    const { queue, env } = this.#router;
    const fromMs = env.now();
    let found: Exclude<Found, { kind: "wait" }> | undefined;
    const look = (): boolean => {
      const now = this.#look();
      if (now.kind === "wait") return now.untilMs < step.untilMs;
      found = now;
      return true;
    };
    this.#ticket ??= queue.takeTicket();
    const { signal } = this.request;
    const about = this.#tellWait(step);
    await queue.until({ ticket: this.#ticket, untilMs: step.untilMs, about, signal, look });
    // A clock that was set back meanwhile must not make the budgets grow.
    const waitedMs = Math.max(0, env.now() - fromMs);
    this.#options.trail.waitedMs += waitedMs;
    chargeWait(this.progress, step.budget, waitedMs);
    return found;
  }

  #tellWait({ untilMs, waitsFor }: WaitStep): RequestWait {
    const { ref, key, why } = waitsFor;
    const { id, sessionId, asked } = this.request;
    const nowMs = this.#router.env.now();
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

  async #attempt(lease: Lease, continues: SentAnswer | undefined): Promise<RunResult | undefined> {
    const router = this.#router;
    const { snapshot } = this.request;
    const { trail, rules, errorBodyBytes, answerBytes } = this.#options;
    const { key, ref } = lease;
    const provider = snapshot.providers.get(ref.provider);
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
      firstTokenMs: provider.firstTokenTimeoutMs ?? snapshot.policy.firstTokenTimeoutMs,
      silenceLimitMs: snapshot.policy.silenceLimitMs,
      mayMoveOn: () => router.hasUntriedLane(lease, this.#context),
      transport: router.transport,
      crowdedUntilMs: () => router.connections.untilMs(router.env.now()),
      env: router.env,
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

  #refused(lease: Lease, verdict: Verdict, reply: ErrorReply | undefined): RunResult | undefined {
    this.#options.trail.failed(lease, verdict);
    this.#note(lease, verdict);
    if (reply !== undefined && this.#canAskDifferently(lease, reply)) {
      // The lane is fine: it gets the same request without what it refused.
      this.progress.again = laneId(lease.key, lease.ref);
      this.#router.drop(lease);
      return undefined;
    }
    const decision = this.#router.fail(lease, verdict, this.#context);
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

/** What a request leaves behind: its attempts, and one record when it is over. */
export class Trail {
  readonly attempts: AttemptRecord[] = [];
  waitedMs = 0;
  #firstTokenMs: number | undefined;
  #served: Lease | undefined;
  /** Which attempt has answered last: what came before it has been told. */
  #servedAt = 0;
  #isClosed = false;

  readonly #request: ModelRequest;
  readonly #router: Router;
  readonly #onClose: () => void;

  constructor(request: ModelRequest, router: Router, onClose: () => void = () => {}) {
    this.#request = request;
    this.#router = router;
    this.#onClose = onClose;
  }

  /** One upstream call has failed: at once, or after it had begun to answer. */
  failed(lease: Lease, verdict: Verdict): void {
    if (this.#served === lease) {
      this.#served = undefined;
      this.attempts.pop();
    }
    this.#add(lease, verdict.status, verdict.kind, verdict.message);
  }

  /** The first bytes of an answer are on their way. */
  serving(lease: Lease, status: number): void {
    this.#add(lease, status, "ok", "");
    this.#served = lease;
    this.#firstTokenMs ??= this.#router.env.now() - this.#request.startedMs;
  }

  /** Ends the record; only the first end counts. */
  close(outcome: RequestOutcome, usage?: Usage): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
    this.#router.emit({ kind: "finished", record: this.#record(outcome, usage) });
  }

  #add(lease: Lease, status: number, verdict: AttemptRecord["verdict"], message: string): void {
    // What a request that is over still does is nobody's news.
    if (this.#isClosed) return;
    const model = formatModelRef(lease.ref);
    this.attempts.push({
      atMs: lease.startedMs,
      model,
      keyName: lease.key.name,
      fingerprint: lease.key.fingerprint,
      status,
      verdict,
      durationMs: this.#router.env.now() - lease.startedMs,
      message,
    });
    if (verdict !== "ok") return;
    this.#announce(lease, model);
    this.#servedAt = this.attempts.length - 1;
  }

  /** Told once it has worked: who answered in whose place. That is who was asked first, however many were tried since. */
  #announce(lease: Lease, model: string): void {
    const failed = this.attempts.slice(this.#servedAt, -1);
    const [first] = failed;
    if (first === undefined) return;
    const isOther = first.model !== model;
    const last = failed.findLast(
      (attempt) =>
        attempt.model === first.model && (isOther || attempt.fingerprint !== lease.key.fingerprint),
    );
    if (last === undefined || last.verdict === "ok") return;
    const { keyName, verdict: why } = last;
    if (isOther) this.#router.emit({ kind: "fell-back", from: first.model, to: model, why });
    else {
      const { provider } = lease.ref;
      this.#router.emit({ kind: "rotated", provider, from: keyName, to: lease.key.name, why, model });
    }
  }

  #record(outcome: RequestOutcome, usage: Usage | undefined): RequestRecord {
    const { id, sessionId, asked, startedMs } = this.#request;
    return {
      id,
      atMs: startedMs,
      session: sessionId,
      asked,
      served:
        outcome !== "served" || this.#served === undefined ? undefined : formatModelRef(this.#served.ref),
      keyName: outcome === "served" ? this.#served?.key.name : undefined,
      outcome,
      attempts: this.attempts,
      waitedMs: this.waitedMs,
      firstTokenMs: this.#firstTokenMs,
      durationMs: this.#router.env.now() - startedMs,
      inputTokens: usage?.input,
      outputTokens: usage?.output,
    };
  }
}

/** Other models named in a report; more would bury the first. */
const MAX_OTHERS = 4;

/** Why nobody could answer, put together from this request's attempts and the cooldowns that kept other lanes out. */
export function describeExhaustion(
  progress: Progress,
  { asked, snapshot }: Pick<ModelRequest, "asked" | "snapshot">,
  router: Router,
): Exhaustion {
  const nowMs = router.env.now();
  const lanes = progress.targets.flatMap((ref) =>
    snapshot.keysOf(ref.provider).flatMap((key) => (key.enabled ? { key, ref } : [])),
  );
  const hostOf = (provider: string): string =>
    URL.parse(snapshot.providers.get(provider)?.baseUrl ?? "")?.hostname ?? provider;
  const keys = lanes.flatMap(({ key, ref }) => {
    const word = lastWord(progress, key, ref, router);
    return word === undefined ? [] : { ...word, host: hostOf(ref.provider) };
  });
  const heard = new Set(keys.map((key) => key.fingerprint));
  const unasked = new Map(lanes.map(({ key }) => [key.fingerprint, key.name]));
  for (const fingerprint of heard) unasked.delete(fingerprint);
  return {
    atMs: nowMs,
    asked,
    keys,
    unasked: [...unasked].map(([fingerprint, keyName]) => ({ fingerprint, keyName })),
    otherModels: otherModels(progress, router, nowMs),
  };
}

/** What this request heard of a lane, else the cooldown that kept it out; undefined for one that was simply not asked. */
function lastWord(
  progress: Progress,
  key: Key,
  ref: ModelRef,
  router: Router,
): Omit<ExhaustedKey, "host"> | undefined {
  const nowMs = router.env.now();
  const lasting = cooldownsOn(key, ref, router.cooldowns).filter((cooldown) => cooldown.untilMs > nowMs);
  const cooldown = longest(lasting);
  const attempt = progress.attempts.findLast(
    (one) => one.key === key && formatModelRef(one.ref) === formatModelRef(ref) && one.verdict !== undefined,
  );
  const said = attempt?.verdict ?? cooldown;
  if (said === undefined) return undefined;
  // Time does not make a wrong key right, whatever else holds it.
  const isRefused = said.kind === "auth" || lasting.some((one) => one.kind === "auth");
  const isEndKnown = !isRefused && cooldown !== undefined && cooldown.untilMs < NEVER_MS;
  return {
    keyName: key.name,
    fingerprint: key.fingerprint,
    model: formatModelRef(ref),
    wasAsked: attempt !== undefined || cooldown?.scope === "lane" || cooldown?.scope === "key",
    status: said.status,
    kind: said.kind,
    message: said.message,
    freeAtMs: isEndKnown ? cooldown.untilMs : undefined,
    isEndDeclared: isEndKnown && cooldown.isDeclared,
  };
}

function longest(cooldowns: readonly Cooldown[]): Cooldown | undefined {
  return cooldowns.toSorted((a, b) => b.untilMs - a.untilMs)[0];
}

/** Models that have served in this run or are named in the settings, and that some key could serve now. */
function otherModels(progress: Progress, router: Router, nowMs: number): string[] {
  const tried = new Set(progress.targets.map(formatModelRef));
  const free = router.knownModels().filter((ref) => {
    if (tried.has(formatModelRef(ref))) return false;
    return router.snapshot
      .keysOf(ref.provider)
      .some(
        (key) => key.enabled && (longest(cooldownsOn(key, ref, router.cooldowns))?.untilMs ?? 0) <= nowMs,
      );
  });
  return free.slice(0, MAX_OTHERS).map(formatModelRef);
}
