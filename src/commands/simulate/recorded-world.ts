import type { Key } from "../../core/key.ts";
import { formatModelRef, type ModelRef } from "../../core/model-ref.ts";
import { isSoft } from "../../core/routing/cooldown.ts";
import type { AttemptRecord, RequestRecord } from "../../core/routing/events.ts";
import { ownWords } from "../../core/scrub.ts";
import { USUAL_FAULT, type Verdict, type VerdictKind } from "../../core/verdict/verdict.ts";

/** What a call comes to in a replay. */
export type WorldReply =
  | { kind: "answer"; afterMs: number }
  | { kind: "refusal"; afterMs: number; verdict: Verdict };

/** A refusal that time heals says nothing about a call much later. */
const SOFT_LASTS_MS = 10_000;

/** So long a used-up plan or a missing right lasts where the provider named no end. */
const HARD_LASTS_MS = 5 * 3_600_000;

/** Refusals that only another key or another list of models ends. */
const LASTING: ReadonlySet<VerdictKind> = new Set(["auth", "model-not-found", "path-not-found"]);

const USUAL_MS = 2_000;

/**
 * How providers behaved, as far as the ledger knows. A call that was really made by the same request comes to the same;
 * any other comes to what the calls of that key and model around that time came to.
 */
export class RecordedWorld {
  readonly #byRequest = new Map<string, RecordedCall[]>();
  readonly #byLane: Map<string, RecordedCall[]>;
  readonly #byKey: Map<string, RecordedCall[]>;
  readonly #usualMs: Map<string, number>;
  readonly #epochs: Map<string, Epoch[]>;
  readonly #ceilings: Map<string, Ceiling>;
  readonly #made = new Map<string, Made>();

  constructor(records: readonly RequestRecord[]) {
    for (const record of records) this.#byRequest.set(record.id, record.attempts.filter(hasResult));
    const attempts = [...this.#byRequest.values()].flat().toSorted((a, b) => a.atMs - b.atMs);
    this.#byLane = Map.groupBy(attempts, (one) => `${one.fingerprint} ${one.model}`);
    this.#byKey = Map.groupBy(
      attempts.filter(
        ({ verdict, ...one }) => verdict !== "ok" && verdict !== "quota" && faultOf(one, verdict) === "key",
      ),
      (one) => `${one.fingerprint} ${providerOf(one.model)}`,
    );
    const served = Map.groupBy(
      attempts.filter(({ verdict }) => verdict === "ok"),
      ({ model }) => model,
    );
    this.#usualMs = new Map(
      [...served].map(([model, all]) => [model, median(all.map(({ durationMs }) => durationMs))]),
    );
    this.#epochs = epochsOf(attempts);
    this.#ceilings = ceilingsOf(this.#epochs);
  }

  /** What a call of a request on a lane comes to. */
  call(requestId: string, key: Key, ref: ModelRef, nowMs: number): WorldReply {
    const model = formatModelRef(ref);
    const own = this.#byRequest.get(requestId) ?? [];
    const at = own.findIndex((one) => one.fingerprint === key.fingerprint && one.model === model);
    const [recorded] = at < 0 ? [] : own.splice(at, 1);
    if (key.source === "embedded") return this.#callMadeUp(key, ref, nowMs);
    const epochs = epochIds(key.fingerprint, model).flatMap(
      (id) => epochAt(this.#epochs.get(id), nowMs) ?? [],
    );
    const spent = epochs.find((epoch) => epoch.made >= epoch.calls);
    // A quota that was used up is so after as many calls as then, at whatever time they are made.
    if (recorded !== undefined && (recorded.verdict !== "quota" || spent !== undefined)) {
      if (recorded.verdict === "ok") for (const epoch of epochs) epoch.made++;
      return replyOf(recorded);
    }
    const refusal = spent === undefined ? this.#refusalAt(key, model, nowMs) : refusedBy(spent, nowMs);
    if (refusal !== undefined) return refusal;
    for (const epoch of epochs) epoch.made++;
    return { kind: "answer", afterMs: this.#usualMs.get(model) ?? USUAL_MS };
  }

  /** The refusal that was in force at that time, if any. */
  #refusalAt(key: Key, model: string, nowMs: number): WorldReply | undefined {
    const lane = (this.#byLane.get(`${key.fingerprint} ${model}`) ?? []).filter(
      ({ verdict }) => verdict !== "quota",
    );
    const before = knownAt(lane, nowMs);
    const ofKey = knownAt(this.#byKey.get(`${key.fingerprint} ${providerOf(model)}`) ?? [], nowMs);
    const last = ofKey !== undefined && ofKey.atMs > (before?.atMs ?? 0) ? ofKey : before;
    if (last === undefined || last.verdict === "ok") return undefined;
    const endMs = last.atMs + lastsMs(last, last.verdict);
    if (nowMs >= endMs) return undefined;
    const leftMs = last.waitMs === undefined ? undefined : Math.max(0, last.atMs + last.waitMs - nowMs);
    return { kind: "refusal", afterMs: last.durationMs, verdict: verdictOf(last, last.verdict, leftMs) };
  }

  /** A key that does not exist is as good as the others of its provider: it is used up after as many calls. */
  #callMadeUp(key: Key, ref: ModelRef, nowMs: number): WorldReply {
    const afterMs = this.#usualMs.get(formatModelRef(ref)) ?? USUAL_MS;
    const ceiling = this.#ceilings.get(ref.provider);
    const made = this.#made.get(key.fingerprint) ?? { served: 0, closedUntilMs: 0 };
    this.#made.set(key.fingerprint, made);
    if (made.closedUntilMs <= nowMs && made.closedUntilMs > 0) {
      made.served = 0;
      made.closedUntilMs = 0;
    }
    if (ceiling === undefined || made.served < ceiling.calls) {
      made.served++;
      return { kind: "answer", afterMs };
    }
    if (made.closedUntilMs === 0) made.closedUntilMs = nowMs + ceiling.lastsMs;
    const verdict: Verdict = {
      ...{
        kind: "quota",
        fault: "key",
        status: 429,
        rule: "simulated",
        message: ownWords("the quota is used up"),
      },
      waitMs: made.closedUntilMs - nowMs,
    };
    return { kind: "refusal", afterMs, verdict };
  }
}

