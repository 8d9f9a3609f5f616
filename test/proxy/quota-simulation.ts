import { createRouter } from "../../src/commands/routing.ts";
import { VirtualClock } from "../../src/commands/simulate/replay.ts";
import { profileFor } from "../../src/core/client/profiles.ts";
import type { Key } from "../../src/core/key.ts";
import { isCurrent, isSpent, type Quota } from "../../src/core/quota/quota.ts";
import type { Strategy } from "../../src/core/routing/session.ts";
import { ownWords } from "../../src/core/scrub.ts";
import type { Verdict } from "../../src/core/verdict/verdict.ts";
import type { CallOptions, CallOutcome } from "../../src/proxy/attempt.ts";
import { RequestRun } from "../../src/proxy/request-run.ts";
import type { Router } from "../../src/proxy/router.ts";
import { QuotaPoller } from "../../src/quota/quota-poller.ts";
import { keyNamed, settingsFrom } from "./rig.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 8, 7);
export const DAYS = 14;

/** A window of a fixed length that is reset at times of its own. */
interface HiddenWindow {
  name: "5h" | "week" | "month";
  lengthMs: number;
  phaseMs: number;
  limit: number;
}

/** What an account may do; only its provider knows. */
class Account {
  readonly windows: HiddenWindow[];
  readonly #used = new Map<string, number>();

  constructor(windows: HiddenWindow[]) {
    this.windows = windows;
  }

  static startOf({ lengthMs, phaseMs }: HiddenWindow, atMs: number): number {
    return Math.floor((atMs - phaseMs) / lengthMs) * lengthMs + phaseMs;
  }

  usedIn(window: HiddenWindow, atMs: number): number {
    return this.#used.get(`${window.name} ${Account.startOf(window, atMs)}`) ?? 0;
  }

  /** Counts a call; otherwise says when the account is free again. */
  serve(atMs: number): number | undefined {
    const full = this.windows.filter((window) => this.usedIn(window, atMs) >= window.limit);
    if (full.length > 0)
      return Math.max(...full.map((window) => Account.startOf(window, atMs) + window.lengthMs));
    for (const window of this.windows) {
      const id = `${window.name} ${Account.startOf(window, atMs)}`;
      this.#used.set(id, (this.#used.get(id) ?? 0) + 1);
    }
    return undefined;
  }

