import * as v from "valibot";
import { STRATEGIES } from "../../src/core/routing/session.ts";
import { benchResult } from "./model-shapes.ts";
import { request } from "./request-shapes.ts";
import {
  amount,
  count,
  field,
  fingerprint,
  fingerprintOrNull,
  flag,
  keySource,
  model,
  named,
  orNull,
  provider,
  readiness,
  text,
  texts,
  verdict,
} from "./shape-parts.ts";

const run = v.strictObject({
  what: field(text, "the command: opencode or serve"),
  pid: count,
  sinceMs: amount,
  url: field(text, "its proxy"),
  folder: field(text, "where it works"),
  inFlight: field(orNull(count), "calls to providers; null where it does not answer"),
  waiting: field(orNull(count), "requests that wait for a key"),
  heldUntilMs: field(
    orNull(amount),
    "until when the first of them waits for a reset of quota; null if none does",
  ),
});

const quotaWindow = named(
  "QuotaWindow",
  v.strictObject({
    window: field(text, "5 h, day, week, month, credit …, with the models it counts if not all"),
    unit: v.picklist(["requests", "tokens", "credits", "USD", "CNY", "percent"]),
    used: field(orNull(v.number()), "null: unknown"),
    limit: orNull(v.number()),
    remaining: orNull(v.number()),
    usedShare: field(orNull(v.number()), "from 0 to 1"),
    resetsAt: field(orNull(amount), "null: no reset, or unknown"),
    dryAt: field(orNull(amount), "when it is used up at this pace, if that is before its reset"),
    forecast: orNull(text),
    blocking: field(flag, "whether the key is skipped once it is used up"),
    exact: field(flag, "false: rounded or estimated"),
    source: field(
      v.picklist(["provider", "learned", "budget"]),
      "learned: from the ledger; budget: your daily_budget",
    ),
    text,
  }),
);

/** `quota` */
export const quota = v.strictObject({
  now: amount,
  keys: v.array(
    v.strictObject({
      provider,
      name: text,
      fingerprint,
      state: field(
        v.picklist(["known", "no-plan", "key-rejected", "unknown", "not-read"]),
        "not-read: the provider does not tell",
      ),
      why: field(orNull(text), "why it is unknown"),
      readAt: orNull(amount),
      windows: v.array(quotaWindow),
    }),
  ),
});

const simulated = named(
  "SimulatedRequests",
  v.strictObject({
    served: count,
    failed: field(count, "requests without an answer"),
    refusedCalls: field(count, "calls that a provider refused"),
    waited: field(count, "requests that waited for a second or more"),
    waitedMs: amount,
    tokens: count,
    usd: field(amount, "at list prices"),
    keys: v.array(v.strictObject({ key: text, served: count, refused: count })),
  }),
);

/** `simulate` */
export const simulate = v.strictObject({
  fromMs: field(orNull(amount), "null: the ledger is empty"),
  toMs: orNull(amount),
  requests: count,
  leftOut: field(count, "requests that name no model"),
  same: field(count, "requests that were decided as recorded"),
  recorded: simulated,
  simulated,
});

const runElsewhere = v.strictObject({
  machine: text,
  what: field(text, "the command"),
  sinceMs: amount,
  inFlight: count,
  waiting: count,
});

const key = v.strictObject({
  provider,
  name: text,
  fingerprint: fingerprintOrNull,
  enabled: flag,
  source: keySource,
  ...readiness,
  inFlight: field(count, "calls with it, in all runs"),
  switchedIn: field(v.array(count), "pids of the runs in which it is switched the other way, for that run"),
  quota: field(v.array(quotaWindow), "as last read; empty if unknown"),
  today: field(
    v.strictObject({ requests: count, refusals: count, inputTokens: count, outputTokens: count }),
    "since midnight, local time",
  ),
});

const cooldown = v.strictObject({
  id: text,
  scope: v.picklist(["lane", "key", "model", "provider"]),
  key: field(orNull(text), "`provider/name`; null where it is about no single key"),
  model: orNull(text),
  provider: orNull(text),
  kind: verdict,
  status: count,
  message: text,
  sinceMs: amount,
  untilMs: field(orNull(amount), "null: until the key is changed"),
  failures: field(count, "in a row"),
});

/** `status` */
export const status = v.strictObject({
  version: v.literal(2),
  now: amount,
  strategy: v.picklist(STRATEGIES),
  runs: field(v.array(run), "orouters that run now, the oldest first"),
  elsewhere: field(v.array(runElsewhere), "runs of other machines with the same store"),
  keys: v.array(key),
  cooldowns: field(v.array(cooldown), "the first to end in front"),
  chains: v.array(
    v.strictObject({
      name: text,
      models: v.array(v.strictObject({ model, keys: count, ready: count, ...readiness })),
    }),
  ),
  benches: field(v.array(benchResult), "the last result of each model that was measured"),
  requests: field(v.array(request), "the last ten, the newest first"),
});

/** `doctor` */
export const doctor = v.strictObject({
  ok: field(flag, "nothing is wrong"),
  checks: v.array(
    v.strictObject({
      check: field(text, "what was looked at"),
      level: v.picklist(["ok", "note", "wrong"]),
      what: text,
      fix: orNull(text),
    }),
  ),
});

/** `version` */
export const version = v.strictObject({ version: text });

/** `serve` */
export const serve = v.strictObject({ url: text, token: text, pid: count });

/** `clients add` */
export const clientAdd = v.strictObject({ name: text, token: field(text, "shown only now") });

/** `clients list` */
export const clientList = v.strictObject({
  clients: v.array(v.strictObject({ name: text, created: field(text, "the day") })),
});

/** `demo --list` and `demo --serve` */
export const demo = v.union([
  v.strictObject({
    scenes: v.array(v.strictObject({ name: text, title: text, about: text, models: texts })),
  }),
  v.strictObject({
    scene: text,
    baseUrl: text,
    models: texts,
    keys: field(v.array(v.strictObject({ name: text, secret: text })), "made up: they open nothing else"),
  }),
]);
