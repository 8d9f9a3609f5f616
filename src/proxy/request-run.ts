import type { Usage } from "../core/dialect/hub-answer.ts";
import { traitsOf } from "../core/dialect/model-traits.ts";
import type { Dialect } from "../core/dialect/registry.ts";
import type { Key } from "../core/key.ts";
import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import { type Cooldown, NEVER_MS } from "../core/routing/cooldown.ts";
import type { Decision } from "../core/routing/decide.ts";
import type { AttemptRecord, RequestOutcome, RequestRecord, RequestWait } from "../core/routing/events.ts";
import type { ExhaustedKey, Exhaustion } from "../core/routing/exhaustion.ts";
import { cooldownsOn } from "../core/routing/lane.ts";
import type { Step } from "../core/routing/next-step.ts";
import {
  chargeWait,
  forgetFailures,
  laneId,
  type Progress,
  startProgress,
  triesOn,
} from "../core/routing/progress.ts";
import { stick } from "../core/routing/session.ts";
import { ownWords } from "../core/scrub.ts";
import type { Provider } from "../core/settings/provider.ts";
import { outputTokensOf } from "../core/stream/asked.ts";
import type { SentAnswer } from "../core/stream/continuation.ts";
import { type Prefill, prefillOf } from "../core/stream/prefill.ts";
import type { GateFailure } from "../core/stream/stream-gate.ts";
import type { UserRule } from "../core/verdict/error-rule.ts";
import { NO_ANSWER_RULE, ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { Attempt, CallOptions, CallOutcome, ErrorReply, RunContext } from "./attempt.ts";
import { callProvider } from "./call-provider.ts";
import { type Answering, answerId, noteKept } from "./kept.ts";
import { failureVerdict } from "./read-reply.ts";
import { cleanAfter, type ModelRequest, repairAfter } from "./read-request.ts";
import { progressOf, type Router } from "./router.ts";

/** The result of a request. The attempt that answers is still open. */
export type RunResult =
  | { kind: "answer"; outcome: Answering; attempt: Attempt }
  | { kind: "refusal"; verdict: Verdict; reply: ErrorReply | undefined }
  | { kind: "exhausted" }
  | { kind: "client-gone" };

export interface RequestRunOptions {
  /** Makes a call; over the transport of the router when left out. */
  call?: (options: CallOptions) => Promise<CallOutcome>;
  router: Router;
  rules: readonly UserRule[];
  errorBodyBytes: number;
  answerBytes: number;
  /** Context windows, if known: an overflow only goes to a larger one. */
  windowOf: (model: string) => number | undefined;
  /** Called after the last byte of the request. */
  onClose?: () => void;
}

/** How many changed calls one request may send to a lane. */
const DIFFERENT_TRIES = 6;

/** A model often repeats so few words, and they are too few to continue from. */
const FEW_WORDS = { chars: 24, tries: 4 };

/** The result of looking for a lane: one that was taken at once, or none for now. */
type Found = { kind: "attempt"; attempt: Attempt } | Exclude<Step, { kind: "attempt" }>;

type WaitStep = Extract<Step, { kind: "wait" }>;

/** A shorter wait is over before a user could read about it. */
const NOTABLE_WAIT_MS = 1000;

/**
 * One request from its first attempt to its last byte: the loop over keys and models, and its final record. The rules
 * are in core.
 */
export class RequestRun {
  readonly request: ModelRequest;
  readonly progress: Progress;
  readonly attempts: Attempt[] = [];
  readonly #options: RequestRunOptions;
  readonly #router: Router;
  /** Its position in the queue; undefined until the first wait. */
  #ticket: number | undefined;
  /** When the first wait began, until an attempt answers. */
  #waitingSinceMs: number | undefined;
  /** Whether a wait was announced and has not ended. */
  #isWaitTold = false;
  #waitedMs = 0;
  readonly #held = Promise.withResolvers<undefined>();
  #firstTokenMs: number | undefined;
  /** The attempt whose answer goes to the client; undefined once it has failed. */
  #serving: Attempt | undefined;
  /** The number of records when an answer last began: earlier ones have been announced. */
  #toldRecords = 0;
  #isClosed = false;
  /** Keys whose shared limits this request waits for. */
  readonly #inLineFor = new Set<string>();
  #refusal: { verdict: Verdict; reply: ErrorReply | undefined } | undefined;

  constructor(request: ModelRequest, options: RequestRunOptions) {
    this.request = request;
    this.#options = options;
    this.#router = options.router;
    const { env, quotas } = options.router;
    for (const { provider } of request.targets) quotas.noteWanted(provider, env.now());
    this.progress = startProgress(request.targets, options.router.env.random());
    this.progress.attempts = this.attempts;
  }

  /**
   * Continues until an attempt answers or no lane is left. With `continues` only an answer that fits what the client
   * has counts. May be called again when an answer broke off: `max_wait` limits all these calls together.
   */
  async go(continues?: SentAnswer): Promise<RunResult> {
    try {
      return await this.#loop(continues);
    } finally {
      this.#endWaiting();
    }
  }

  /** Resolves once the request waits for a quota reset, so that its client needs keep-alives. */
  get held(): Promise<undefined> {
    return this.#held.promise;
  }

  async #loop(continues: SentAnswer | undefined): Promise<RunResult> {
    const { signal } = this.request;
    for (;;) {
      if (signal.aborted) return { kind: "client-gone" };
      // Earlier requests in the queue go first.
      this.#router.queue.serve(this.#ticket);
      const now = this.#look();
      const found = now.kind === "wait" ? await this.#wait(now) : now;
      if (found === undefined) continue;
      if (found.kind === "give-up")
        return this.#refusal ? { kind: "refusal", ...this.#refusal } : { kind: "exhausted" };
      const result = await this.#attempt(found.attempt, continues);
      if (result !== undefined) return result;
    }
  }

  /** Whether other processes leave a slot for the attempt. Without one it was never sent. */
  async #claim(attempt: Attempt): Promise<boolean> {
    const { fingerprint } = attempt.key;
    const isGranted = await this.#router.claim(attempt, this.request.id);
    if (isGranted) {
      this.#inLineFor.delete(fingerprint);
      this.#leaveLines();
    } else {
      this.attempts.splice(this.attempts.indexOf(attempt), 1);
      this.#inLineFor.add(fingerprint);
    }
    return isGranted;
  }

  #leaveLines(): void {
    this.#router.leaveLines(this.request.id, this.#inLineFor);
    this.#inLineFor.clear();
  }

  /**
   * Records a failed attempt, sets the cooldown and returns the decision. A lane without a failure goes before one
   * whose answer broke off.
   */
  fail(attempt: Attempt, verdict: Verdict, { isBroken = false } = {}): Decision {
    this.#noteFailure(attempt, verdict);
    return this.#router.fail(attempt, verdict, this.#context, { isBroken });
  }

  #noteFailure(attempt: Attempt, verdict: Verdict): void {
    attempt.failed(verdict, this.#router.env.now());
    if (this.#serving === attempt) this.#serving = undefined;
  }

  /** Whether a lane that has not failed this request could take over now. */
  hasUntriedLane(attempt: Attempt): boolean {
    return this.#router.hasUntriedLane(attempt, this.#context);
  }

  /**
   * The lane's answer does not continue the sent text: it is not asked again, unless another attempt may well match.
   */
  differed({ key, ref }: Attempt, { text }: SentAnswer): void {
    const tries = this.attempts.filter(
      (one) => one.key === key && one.ref === ref && one.verdict?.rule === "resume",
    ).length;
    const allowed = text.length <= FEW_WORDS.chars ? FEW_WORDS.tries : 1;
    if (tries >= allowed) this.progress.excludedLanes.add(laneId(key, ref));
  }

  /** The verdict on a failure in the middle of an answer. */
  judge(attempt: Attempt, failure: GateFailure, reply: ErrorReply): Verdict {
    const { request } = this;
    const provider = request.snapshot.providers.get(attempt.ref.provider);
    if (provider === undefined)
      return ownVerdict.broken("error", ownWords("its provider is no longer in config.toml"));
    const { env, secrets } = this.#router;
    const judging = { provider, rules: this.#options.rules, request, secrets, env };
    return failureVerdict(failure, reply, judging, true);
  }

  /** Ends the request: closes its attempt and announces the record. Only the first call counts. */
  close(outcome: RequestOutcome, usage?: Usage): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const attempt = this.attempts.at(-1);
    if (outcome === "served" && attempt !== undefined) this.#router.complete(attempt);
    attempt?.close();
    if (this.#inLineFor.size > 0) this.#leaveLines();
    this.#options.onClose?.();
    this.#router.emit({ kind: "finished", record: this.#record(outcome, usage) });
  }

  get #context(): RunContext {
    return { progress: this.progress, session: this.request.session, snapshot: this.request.snapshot };
  }

  #look(): Found {
    const step = this.#router.step(this.#context);
    if (step.kind !== "attempt") return step;
    const attempt = this.#router.begin(step);
    stick(this.request.session, attempt.key);
    this.attempts.push(attempt);
    return { kind: "attempt", attempt };
  }

  /** The next lane; undefined if the wait ended without one. */
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
    const isHold = step.budget === "hold";
    if (isHold) {
      forgetFailures(this.progress);
      this.#held.resolve(undefined);
    }
    const about = this.#tellWait(step);
    await queue.until({ ticket: this.#ticket, untilMs: step.untilMs, isLong: isHold, about, signal, look });
    // A clock that was set back must not extend the budgets.
    const waitedMs = Math.max(0, env.now() - fromMs);
    this.#waitedMs += waitedMs;
    chargeWait(this.progress, step.budget, waitedMs);
    return found;
  }

  #tellWait({ untilMs, waitsFor, budget }: WaitStep): RequestWait {
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
      isHold: budget === "hold",
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

  async #attempt(attempt: Attempt, continues: SentAnswer | undefined): Promise<RunResult | undefined> {
    const router = this.#router;
    const { ref } = attempt;
    if (router.mustClaim(ref) && !(await this.#claim(attempt))) return undefined;
    const provider = this.request.snapshot.providers.get(ref.provider);
    if (provider === undefined) {
      attempt.close();
      this.progress.excludedProviders.add(ref.provider);
      return undefined;
    }
    const dialect = this.#dialectFor(ref, provider);
    const outcome = await this.#call(attempt, { provider, dialect, continues });
    if (outcome.kind === "stream" || outcome.kind === "body") {
      const isChecked = dialect !== undefined && continues === undefined;
      if (isChecked && this.#isForeign(attempt, outcome)) return undefined;
      return this.#answered(attempt, outcome, dialect);
    }
    if (outcome.kind === "refused") {
      if (!this.#asksAgainDifferently(attempt, outcome.verdict, dialect))
        return this.#refused(attempt, outcome.verdict, outcome.reply);
      return undefined;
    }
    attempt.cancelled(router.env.now());
    attempt.close();
    return outcome;
  }

  #answered(attempt: Attempt, outcome: Answering, dialect: Dialect | undefined): RunResult {
    const { facts, ties } = this.#router;
    const { key, ref } = attempt;
    if (attempt.prefill !== undefined) facts.learnPrefill(ref, "continued");
    this.#router.succeed(attempt, this.request.session);
    if (dialect !== undefined) facts.answered(ref, dialect);
    noteKept(this.request, outcome, { provider: ref.provider, fingerprint: key.fingerprint }, ties);
    this.#serve(attempt, outcome.kind === "stream" ? outcome.stream.status : outcome.status);
    return { kind: "answer", outcome, attempt };
  }

  /** Refuses an answer that another request has already got: the lane is asked again, on a connection of its own. */
  #isForeign(attempt: Attempt, outcome: Answering): boolean {
    const { trust, env } = this.#router;
    if (!trust.isForeign(attempt.ref.provider, answerId(outcome), env.now())) return false;
    attempt.abort();
    this.#repeat(attempt, ownVerdict.badStream(ownWords("the reply belongs to another request")));
    return true;
  }

  async #call(
    attempt: Attempt,
    to: Pick<CallOptions, "provider" | "dialect" | "continues">,
  ): Promise<CallOutcome> {
    const router = this.#router;
    const { policy } = this.request.snapshot;
    const { rules, errorBodyBytes, answerBytes } = this.#options;
    const { key, ref } = attempt;
    const waiting = { phase: "waiting", tool: null, chars: 0 } as const;
    const forget = router.answers.add(() => progressOf(this.request, attempt, waiting));
    const { call = callProvider } = this.#options;
    const outcome = await call({
      ...to,
      request: this.request,
      attempt,
      familyOfSeal: (seal) => router.facts.familyOfSeal(seal),
      learnSeal: (seal) => router.facts.learnSeal(seal, traitsOf(to.provider, ref.model).family),
      outputLimit: router.facts.outputLimit(ref),
      prefill: this.#prefillFor(ref, to.continues),
      without: router.facts.refusedFields(ref),
      rules,
      errorBodyBytes,
      secrets: router.secrets,
      answerBytes,
      isAlone: !router.trust.mayReuse(ref.provider, router.env.now()),
      firstTokenMs: to.provider.firstTokenTimeoutMs ?? policy.firstTokenTimeoutMs,
      silenceLimitMs: policy.silenceLimitMs,
      mayMoveOn: () => router.hasUntriedLane(attempt, this.#context),
      transport: router.transport,
      crowdedUntilMs: () => router.connections.untilMs(router.env.now()),
      env: router.env,
    }).finally(forget);
    const headers = headersOf(outcome);
    if (headers !== undefined) router.quotas.takeHeaders(key, ref, to.provider, headers);
    return outcome;
  }

  /** A text that is worth asking this model to continue. */
  #prefillFor(ref: ModelRef, continues: SentAnswer | undefined): Prefill | undefined {
    if (continues === undefined || !this.#router.facts.mayContinue(ref)) return undefined;
    return prefillOf(continues.text);
  }

  #refused(attempt: Attempt, verdict: Verdict, reply: ErrorReply | undefined): RunResult | undefined {
    if (attempt.prefill !== undefined && verdict.rule === "resume")
      this.#router.facts.learnPrefill(attempt.ref, "began-anew");
    if (reply !== undefined && this.#canAskDifferently(attempt, reply)) {
      // The lane is fine: it gets the same request without what it rejected.
      this.#repeat(attempt, verdict);
      return undefined;
    }
    if (reply !== undefined && this.#isKeptElsewhere(reply)) {
      this.#refusal ??= { verdict, reply };
      this.#noteFailure(attempt, verdict);
      this.progress.excludedKeys.add(attempt.key.fingerprint);
      attempt.close();
      return undefined;
    }
    // What is no answer to the request may be the answer to another one.
    if (verdict.rule === NO_ANSWER_RULE)
      this.#router.trust.doubt(attempt.ref.provider, this.#router.env.now());
    const decision = this.fail(attempt, verdict);
    if (decision.kind === "serve-error") return { kind: "refusal", verdict, reply };
    if (decision.kind === "larger-model") {
      this.#refusal ??= { verdict, reply };
      this.#excludeSmaller(attempt);
    }
    return undefined;
  }

  /** Whether the key does not know what the request names, and another one may: it is not known which key made it. */
  #isKeptElsewhere({ status, body }: ErrorReply): boolean {
    const { kept } = this.request;
    if (kept === undefined || kept.tie !== undefined) return false;
    return status === 404 || ((status === 400 || status === 403) && kept.ids.some((id) => body.includes(id)));
  }

  /** The same lane is asked once more, with a call that differs. */
  #repeat(attempt: Attempt, verdict: Verdict): void {
    this.#noteFailure(attempt, verdict);
    this.progress.again = laneId(attempt.key, attempt.ref);
    attempt.close();
  }

  /** For a provider in the path the client's dialect is used, in a chain the provider's. */
  #dialectFor(ref: ModelRef, provider: Provider): Dialect | undefined {
    const { dialect, pathProvider } = this.request;
    if (dialect === undefined) return undefined;
    return this.#router.facts.dialectFor(ref, pathProvider === provider.id ? dialect : provider.api);
  }

  /** Whether a changed call can avoid the rejection: another dialect, or a shorter answer. */
  #asksAgainDifferently(attempt: Attempt, verdict: Verdict, dialect: Dialect | undefined): boolean {
    const { key, ref } = attempt;
    if (verdict.kind !== "path-not-found" && verdict.kind !== "output-limit") return false;
    const { facts } = this.#router;
    const asked = this.request.body === undefined ? undefined : outputTokensOf(this.request.body);
    const outputTokens = asked === undefined ? undefined : Math.min(asked, facts.outputLimit(ref) ?? asked);
    const differs = facts.learn(ref, verdict, { dialect, outputTokens });
    if (!differs || triesOn(this.progress, key, ref) > DIFFERENT_TRIES) return false;
    this.#repeat(attempt, verdict);
    return true;
  }

  /** Whether the rejection names a part that the request can omit. */
  #canAskDifferently({ ref, prefill }: Attempt, reply: ErrorReply): boolean {
    if (reply.status !== 400 && reply.status !== 422) return false;
    if (prefill !== undefined) {
      // An earlier answer to this request had begun, so the added turn is what was rejected.
      this.#router.facts.learnPrefill(ref, "refused");
      return true;
    }
    return (
      this.#router.facts.learnField(ref, reply.body) ||
      cleanAfter(this.request, reply) ||
      repairAfter(this.request, formatModelRef(ref), reply)
    );
  }

  /** A request that is too long for this model is too long for every model with the same or a smaller window. */
  #excludeSmaller(attempt: Attempt): void {
    const windowHere = this.#options.windowOf(formatModelRef(attempt.ref));
    for (const target of this.progress.targets) {
      const model = formatModelRef(target);
      const windowThere = this.#options.windowOf(model);
      if (windowHere !== undefined && windowThere !== undefined && windowThere <= windowHere) {
        this.progress.excludedModels.add(model);
      }
    }
  }

  /** An answer has begun. After the request's end nothing is announced. */
  #serve(attempt: Attempt, status: number): void {
    if (this.#isClosed) return;
    const nowMs = this.#router.env.now();
    attempt.answered(status, nowMs);
    this.#serving = attempt;
    this.#firstTokenMs ??= nowMs - this.request.startedMs;
    const records = this.#records();
    this.#announce(attempt, records.slice(this.#toldRecords, -1));
    this.#toldRecords = records.length - 1;
  }

  /** Announced once it has worked: who answered instead of the first choice, however many were tried in between. */
  #announce({ key, ref }: Attempt, failed: readonly AttemptRecord[]): void {
    const [first] = failed;
    if (first === undefined) return;
    const model = formatModelRef(ref);
    const isOther = first.model !== model;
    const last = failed.findLast(
      (one) => one.model === first.model && (isOther || one.fingerprint !== key.fingerprint),
    );
    if (last === undefined || last.verdict === "ok" || last.verdict === "cancelled") return;
    const { keyName, verdict: why } = last;
    if (isOther) this.#router.emit({ kind: "fell-back", from: first.model, to: model, why });
    else
      this.#router.emit({
        kind: "rotated",
        provider: ref.provider,
        from: keyName,
        to: key.name,
        why,
        model,
      });
  }

  #records(): AttemptRecord[] {
    return this.attempts.flatMap(({ record }) => record ?? []);
  }

  #record(outcome: RequestOutcome, usage: Usage | undefined): RequestRecord {
    const { id, sessionId, client, asked, startedMs } = this.request;
    const served = outcome === "served" ? this.#serving : undefined;
    return {
      id,
      atMs: startedMs,
      session: sessionId,
      client,
      asked,
      served: served && formatModelRef(served.ref),
      keyName: served?.key.name,
      outcome,
      attempts: this.#records(),
      waitedMs: this.#waitedMs,
      firstTokenMs: this.#firstTokenMs,
      durationMs: this.#router.env.now() - startedMs,
      inputTokens: usage?.input,
      outputTokens: usage?.output,
    };
  }
}