  quotas(atMs: number): Quota[] {
    return this.windows.map((window): Quota => {
      const resetsAt = Account.startOf(window, atMs) + window.lengthMs;
      const used = this.usedIn(window, atMs);
      return {
        ...{ window: window.name, unit: "requests", used, limit: window.limit, resetsAt },
        ...{ blocking: true, pool: "account", exact: true },
      };
    });
  }
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

export interface World {
  accounts: number;
  seed: number;
  /** Demand as a part of what the accounts could serve at most. */
  demand: number;
}

const LIMITS = { five: 12, week: 70, month: 200 };

function windowsOf(random: () => number): HiddenWindow[] {
  // Plans of three sizes, with phases of their own, on full hours.
  const size = [0.5, 1, 2][Math.floor(random() * 3)] ?? 1;
  const phase = (lengthMs: number): number => START + Math.floor((random() * lengthMs) / HOUR) * HOUR;
  return [
    { name: "5h", lengthMs: 5 * HOUR, phaseMs: phase(5 * HOUR), limit: LIMITS.five * size },
    { name: "week", lengthMs: 7 * DAY, phaseMs: phase(7 * DAY), limit: LIMITS.week * size },
    { name: "month", lengthMs: 30 * DAY, phaseMs: phase(30 * DAY), limit: LIMITS.month * size },
  ];
}

/** A session: some requests, minutes apart. */
interface Ask {
  atMs: number;
  session: string;
}

/** Work in bursts: busy days and idle nights, some sessions at once. */
function asksOf({ demand }: World, capacity: number, random: () => number): Ask[] {
  const asks: Ask[] = [];
  const wanted = capacity * demand;
  for (let session = 0; asks.length < wanted; session++) {
    const day = Math.floor(random() * DAYS);
    // Most work is done by day; a burst has several sessions in the same hour.
    const hour = random() < 0.85 ? 8 + random() * 12 : random() * 24;
    const burst = 1 + Math.floor(random() * 4);
    for (let one = 0; one < burst; one++) {
      let atMs = START + day * DAY + hour * HOUR + random() * HOUR;
      const length = 2 + Math.floor(random() * 14);
      for (let nth = 0; nth < length; nth++) {
        if (atMs < START + DAYS * DAY)
          asks.push({ atMs: Math.floor(atMs), session: `ses_${session}_${one}` });
        atMs += 20_000 + random() * 240_000;
      }
    }
  }
  return asks.toSorted((a, b) => a.atMs - b.atMs);
}

export interface Result {
  asked: number;
  served: number;
  refusedCalls: number;
  /** Calls to an account of which the last reading said that it is spent. */
  callsToSpent: number;
  optimum: number;
}

const CALL_MS = 4_000;

/** Runs two weeks with the real router, loop and poller. */
export async function simulateQuota(world: World, strategy: Strategy, hasReadings: boolean): Promise<Result> {
  const random = seeded(world.seed);
  const accounts = Array.from({ length: world.accounts }, () => new Account(windowsOf(random)));
  const asks = asksOf(world, optimumOf(accounts, undefined), random);
  const optimum = optimumOf(accounts, asks);
  const keys = accounts.map((_, nth) => keyNamed("a", `key-${nth}`));
  const accountOf = new Map(keys.map((key, nth) => [key.fingerprint, accounts[nth]]));
  const clock = new VirtualClock(START - 1);
  const settings = settingsFrom({ routing: { strategy }, providers: { a: { base_url: "http://a.test" } } });
  const router = createRouter({ settings, keys, env: clock.env(random) });
  const poller = pollerOf(router, keys, accountOf, clock);
  const result: Result = { asked: asks.length, served: 0, refusedCalls: 0, callsToSpent: 0, optimum };
  const call = async ({ attempt }: CallOptions): Promise<CallOutcome> => {
    if (isKnownSpent(router, attempt.key, clock.nowMs)) result.callsToSpent++;
    const freeAtMs = accountOf.get(attempt.key.fingerprint)?.serve(clock.nowMs);
    if (freeAtMs !== undefined) {
      result.refusedCalls++;
      return { kind: "refused", verdict: spentVerdict(freeAtMs - clock.nowMs), reply: undefined };
    }
    await new Promise<void>((resolve) => void clock.after(CALL_MS, resolve));
    return { kind: "body", status: 200, headers: new Headers(), body: new Uint8Array() };
  };
  let polledMs = 0;
  for (const ask of asks) {
    clock.after(ask.atMs - clock.nowMs, async () => {
      if (hasReadings && clock.nowMs - polledMs >= 60_000) {
        polledMs = clock.nowMs;
        await poller.round();
      }
      if (await runAsk(ask, router, call)) result.served++;
    });
  }
  await clock.run();
  return result;
}

async function runAsk(
  { session, atMs }: Ask,
  router: Router,
  call: (options: CallOptions) => Promise<CallOutcome>,
): Promise<boolean> {
  const run = new RequestRun(
    {
      ...{ id: `${session} ${atMs}`, method: "POST", endpoint: "chat/completions", headers: new Headers() },
      ...{ body: undefined, dialect: "chat", model: undefined, pathProvider: undefined, asked: "a/m" },
      ...{ targets: [{ provider: "a", model: "m" }], profile: profileFor("neutral"), sessionId: session },
      session: router.sessions.of(session),
      ...{ snapshot: router.snapshot, signal: new AbortController().signal, startedMs: atMs },
    },
    { router, rules: [], errorBodyBytes: 0, answerBytes: 0, windowOf: () => undefined, call },
  );
  const { kind } = await run.go();
  run.close(kind === "answer" ? "served" : "exhausted");
  return kind === "answer";
}

function pollerOf(
  router: Router,
  keys: readonly Key[],
  accountOf: ReadonlyMap<string, Account | undefined>,
  clock: VirtualClock,
): QuotaPoller {
  const endpointOf = (key: Key) => ({
    url: `https://a.test/${key.name}`,
    reader: { origins: {}, path: () => "", read: () => ({ kind: "no-plan" }) as const },
  });
  const bySecret = new Map(keys.map((key) => [key.secret, accountOf.get(key.fingerprint)]));
  return new QuotaPoller({
    targets: () => keys.map((key) => ({ key, endpoint: endpointOf(key) })),
    recordOf: (key) => router.quotas.of(key),
    usedMs: (key) => router.quotas.usedMs(key),
    wantedMs: (provider) => router.quotas.wantedMs(provider),
    spentSinceMs: () => undefined,
    pollMs: () => 60_000,
    ask: async (_endpoint, secret) => ({
      kind: "known",
      quotas: bySecret.get(secret)?.quotas(clock.nowMs) ?? [],
    }),
    take: (key, reading) => router.quotas.take(key, reading),
    refresh: async () => {},
    nowMs: () => clock.nowMs,
  });
}

function isKnownSpent(router: Router, key: Key, nowMs: number): boolean {
  const quotas = router.quotas.of(key)?.quotas ?? [];
  return quotas.some((quota) => quota.blocking && isCurrent(quota, nowMs) && isSpent(quota, 0));
}

function spentVerdict(waitMs: number): Verdict {
  return { kind: "quota", fault: "key", status: 429, rule: "test", message: ownWords("used up"), waitMs };
}

/**
 * The most that anybody could serve who knows all windows and requests beforehand: a flow from hours with requests through
 * the windows of each account. Windows are cut where a longer one is reset, which can only raise the result. Without
 * requests every hour has as many as one likes.
 */
function optimumOf(accounts: readonly Account[], asks: readonly Ask[] | undefined): number {
  const flow = new Flow();
  const demand = new Map<number, number>();
  for (const { atMs } of asks ?? []) {
    const hour = Math.floor((atMs - START) / HOUR);
    demand.set(hour, (demand.get(hour) ?? 0) + 1);
  }
  for (let hour = 0; hour < DAYS * 24; hour++) {
    const wanted = asks === undefined ? 1e9 : (demand.get(hour) ?? 0);
    if (wanted === 0) continue;
    const atMs = START + hour * HOUR;
    const slot = `hour ${hour}`;
    flow.edge("source", slot, wanted);
    for (const [nth, { windows }] of accounts.entries()) {
      let inner = slot;
      let limit = Number.POSITIVE_INFINITY;
      for (const [at, window] of windows.entries()) {
        // A piece is told apart by its own window and all longer ones.
        const cut = windows.slice(at).map((one) => Account.startOf(one, atMs));
        const piece = `${nth} ${window.name} ${cut.join(" ")}`;
        flow.edge(inner, piece, limit);
        inner = piece;
        limit = window.limit;
      }
      flow.edge(inner, "sink", limit);
    }
  }
  return flow.most("source", "sink");
}

/** Dinic's algorithm. The same edge twice is one. */
class Flow {
  readonly #ids = new Map<string, number>();
  readonly #edges: { to: number; left: number }[] = [];
  readonly #out: number[][] = [];
  readonly #known = new Set<string>();

