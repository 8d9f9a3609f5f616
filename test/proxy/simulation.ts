import { createRouter } from "../../src/commands/routing.ts";
import { profileFor } from "../../src/core/client/profiles.ts";
import type { Key } from "../../src/core/key.ts";
import { formatModelRef, type ModelRef, parseModelRef } from "../../src/core/model-ref.ts";
import { isSoft, NEVER_MS } from "../../src/core/routing/cooldown.ts";
import { cooldownIdsOf } from "../../src/core/routing/lane.ts";
import { laneId, type Progress, type TriedLane } from "../../src/core/routing/progress.ts";
import { ownWords } from "../../src/core/scrub.ts";
import { ownVerdict } from "../../src/core/verdict/failure.ts";
import {
  type ErrorReply,
  overloaded,
  rateLimited,
  subscriptionRequired,
  tooManyConcurrent,
  unauthorized,
} from "../../src/demo/reply.ts";
import type { ModelRequest } from "../../src/proxy/read-request.ts";
import { RequestRun, type RunResult } from "../../src/proxy/request-run.ts";
import type { Router } from "../../src/proxy/router.ts";
import type { CallUnderWay, Reply, ReplyBody, UpstreamCall } from "../../src/proxy/transport.ts";
import { FakeClock } from "./fake-clock.ts";
import { keyNamed, settingsFrom } from "./rig.ts";

/** The result of one upstream call. */
export type Outcome = keyof typeof REPLIES | "reset" | "refused" | "silent" | "broken" | "answer";

const REPLIES = {
  unauthorized: unauthorized(),
  planless: subscriptionRequired(),
  "used up": error(429, "you (x) have reached your weekly usage limit", { "retry-after": "36000" }),
  "no such model": error(404, "model 'x' not found"),
  "limited for hours": rateLimited(3_600),
  limited: rateLimited(),
  "limited for 3 s": rateLimited(3),
  full: tooManyConcurrent(),
  overloaded: overloaded(),
  "bad gateway": error(502, "bad gateway"),
  "gateway timeout": error(504, "gateway timeout"),
  "back in 5 s": error(503, "maintenance", { "retry-after": "5" }),
} satisfies Record<string, ErrorReply>;

function error(status: number, message: string, headers: Record<string, string> = {}): ErrorReply {
  return { kind: "error", status, body: { error: message }, headers };
}

/** Failures that need another lane within one request. */
export const HARD: readonly Outcome[] = ["unauthorized", "planless", "used up", "no such model"];

/** Failures that may pass within a request. */
export const SOFT: readonly Outcome[] = [
  "limited",
  "limited for 3 s",
  "full",
  "overloaded",
  "bad gateway",
  "gateway timeout",
  "back in 5 s",
  "reset",
  "refused",
];

/** Fails with `first` until `healsMs` after the start, then answers. */
export interface LaneScript {
  first: Outcome;
  healsMs: number;
  /** The duration of each call. */
  callMs: number;
}

export interface World {
  keys: number;
  models: string[];
  routing: Record<string, unknown>;
  limits: { concurrency?: number; rpm?: number };
  /** In order: the keys of the first model, of the second, and so on. */
  lanes: LaneScript[];
  /** When each request arrives. */
  requestsMs: number[];
}

/** How one request ended. */
export interface Trip {
  progress: Progress;
  end: RunResult["kind"];
  fromMs: number;
  endMs: number;
}

const STREAM = "text/event-stream";
const ANSWER = [
  'data: {"choices":[{"index":0,"delta":{"content":"fine"},"finish_reason":null}]}\n\n',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
].join("");

/** Real requests through the real router; only the clock and the network are replaced. */
export class Simulation {
  readonly clock = new FakeClock();
  readonly router: Router;
  readonly refs: ModelRef[];
  readonly keys: Key[];
  readonly startMs = this.clock.ms;
  readonly #world: World;
  readonly #sent = new Map<string, number[]>();
  readonly #scripts = new Map<string, LaneScript>();

  constructor(world: World) {
    this.#world = world;
    const ids = [...new Set(world.models.map((model) => model.split("/")[0] ?? ""))];
    const settings = settingsFrom({
      routing: world.routing,
      providers: Object.fromEntries(
        ids.map((id) => [id, { base_url: `http://${id}.test`, ...world.limits }]),
      ),
    });
    this.refs = world.models.flatMap((model) => parseModelRef(model) ?? []);
    this.keys = ids.flatMap((id) =>
      Array.from({ length: world.keys }, (_, nth) => keyNamed(id, `${id}${nth}`)),
    );
    for (const [nth, { key, ref }] of this.#lanes().entries()) {
      const script = world.lanes[nth % world.lanes.length];
      if (script !== undefined) this.#scripts.set(laneId(key, ref), script);
    }
    let dice = 7;
    const random = (): number => {
      dice = (dice * 16_807) % 2_147_483_647;
      return dice / 2_147_483_647;
    };
    this.router = createRouter({
      settings,
      keys: this.keys,
      env: this.clock.env(random),
      transport: (call) => this.#call(call),
    });
  }