function headersOf(outcome: CallOutcome): Headers | undefined {
  switch (outcome.kind) {
    case "stream":
      return outcome.stream.headers;
    case "body":
      return outcome.headers;
    case "refused":
      return outcome.reply?.headers;
    case "client-gone":
      return undefined;
  }
}

/** How many other models a report names. */
const MAX_OTHERS = 4;

/** Combines this request's attempts with the cooldowns that excluded other lanes. */
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

/** The lane's failure in this request, else its cooldown; undefined if it was not asked. */
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
  // Time does not fix a wrong key, whatever else holds it.
  const isRefused = said.kind === "auth" || lasting.some((one) => one.kind === "auth");
  const isEndKnown = !isRefused && cooldown !== undefined && cooldown.untilMs < NEVER_MS;
  return {
    keyName: key.name,
    fingerprint: key.fingerprint,
    model: formatModelRef(ref),
    wasAsked: attempt !== undefined || (cooldown !== undefined && wasHeard(cooldown)),
    status: said.status,
    kind: said.kind,
    message: said.message,
    freeAtMs: isEndKnown ? cooldown.untilMs : undefined,
    isEndDeclared: isEndKnown && cooldown.isDeclared,
  };
}

/** A quota reading or a user's own limit is not a reply to the key. */
function wasHeard({ scope, status, kind }: Cooldown): boolean {
  if (scope !== "lane" && scope !== "key") return false;
  return status !== 0 || (kind !== "quota" && kind !== "payment");
}

function longest(cooldowns: readonly Cooldown[]): Cooldown | undefined {
  return cooldowns.toSorted((a, b) => b.untilMs - a.untilMs)[0];
}

/** Models that have answered in this run or are in the settings, and that some key could use now. */
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