  edge(from: string, to: string, capacity: number): void {
    const id = `${from} > ${to}`;
    if (this.#known.has(id)) return;
    this.#known.add(id);
    const [a, b] = [this.#node(from), this.#node(to)];
    this.#out[a]?.push(this.#edges.push({ to: b, left: capacity }) - 1);
    this.#out[b]?.push(this.#edges.push({ to: a, left: 0 }) - 1);
  }

  #node(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    this.#ids.set(name, this.#out.length);
    this.#out.push([]);
    return this.#out.length - 1;
  }

  most(from: string, to: string): number {
    const [source, sink] = [this.#node(from), this.#node(to)];
    let sum = 0;
    for (;;) {
      const level = this.#levels(source);
      if ((level[sink] ?? -1) < 0) return sum;
      const next = this.#out.map(() => 0);
      for (let pushed = this.#push(source, sink, 1e12, level, next); pushed > 0; ) {
        sum += pushed;
        pushed = this.#push(source, sink, 1e12, level, next);
      }
    }
  }

  #levels(source: number): number[] {
    const level = this.#out.map(() => -1);
    level[source] = 0;
    const queue = [source];
    for (const node of queue) {
      for (const id of this.#out[node] ?? []) {
        const edge = this.#edges[id];
        if (edge === undefined || edge.left <= 0 || (level[edge.to] ?? 0) >= 0) continue;
        level[edge.to] = (level[node] ?? 0) + 1;
        queue.push(edge.to);
      }
    }
    return level;
  }

  #push(node: number, sink: number, most: number, level: readonly number[], next: number[]): number {
    if (node === sink) return most;
    const out = this.#out[node] ?? [];
    for (; (next[node] ?? 0) < out.length; next[node] = (next[node] ?? 0) + 1) {
      const id = out[next[node] ?? 0] ?? 0;
      const edge = this.#edges[id];
      if (edge === undefined || edge.left <= 0 || level[edge.to] !== (level[node] ?? 0) + 1) continue;
      const pushed = this.#push(edge.to, sink, Math.min(most, edge.left), level, next);
      if (pushed <= 0) continue;
      edge.left -= pushed;
      const back = this.#edges[id ^ 1];
      if (back !== undefined) back.left += pushed;
      return pushed;
    }
    return 0;
  }
}
