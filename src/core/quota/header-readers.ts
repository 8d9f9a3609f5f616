import { spanMs } from "../verdict/declared-wait.ts";
import type { Quota, QuotaWindow } from "./quota.ts";
import { numberOf, percentOfShare, quotaOf, timeOf } from "./read-values.ts";

/** Looks up a header of a reply. */
export interface ReplyHeaders {
  get: (name: string) => string | null;
}

/** What the headers of one reply say of the key's quota for the model that answered. */
export type HeaderReader = (headers: ReplyHeaders, model: string, nowMs: number) => Quota[];

interface Bucket {
  window: QuotaWindow;
  unit: "requests" | "tokens";
  limit: string;
  remaining: string;
  reset?: string;
  /** Whether the reset is when some is left again; else it is when all is. */
  isReset?: boolean;
  pool: Quota["pool"];
  blocking?: boolean;
}

/**
 * Buckets that are named by three headers each. They refill all the time, or count a minute: a bucket that is empty is
 * a matter of seconds, so none of them blocks a key, unless it says otherwise.
 */
function bucketReader(buckets: readonly Bucket[]): HeaderReader {
  return (headers, model, nowMs) =>
    buckets.flatMap((bucket) => {
      const limit = countIn(headers, bucket.limit);
      const remaining = countIn(headers, bucket.remaining);
      // A limit of 0 is a key without any allowance: its calls are refused by themselves.
      if (remaining === undefined || limit === 0) return [];
      const quota = quotaOf({
        window: bucket.window,
        unit: bucket.unit,
        limit,
        remaining,
        resetsAt: bucket.isReset === true ? resetIn(headers, bucket.reset, nowMs) : undefined,
        blocking: bucket.blocking ?? false,
        pool: bucket.pool,
        ...(bucket.blocking === true ? {} : { models: [model] }),
      });
      return quota ?? [];
    });
}

/** A count; -1 stands for unknown. */
function countIn(headers: ReplyHeaders, name: string): number | undefined {
  const value = numberOf(headers.get(name));
  return value === undefined || value < 0 ? undefined : value;
}

/** Seconds, a span such as `1m26.4s`, or a time. */
function resetIn(headers: ReplyHeaders, name: string | undefined, nowMs: number): number | undefined {
  const text = name === undefined ? null : headers.get(name);
  if (text === null) return undefined;
  const seconds = numberOf(text);
  if (seconds !== undefined && seconds > 0 && seconds < 40 * 86_400)
    return nowMs + Math.round(seconds * 1000);
  const span = spanMs(text);
  return span === undefined ? timeOf(text) : nowMs + Math.round(span);
}

function plain(unit: Bucket["unit"], window: QuotaWindow, pool: Quota["pool"], suffix = ""): Bucket {
  const name = (part: string): string => `x-ratelimit-${part}-${unit}${suffix}`;
  return { window, unit, pool, limit: name("limit"), remaining: name("remaining"), reset: name("reset") };
}

const UNITS = ["requests", "tokens"] as const;
const SPANS = ["minute", "hour", "day"] as const;

const ANTHROPIC_KINDS = ["requests", "tokens", "input-tokens", "output-tokens"] as const;

const anthropicBuckets = bucketReader(
  ANTHROPIC_KINDS.map((kind) => ({
    window: "minute",
    unit: kind === "requests" ? "requests" : "tokens",
    limit: `anthropic-ratelimit-${kind}-limit`,
    remaining: `anthropic-ratelimit-${kind}-remaining`,
    reset: `anthropic-ratelimit-${kind}-reset`,
    isReset: true,
    pool: "org",
  })),
);

const UNIFIED: readonly [name: string, window: QuotaWindow][] = [
  ["5h", "5h"],
  ["7d", "week"],
];

/** A subscription tells the used share of its windows. */
function anthropicPlan(headers: ReplyHeaders): Quota[] {
  return UNIFIED.flatMap(([name, window]) => {
    const of = (part: string): string | null => headers.get(`anthropic-ratelimit-unified-${name}-${part}`);
    const quota = quotaOf({
      ...{ window, unit: "percent", pool: "account" },
      used: of("status") === "rejected" ? 100 : percentOfShare(of("utilization")),
      resetsAt: timeOf(of("reset")),
    });
    return quota ?? [];
  });
}

/** The headers of each service that sends any, by the name of its reader. */
export const HEADER_READERS: Readonly<Record<string, HeaderReader>> = {
  groq: bucketReader([plain("requests", "day", "org"), plain("tokens", "minute", "org")]),
  cerebras: bucketReader(SPANS.flatMap((span) => UNITS.map((unit) => plain(unit, span, "org", `-${span}`)))),
  mistral: bucketReader([
    {
      ...{ window: "minute", unit: "requests", pool: "org" },
      limit: "x-ratelimit-limit-req-minute",
      remaining: "x-ratelimit-remaining-req-minute",
    },
    {
      ...{ window: "minute", unit: "tokens", pool: "org" },
      limit: "x-ratelimit-limit-tokens-minute",
      remaining: "x-ratelimit-remaining-tokens-minute",
    },
    {
      ...{ window: "month", unit: "tokens", pool: "org", blocking: true },
      limit: "x-ratelimit-limit-tokens-month",
      remaining: "x-ratelimit-remaining-tokens-month",
    },
  ]),
  "github-models": bucketReader(UNITS.map((unit) => plain(unit, "minute", "user"))),
  openai: bucketReader(UNITS.map((unit) => plain(unit, "minute", "project"))),
  azure: bucketReader(UNITS.map((unit) => plain(unit, "minute", "project"))),
  anthropic: (headers, model, nowMs) => [
    ...anthropicPlan(headers),
    ...anthropicBuckets(headers, model, nowMs),
  ],
  sambanova: bucketReader([
    plain("requests", "minute", "account"),
    { ...plain("requests", "day", "account", "-day") },
  ]),
};