  #lanes(): { key: Key; ref: ModelRef }[] {
    return this.refs.flatMap((ref) =>
      this.keys.filter((key) => key.provider === ref.provider).map((key) => ({ key, ref })),
    );
  }

  scriptOf(attempt: Pick<TriedLane, "key" | "ref">): LaneScript | undefined {
    return this.#scripts.get(laneId(attempt.key, attempt.ref));
  }

  get scripts(): LaneScript[] {
    return [...this.#scripts.values()];
  }

  /** Runs every request to its end. Throws if an invariant is violated. */
  async run(): Promise<Trip[]> {
    const trips = this.#world.requestsMs.map(async (atMs, nth) => {
      await new Promise<void>((resolve) => void this.router.env.after(atMs, resolve));
      return this.#travel(nth);
    });
    await this.clock.runOut();
    return Promise.all(trips);
  }

  async #travel(nth: number): Promise<Trip> {
    const request = this.#request(nth);
    const run = new RequestRun(request, {
      router: this.router,
      rules: [],
      errorBodyBytes: 65_536,
      answerBytes: 65_536,
      windowOf: () => undefined,
    });
    const fromMs = this.clock.ms;
    for (;;) {
      const result = await run.go();
      const { progress } = run;
      if (result.kind !== "answer") return { progress, end: result.kind, fromMs, endMs: this.clock.ms };
      const { attempt } = result;
      if (this.#isBroken(attempt)) {
        run.fail(attempt, ownVerdict.broken("reset", ownWords("it broke off")), { isBroken: true });
        continue;
      }
      run.close("served");
      return { progress, end: "answer", fromMs, endMs: this.clock.ms };
    }
  }

  #isBroken(lane: Pick<TriedLane, "key" | "ref">): boolean {
    const script = this.scriptOf(lane);
    return script?.first === "broken" && this.clock.ms - this.startMs < script.healsMs;
  }

  #request(nth: number): ModelRequest {
    const body = new TextEncoder().encode('{"model":"chain","stream":true,"messages":[]}');
    return {
      id: `request ${nth}`,
      method: "POST",
      endpoint: "chat/completions",
      headers: new Headers(),
      body,
      dialect: "chat",
      model: { span: { start: 9, end: 16 }, value: "chain" },
      pathProvider: undefined,
      asked: "orouter/chain",
      targets: this.refs,
      profile: profileFor("opencode1"),
      client: undefined,
      sessionId: "one",
      session: this.router.sessions.of("one"),
      snapshot: this.router.snapshot,
      signal: new AbortController().signal,
      startedMs: this.clock.ms,
    };
  }

  #call(call: UpstreamCall): CallUnderWay {
    const lane = this.#laneOf(call);
    this.#checkCooldowns(lane);
    this.#checkLimits(lane.key);
    const script = this.#scripts.get(laneId(lane.key, lane.ref));
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    let callOff = (): void => {};
    const abort = (): void => {
      callOff();
      reject(new Error("aborted"));
    };
    if (script === undefined) throw new Error("a lane without a script");
    const isHealed = this.clock.ms - this.startMs >= script.healsMs;
    const outcome = isHealed ? "answer" : script.first;
    if (outcome !== "silent")
      callOff = this.router.env.after(script.callMs, () => {
        if (outcome === "reset") reject(new Error("ECONNRESET"));
        else if (outcome === "refused") reject(new Error("ECONNREFUSED"));
        else resolve(replyTo(outcome));
      });
    return { reply: promise, abort };
  }

  #laneOf(call: UpstreamCall): { key: Key; ref: ModelRef } {
    const key = this.keys.find((one) => one.secret === call.secret);
    const body = JSON.parse(new TextDecoder().decode(call.body)) as { model: string };
    const ref = this.refs.find((one) => one.provider === key?.provider && one.model === body.model);
    if (key === undefined || ref === undefined) throw new Error("a call on no lane");
    return { key, ref };
  }

  /** No lane is asked before the time that a provider has named, except as a last resort, and no rejected one. */
  #checkCooldowns({ key, ref }: { key: Key; ref: ModelRef }): void {
    for (const id of cooldownIdsOf(key, ref)) {
      const cooldown = this.router.cooldowns.get(id);
      if (cooldown === undefined || cooldown.untilMs <= this.clock.ms) continue;
      if (!isSoft(cooldown.kind)) throw new Error(`${id} was asked although it was refused`);
      if (cooldown.untilMs >= NEVER_MS) throw new Error(`${id} was asked although it is dead`);
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
}

function replyTo(outcome: Exclude<Outcome, "reset" | "refused" | "silent">): Reply {
  if (outcome === "answer" || outcome === "broken") return replyOf(200, ANSWER, { "content-type": STREAM });
  const { status, body, headers = {} } = REPLIES[outcome] as ErrorReply;
  return replyOf(status, JSON.stringify(body), { "content-type": "application/json", ...headers });
}

function replyOf(status: number, text: string, headers: Record<string, string>): Reply {
  const bytes = new TextEncoder().encode(text);
  let isRead = false;
  const body: ReplyBody = {
    read: () => {
      if (isRead) return Promise.resolve({ done: true, value: undefined });
      isRead = true;
      return Promise.resolve({ done: false, value: bytes });
    },
    cancel: () => Promise.resolve(),
    bytes: () => Promise.resolve(bytes),
  };
  return { status, headers: new Headers(headers), body };
}

/** When each lane was asked, by its name. */
export function callsByLane(progress: Progress): Map<string, TriedLane[]> {
  return Map.groupBy(progress.attempts, ({ key, ref }) => `${key.name} ${formatModelRef(ref)}`);
}
