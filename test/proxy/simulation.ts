import type { Key } from "../../src/core/key.ts";
import { type ModelRef, parseModelRef } from "../../src/core/model-ref.ts";
import { restIdsOf } from "../../src/core/routing/lane.ts";
import { isBarred, laneId, type Progress, startProgress } from "../../src/core/routing/progress.ts";
import { isSoft } from "../../src/core/routing/rest.ts";
import type { Session } from "../../src/core/routing/session.ts";
import type { Verdict } from "../../src/core/verdict/verdict.ts";
import type { Lease } from "../../src/proxy/lease.ts";
import { Router } from "../../src/proxy/router.ts";
import { FakeClock } from "./fake-clock.ts";
import { keyNamed, settingsFrom } from "./rig.ts";

/** What one upstream call comes to: a verdict, or an answer that takes so long. */
export interface Outcome {
  verdict: Verdict | undefined;
  ms: number;
}

export interface World {
  keys: number;
  models: string[];
  routing: Record<string, unknown>;
  limits: { concurrency?: number; rpm?: number };
  /** When each request comes, and what its calls come to, over and over. */
  requests: { atMs: number; outcomes: Outcome[] }[];
}

/** How one request ended. */
export interface Trip {
  progress: Progress;
  end: "answer" | "refusal" | "give-up";
  tookMs: number;
  upstreamMs: number;
}

/** Requests over a real router, with a clock of their own and upstreams that are mere outcomes. */
export class Simulation {
  readonly clock = new FakeClock();
  readonly router: Router;
  readonly refs: ModelRef[];
  readonly keys: Key[];
  readonly #world: World;
  readonly #sent = new Map<string, number[]>();
  readonly #probed = new Map<string, number>();
  readonly #session: Session;

  constructor(world: World) {
    this.#world = world;
    const ids = [...new Set(world.models.map((model) => model.split("/")[0] ?? ""))];
    const settings = settingsFrom({
      routing: world.routing,
      providers: Object.fromEntries(
        ids.map((id) => [id, { base_url: "http://127.0.0.1:9", ...world.limits }]),
      ),
    });
    this.refs = world.models.flatMap((model) => parseModelRef(model) ?? []);
    this.keys = ids.flatMap((id) =>
      Array.from({ length: world.keys }, (_, nth) => keyNamed(id, `${id}${nth}`)),
    );
    let dice = 7;
    const random = (): number => {
      dice = (dice * 16_807) % 2_147_483_647;
      return dice / 2_147_483_647;
    };
    this.router = new Router({
      providers: new Map(Object.entries(settings.providers)),
      keys: this.keys,
      knownModels: [],
      policy: settings.routing,
      chance: this.clock.chance(random),
    });
    this.#session = this.router.sessions.of("one");
  }