/** A call that came to something: one that was cancelled says nothing of its lane. */
type RecordedCall = AttemptRecord & { verdict: VerdictKind | "ok" };

function hasResult(attempt: AttemptRecord): attempt is RecordedCall {
  return attempt.verdict !== "cancelled";
}

/** The last call before that time; a refusal that lasts was so before it was first heard, too. */
function knownAt(calls: readonly RecordedCall[], nowMs: number): RecordedCall | undefined {
  const [first] = calls;
  const isLasting = first !== undefined && first.verdict !== "ok" && LASTING.has(first.verdict);
  return calls.findLast(({ atMs }) => atMs <= nowMs) ?? (isLasting ? first : undefined);
}

interface Made {
  served: number;
  closedUntilMs: number;
}

/** A time in which a key could serve so many calls, and then was used up until its end. */
interface Epoch {
  startMs: number;
  endMs: number;
  calls: number;
  /** Calls made in the replay. */
  made: number;
  refusal: RecordedCall;
}

/** The quota of a whole key, or of one of its models. */
function epochIds(fingerprint: string, model: string): string[] {
  return [`${fingerprint} ${providerOf(model)}`, `${fingerprint} ${model}`];
}

function epochAt(epochs: readonly Epoch[] | undefined, nowMs: number): Epoch | undefined {
  return epochs?.find(({ startMs, endMs }) => nowMs >= startMs && nowMs < endMs);
}

function refusedBy({ refusal, endMs }: Epoch, nowMs: number): WorldReply {
  const waitMs = refusal.waitMs === undefined ? undefined : endMs - nowMs;
  return { kind: "refusal", afterMs: refusal.durationMs, verdict: verdictOf(refusal, "quota", waitMs) };
}

/** Each refusal for a used-up quota ends an epoch of its key or model; more of them in the same time are the same one. */
function epochsOf(attempts: readonly RecordedCall[]): Map<string, Epoch[]> {
  const found = new Map<string, Epoch[]>();
  for (const refusal of attempts) {
    if (refusal.verdict !== "quota") continue;
    const [ofKey = "", ofModel = ""] = epochIds(refusal.fingerprint, refusal.model);
    const isOfKey = faultOf(refusal, "quota") === "key";
    const id = isOfKey ? ofKey : ofModel;
    const epochs = found.get(id) ?? [];
    const startMs = epochs.at(-1)?.endMs ?? 0;
    if (refusal.atMs < startMs) continue;
    const served = attempts.filter(
      ({ fingerprint, model, verdict, atMs }) =>
        verdict === "ok" &&
        fingerprint === refusal.fingerprint &&
        (isOfKey ? providerOf(model) === providerOf(refusal.model) : model === refusal.model) &&
        atMs >= startMs,
    );
    const calls = served.filter(({ atMs }) => atMs < refusal.atMs).length;
    // Where no end was named, the next answer tells of it.
    const nextMs = served.find(({ atMs }) => atMs > refusal.atMs)?.atMs;
    const endMs =
      refusal.waitMs === undefined ? (nextMs ?? refusal.atMs + HARD_LASTS_MS) : refusal.atMs + refusal.waitMs;
    found.set(id, [...epochs, { startMs, endMs: Math.min(endMs, nextMs ?? endMs), calls, made: 0, refusal }]);
  }
  return found;
}

interface Ceiling {
  calls: number;
  lastsMs: number;
}

/** What the keys of each provider could serve until they were refused for a used-up quota. */
function ceilingsOf(epochs: ReadonlyMap<string, readonly Epoch[]>): Map<string, Ceiling> {
  const all = [...epochs.values()].flat().filter(({ calls }) => calls > 0);
  const byProvider = Map.groupBy(all, ({ refusal }) => providerOf(refusal.model));
  return new Map(
    [...byProvider].map(([provider, own]) => [
      provider,
      {
        calls: median(own.map(({ calls }) => calls)),
        lastsMs: median(own.map(({ endMs, refusal }) => endMs - refusal.atMs)),
      },
    ]),
  );
}

function replyOf(attempt: RecordedCall): WorldReply {
  const { verdict, durationMs, waitMs } = attempt;
  if (verdict === "ok") return { kind: "answer", afterMs: durationMs };
  return { kind: "refusal", afterMs: durationMs, verdict: verdictOf(attempt, verdict, waitMs) };
}

function verdictOf(attempt: RecordedCall, kind: VerdictKind, waitMs: number | undefined): Verdict {
  const { status, message } = attempt;
  return { kind, fault: faultOf(attempt, kind), status, rule: "recorded", message, waitMs };
}

function faultOf({ fault }: Pick<RecordedCall, "fault">, kind: VerdictKind): Verdict["fault"] {
  return fault ?? USUAL_FAULT[kind];
}

function lastsMs({ waitMs }: RecordedCall, kind: VerdictKind): number {
  if (waitMs !== undefined) return waitMs;
  if (isSoft(kind)) return SOFT_LASTS_MS;
  return LASTING.has(kind) ? Number.POSITIVE_INFINITY : HARD_LASTS_MS;
}

function providerOf(model: string): string {
  return model.slice(0, model.indexOf("/"));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
