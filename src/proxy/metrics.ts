import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { quotaLines } from "../core/quota/quota-lines.ts";
import type { RequestRecord } from "../core/routing/events.ts";
import { VERSION } from "../core/version.ts";
import type { Router } from "./router.ts";

const FIRST_TOKEN_SECONDS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128];

/** Names come from clients: beyond so many the rest is counted together, or a client could fill the memory. */
const MAX_NAMES = 200;

const OTHER = "other";

/** A name as a label; with a bound on how many there are. */
function bounded(): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    if (known.size >= MAX_NAMES) return OTHER;
    known.add(name);
    return name;
  };
}

/** What `/metrics` shows, in the text form of Prometheus. No secret is a label: keys appear by their names. */
export function createMetrics(router: Router): () => Promise<Response> {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "orouter_requests_total",
    help: "Finished requests",
    labelNames: ["model", "client", "outcome"],
    registers,
  });
  const attempts = new Counter({
    name: "orouter_attempts_total",
    help: "Calls to providers",
    labelNames: ["model", "key", "verdict"],
    registers,
  });
  const tokens = new Counter({
    name: "orouter_tokens_total",
    help: "Tokens as the providers report them",
    labelNames: ["model", "client", "direction"],
    registers,
  });
  const firstToken = new Histogram({
    name: "orouter_first_token_seconds",
    help: "Time until the first token, from the client's request",
    labelNames: ["model"],
    buckets: FIRST_TOKEN_SECONDS,
    registers,
  });
  const waited = new Counter({
    name: "orouter_waited_seconds_total",
    help: "Time that requests waited for a free key",
    registers,
  });
  gauges(router, registers);
  const model = bounded();
  const client = bounded();
  const key = bounded();
  router.subscribe((event) => {
    if (event.kind !== "finished") return;
    const { record } = event;
    const labels = { model: model(record.served ?? record.asked ?? ""), client: client(record.client ?? "") };
    requests.inc({ ...labels, outcome: record.outcome });
    if (record.inputTokens !== undefined) tokens.inc({ ...labels, direction: "input" }, record.inputTokens);
    if (record.outputTokens !== undefined)
      tokens.inc({ ...labels, direction: "output" }, record.outputTokens);
    if (record.firstTokenMs !== undefined)
      firstToken.observe({ model: labels.model }, record.firstTokenMs / 1000);
    waited.inc(record.waitedMs / 1000);
    countAttempts(record);
  });
  const countAttempts = (record: RequestRecord): void => {
    for (const attempt of record.attempts) {
      attempts.inc({ model: model(attempt.model), key: key(attempt.keyName), verdict: attempt.verdict });
    }
  };
  return async () =>
    new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } });
}

/** What is true at the moment of the question. */
function gauges(router: Router, registers: Registry[]): void {
  new Gauge({
    name: "orouter_info",
    help: "Version of orouter",
    labelNames: ["version"],
    registers,
    collect() {
      this.set({ version: VERSION }, 1);
    },
  });
  new Gauge({
    name: "orouter_in_flight",
    help: "Calls to providers under way",
    labelNames: ["provider", "key"],
    registers,
    collect() {
      this.reset();
      for (const key of router.snapshot.keys) {
        this.set({ provider: key.provider, key: key.name }, router.inFlight(key));
      }
    },
  });
  new Gauge({
    name: "orouter_waiting",
    help: "Requests that wait for a free key",
    registers,
    collect() {
      this.set(router.queue.length);
    },
  });
  new Gauge({
    name: "orouter_cooldowns",
    help: "Cooldowns in force",
    labelNames: ["scope", "kind"],
    registers,
    collect() {
      this.reset();
      const nowMs = router.env.now();
      for (const { scope, kind, untilMs } of router.cooldowns.values()) {
        if (untilMs > nowMs) this.inc({ scope, kind });
      }
    },
  });
  new Gauge({
    name: "orouter_quota_used_ratio",
    help: "Share of a key's quota window that is used, where it is known",
    labelNames: ["provider", "key", "window"],
    registers,
    collect() {
      this.reset();
      for (const key of router.snapshot.keys) {
        const record = router.quotas.of(key);
        if (record === undefined) continue;
        for (const { window, usedShare } of quotaLines(record, router.env.now())) {
          if (usedShare !== null) this.set({ provider: key.provider, key: key.name, window }, usedShare);
        }
      }
    },
  });
}