  /** Runs every request to its end. It throws where a rule of the house is broken. */
  async run(): Promise<Trip[]> {
    const trips = this.#world.requests.map(async ({ atMs, outcomes }) => {
      await this.#sleep(atMs);
      return this.#travel(outcomes);
    });
    await this.clock.runOut();
    return Promise.all(trips);
  }

  async #travel(outcomes: Outcome[]): Promise<Trip> {
    const progress = startProgress(this.refs);
    const fromMs = this.clock.ms;
    const ticket = this.router.waiting.takeTicket();
    let upstreamMs = 0;
    let end: Trip["end"] | undefined;
    while (end === undefined) {
      this.router.waiting.serve(ticket);
      const lease = await this.#find(progress, ticket);
      if (lease === "look-again") continue;
      if (lease === "none") {
        end = "give-up";
        continue;
      }
      const outcome = outcomes[(progress.attempts.length - 1) % outcomes.length];
      const sentMs = this.clock.ms;
      await this.#sleep(outcome?.ms ?? 0);
      end = await this.#conclude(lease, progress, outcome?.verdict);
      upstreamMs += this.clock.ms - sentMs;
    }
    return { progress, end, tookMs: this.clock.ms - fromMs, upstreamMs };
  }

  /** What follows from one call: an end, or undefined for another. */
  async #conclude(
    lease: Lease,
    progress: Progress,
    verdict: Verdict | undefined,
  ): Promise<Trip["end"] | undefined> {
    const { router } = this;
    this.#unprobe(lease);
    if (verdict === undefined) {
      router.succeed(lease, this.#session);
      router.complete(lease);
      router.drop(lease);
      return "answer";
    }
    const attempt = progress.attempts.at(-1);
    if (attempt !== undefined) attempt.verdict = verdict;
    const decision = router.fail(lease, verdict, {
      progress,
      session: this.#session,
      terms: this.router.terms,
    });
    if (decision.kind === "serve-error") return "refusal";
    if (decision.kind === "again") await this.#sleep(decision.afterMs);
    return undefined;
  }

  /** A lane, after a wait where one is called for. */
  async #find(progress: Progress, ticket: number): Promise<Lease | "none" | "look-again"> {
    const { router } = this;
    const traveller = { progress, session: this.#session, terms: this.router.terms };
    const step = router.step(traveller);
    if (step.kind === "give-up") return "none";
    if (step.kind === "attempt") return this.#acquire(progress, step);
    let lease: Lease | undefined;
    const look = (): boolean => {
      const now = router.step(traveller);
      if (now.kind === "attempt") lease = this.#acquire(progress, now);
      return now.kind !== "wait" || now.untilMs < step.untilMs;
    };
    const fromMs = this.clock.ms;
    const { signal } = new AbortController();
    await router.waiting.until({ ticket, untilMs: step.untilMs, signal, look });
    progress.waitedMs[step.budget] += this.clock.ms - fromMs;
    return lease ?? "look-again";
  }

  #acquire(progress: Progress, step: { key: Key; ref: ModelRef; probe: boolean }): Lease {
    this.#checkRests(step);
    if (isBarred(progress, step.key, step.ref))
      throw new Error("a lane was used that the request had ruled out");
    const lease = this.router.acquire(step.key, step.ref, step.probe);
    progress.attempts.push({ ...step, startedMs: lease.startedMs, verdict: undefined });
    this.#checkLimits(step.key);
    for (const id of lease.probes) {
      const count = (this.#probed.get(id) ?? 0) + 1;
      if (count > 1) throw new Error(`two probes at a time of ${id}`);
      this.#probed.set(id, count);
    }
    return lease;
  }

  #unprobe(lease: Lease): void {
    for (const id of lease.probes) this.#probed.set(id, (this.#probed.get(id) ?? 0) - 1);
  }

  /** No resting lane is used but as a probe, and then only where time heals; nor is one that another is probing. */
  #checkRests({ key, ref, probe }: { key: Key; ref: ModelRef; probe: boolean }): void {
    for (const id of restIdsOf(key, ref)) {
      const rest = this.router.health.get(id);
      if (rest === undefined || rest.untilMs === 0) continue;
      if (!probe) throw new Error(`${id} was used while it rested, and not as a probe`);
      if ((this.#probed.get(id) ?? 0) > 0) throw new Error(`${id} was used while another was probing it`);
      if (rest.untilMs > this.clock.ms && !isSoft(rest.kind))
        throw new Error(`${id} was probed before its time`);
    }
  }

  #checkLimits(key: Key): void {
    const { concurrency = Number.POSITIVE_INFINITY, rpm = Number.POSITIVE_INFINITY } = this.#world.limits;
    if (this.router.inFlight(key) > concurrency) throw new Error("more calls at a time than a key may carry");
    const sent = [...(this.#sent.get(key.fingerprint) ?? []), this.clock.ms];
    this.#sent.set(key.fingerprint, sent);
    if (sent.filter((atMs) => atMs > this.clock.ms - 60_000).length > rpm)
      throw new Error("faster than the pace");
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.router.chance.after(ms, resolve));
  }
}

/** Attempts by lane. */
export function triesByLane(progress: Progress): Map<string, number> {
  const tries = new Map<string, number>();
  for (const { key, ref } of progress.attempts) {
    const lane = laneId(key, ref);
    tries.set(lane, (tries.get(lane) ?? 0) + 1);
  }
  return tries;
}
