import { profileFor } from "../../core/client/profiles.ts";
import type { Key } from "../../core/key.ts";
import type { RequestRecord } from "../../core/routing/events.ts";
import { askedRef, targetsOf } from "../../core/routing/targets.ts";
import type { Settings } from "../../core/settings/settings.ts";
import type { CallOptions, CallOutcome } from "../../proxy/attempt.ts";
import type { PriceOf } from "../../proxy/budgets.ts";
import type { Env } from "../../proxy/env.ts";
import type { ModelRequest } from "../../proxy/read-request.ts";
import { RequestRun } from "../../proxy/request-run.ts";
import type { Router } from "../../proxy/router.ts";
import { createRouter } from "../routing.ts";
import { RecordedWorld } from "./recorded-world.ts";

interface Timer {
  atMs: number;
  /** Timers for the same moment fire in the order in which they were set. */
  place: number;
  call: () => void;
  isOff: boolean;
}

/** A clock that goes from timer to timer, so that days pass in seconds. */
export class VirtualClock {
  nowMs: number;
  readonly #timers: Timer[] = [];
  #places = 0;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  env(random: () => number): Required<Env> {
    return { now: () => this.nowMs, random, after: (ms, call) => this.after(ms, call) };
  }

  after(ms: number, call: () => void): () => void {
    const timer = { atMs: this.nowMs + Math.max(0, ms), place: this.#places++, call, isOff: false };
    this.#push(timer);
    return () => {
      timer.isOff = true;
    };
  }

  /** Fires every timer, and those that they set, until none is left. */
  async run(): Promise<void> {
    await settled();
    for (let timer = this.#pop(); timer !== undefined; timer = this.#pop()) {
      if (timer.isOff) continue;
      this.nowMs = Math.max(this.nowMs, timer.atMs);
      timer.call();
      await settled();
    }
  }

  /** A binary heap: a replay has as many timers as the ledger has requests. */
  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent])) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): Timer | undefined {
    const heap = this.#timers;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const next = isBefore(heap[right], heap[left]) ? right : left;
      if (!isBefore(heap[next], heap[at])) return first;
      this.#swap(at, next);
      at = next;
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#timers;
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  }
}

function isBefore(one: Timer | undefined, other: Timer | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.place < other.place);
}

/** Until every promise that can go on has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export interface ReplayParts {
  /** Of the ledger, oldest first. */
  records: readonly RequestRecord[];
  settings: Settings;
  keys: readonly Key[];
  priceOf?: PriceOf;
}

/** Requests that name no model cannot be replayed: which keys they could use is not in the ledger. */
export function canReplay({ asked }: RequestRecord): boolean {
  return asked !== undefined;
}

/** The same chance in every replay. */
const SEED = 20_261_201;

/**
 * What the requests of the ledger would have met under other settings or keys: the real router and the real loop over a
 * virtual clock, with calls that come to what they came to.
 */
export async function replay({ records, settings, keys, priceOf }: ReplayParts): Promise<RequestRecord[]> {
  const replayed = records.filter(canReplay);
  const clock = new VirtualClock((replayed[0]?.atMs ?? 0) - 1);
  const world = new RecordedWorld(replayed);
  const random = seeded(SEED);
  const router = createRouter({ settings, keys, env: clock.env(random), priceOf });
  const results: RequestRecord[] = [];
  router.subscribe((event) => {
    if (event.kind === "finished") results.push(event.record);
  });
  const runs = replayed.map(
    (record) =>
      new Promise<void>((resolve, reject) => {
        clock.after(record.atMs - clock.nowMs, () => {
          runRequest(record, { router, settings, world, clock }).then(resolve, reject);
        });
      }),
  );
  await Promise.all([clock.run(), ...runs]);
  const place = new Map(replayed.map(({ id }, at) => [id, at]));
  return results.toSorted((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0));
}

interface Stage {
  router: Router;
  settings: Settings;
  world: RecordedWorld;
  clock: VirtualClock;
}

async function runRequest(record: RequestRecord, stage: Stage): Promise<void> {
  const { router, world, clock } = stage;
  const leaving = new AbortController();
  if (record.outcome === "client-gone") clock.after(record.durationMs, () => leaving.abort());
  const run = new RequestRun(requestOf(record, stage, leaving.signal), {
    router,
    rules: [],
    errorBodyBytes: 0,
    answerBytes: 0,
    windowOf: () => undefined,
    call: (options) => callWorld(record.id, options, world, clock),
  });
  const result = await run.go();
  switch (result.kind) {
    case "answer": {
      // The lane is busy until the last byte.
      const tailMs = Math.max(0, record.durationMs - (record.firstTokenMs ?? record.durationMs));
      await new Promise<void>((resolve) => void clock.after(tailMs, resolve));
      return run.close("served", { input: record.inputTokens, output: record.outputTokens });
    }
    case "refusal":
      return run.close("passed-error");
    case "exhausted":
      return run.close("exhausted");
    case "client-gone":
      return run.close("client-gone");
  }
}

async function callWorld(
  id: string,
  { attempt, request }: CallOptions,
  world: RecordedWorld,
  clock: VirtualClock,
): Promise<CallOutcome> {
  const reply = world.call(id, attempt.key, attempt.ref, clock.nowMs);
  await new Promise<void>((resolve) => void clock.after(reply.afterMs, resolve));
  if (request.signal.aborted) return { kind: "client-gone" };
  if (reply.kind === "refusal") return { kind: "refused", verdict: reply.verdict, reply: undefined };
  return { kind: "body", status: 200, headers: new Headers(), body: new Uint8Array() };
}

function requestOf(
  { id, asked = "", session, atMs }: RequestRecord,
  { router, settings }: Stage,
  signal: AbortSignal,
): ModelRequest {
  const ref = askedRef(undefined, asked);
  return {
    id,
    asked,
    signal,
    method: "POST",
    endpoint: "chat/completions",
    headers: new Headers(),
    body: undefined,
    dialect: "chat",
    model: undefined,
    pathProvider: undefined,
    targets: ref === undefined ? [] : targetsOf(ref, settings),
    profile: profileFor("neutral"),
    sessionId: session,
    session: router.sessions.of(session),
    snapshot: router.snapshot,
    startedMs: atMs,
  };
}

/** Park and Miller's generator. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** What a request did, as far as it was decided here: the lanes it asked, in order, and its end. */
export function decisionOf({ attempts, outcome, served }: RequestRecord): string {
  const asked = attempts.map(({ fingerprint, model, verdict }) => `${fingerprint} ${model} ${verdict}`);
  return [...asked, outcome === "broken" ? "served" : outcome, served ?? ""].join(", ");
}
