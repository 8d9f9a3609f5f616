/** A longer wait is a mistake, or practically forever. */
export const LONGEST_WAIT_MS = 30 * 24 * 3_600_000;

export interface WaitSources {
  headers: Headers;
  /** The error's own words. */
  text?: string;
  /** The error's body, with nested JSON parsed. */
  json?: unknown;
  nowMs: number;
}

/** Looks up a header, or a header copied into the body. */
type Lookup = (name: string) => string | number | undefined;

/**
 * The wait that a reply declares in any form; undefined if it declares none. Never negative, without jitter. In order:
 * Retry-After and similar headers, fields of the body, its text, and last the limit that is used up.
 */
export function declaredWaitMs({ headers, text = "", json, nowMs }: WaitSources): number | undefined {
  // Absolute times come from the provider: relative to its own clock they are right even if ours is wrong.
  const clockMs = Date.parse(headers.get("date") ?? "") || nowMs;
  const fields = hintFields(json);
  const wait =
    waitInRetryHeaders((name) => headers.get(name) ?? undefined, clockMs) ??
    waitInFields(fields, clockMs) ??
    waitInText(text, clockMs) ??
    waitForUsedUpLimit([...headers], clockMs) ??
    waitForUsedUpLimit([...fields], clockMs);
  if (wait === undefined || Number.isNaN(wait)) return undefined;
  // Rounding by a thousandth keeps 45.57 s from becoming 45,571 ms.
  return Math.min(Math.max(0, Math.ceil(wait - 0.001)), LONGEST_WAIT_MS);
}

function waitInRetryHeaders(get: Lookup, clockMs: number): number | undefined {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const value = get(name);
    if (value !== undefined && /^\s*[+-]?\d+(?:\.\d+)?\s*$/.test(String(value))) return Number(value);
  }
  const value = get("retry-after");
  return value === undefined ? undefined : waitOfValue(value, clockMs);
}

const LIMIT_HEADER = /ratelimit/;

/** Of several limits only the used-up ones count, and of these the one that takes longest. */
function waitForUsedUpLimit(entries: [string, string | number][], clockMs: number): number | undefined {
  const limits = entries.filter(([name]) => LIMIT_HEADER.test(name));
  const values = new Map(limits);
  let longest: number | undefined;
  for (const [name, value] of limits) {
    if (!name.includes("reset") || !isUsedUp(name, values)) continue;
    const wait = waitOfValue(value, clockMs);
    if (wait !== undefined) longest = Math.max(longest ?? wait, wait);
  }
  return longest;
}

function isUsedUp(resetName: string, values: Map<string, string | number>): boolean {
  const remaining = values.get(resetName.replace("reset", "remaining"));
  if (remaining !== undefined) return Number(remaining) <= 0;
  // Anthropic's unified limits say "rejected" instead of a count.
  const status = values.get(resetName.replace("reset", "status"));
  if (status !== undefined) return /reject|exhaust|exceed/i.test(String(status));
  // A reset without any count can only belong to the limit that was hit.
  return ![...values.keys()].some((name) => name.includes("remaining") || name.includes("status"));
}

/** The unit of a field: seconds, milliseconds, or what its value looks like. */
type Unit = "s" | "ms" | "any";

/** Fields that name a wait, without case, dashes and underscores; earlier ones are more reliable. */
const FIELDS: readonly [name: string, unit: Unit][] = [
  ["retryafterms", "ms"],
  ["retryafterseconds", "s"],
  ["retryafter", "any"],
  ["retrydelay", "any"],
  ["resetsinseconds", "s"],
  ["resetinseconds", "s"],
  ["resetafterseconds", "s"],
  ["resetseconds", "s"],
  ["waitseconds", "s"],
  ["quotaresetdelay", "any"],
  ["resetsat", "any"],
  ["resetat", "any"],
  ["resettime", "any"],
  ["nextresettime", "any"],
  ["quotaresettimestamp", "any"],
];

const MAX_VALUES = 2000;

/**
 * Every field of a body by its plain name, including headers that a gateway copied into it; the first of a name counts.
 */
export function hintFields(json: unknown): Map<string, string | number> {
  const found = new Map<string, string | number>();
  const queue: unknown[] = [json];
  for (let seen = 0; queue.length > 0 && seen < MAX_VALUES; seen++) {
    const value = queue.shift();
    if (typeof value !== "object" || value === null) continue;
    for (const [name, entry] of Object.entries(value)) {
      const scalar = scalarOf(entry);
      if (scalar === undefined) queue.push(entry);
      else if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), scalar);
    }
  }
  return found;
}

function scalarOf(entry: unknown): string | number | undefined {
  if (typeof entry === "string" || typeof entry === "number") return entry;
  return typeof entry === "object" && entry !== null ? protobufSeconds(entry) : undefined;
}

/** For example RetryInfo, `retry_after_seconds` or `resets_at`. */
export function waitInFields(fields: Map<string, string | number>, clockMs: number): number | undefined {
  const plain = new Map([...fields].map(([name, value]) => [name.replace(/[-_]/g, ""), value]));
  for (const [name, unit] of FIELDS) {
    const value = plain.get(name);
    const wait = value === undefined ? undefined : waitOfField(value, unit, clockMs);
    if (wait !== undefined) return wait;
  }
  return undefined;
}

function waitOfField(value: string | number, unit: Unit, clockMs: number): number | undefined {
  if (unit === "any") return waitOfValue(value, clockMs);
  const number = typeof value === "number" || value.trim() !== "" ? Number(value) : Number.NaN;
  if (!Number.isFinite(number)) return waitOfValue(value, clockMs);
  return unit === "ms" ? number : number * 1000;
}

/** protobuf's Duration in JSON: `{"seconds": 34, "nanos": 5}`. */
function protobufSeconds(value: object): number | undefined {
  const { seconds, nanos } = value as { seconds?: unknown; nanos?: unknown };
  const whole = Number(seconds);
  if (seconds === undefined || !Number.isFinite(whole)) return undefined;
  return whole + (typeof nanos === "number" ? nanos / 1e9 : 0);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Units as providers write them: Go durations, English, Chinese. The first match decides. */
const UNITS: readonly [RegExp, number][] = [
  [/^(?:ns|us|µs|μs)$/, 0.001],
  [/^(?:ms|msecs?|milliseconds?|毫秒)$/, 1],
  [/^(?:s|secs?|seconds?|秒钟?)$/, SECOND],
  [/^(?:m|mins?|minutes?|分钟?)$/, MINUTE],
  [/^(?:h|hrs?|hours?|小时|个小时)$/, HOUR],
  [/^(?:d|days?|天|日)$/, DAY],
  [/^(?:w|weeks?|周)$/, 7 * DAY],
  [/^months?$/, 30 * DAY],
];

const UNIT =
  "(?:ns|us|µs|μs|ms|msecs?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|months?)(?![a-z])";
const UNIT_ZH = "(?:毫秒|秒钟?|分钟?|个?小时|天|日|周)";
// Bounded, so that a text of digits is read only once.
const PART = `\\d{1,12}(?:\\.\\d{1,12})?\\s*(?:${UNIT}|${UNIT_ZH})`;
const DURATION = `${PART}(?:[\\s,]*(?:and\\s+)?${PART}){0,4}`;
const MOMENT =
  "\\d{4}-\\d{2}-\\d{2}(?:T|\\s+(?:at\\s+)?)\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d+)?)?(?:\\s*(?:Z|UTC|GMT|[+-]\\d{2}:?\\d{2}))?";

const WAIT_VERB = "(?:try(?:ing)? again|retry(?:ing)?|resets?|wait|available(?: again)?|renews?)";

/** A span comes before a moment, because it needs no clock and no time zone. */
// More characters after the unit mean that it is not a duration: a request's ref such as 13d0beef-… often follows
// directly.
const SPAN = new RegExp(`\\b${WAIT_VERB}\\b[^\\d.]{0,30}?(?<![\\w-])(${DURATION})(?![\\w-])`, "i");
const SPAN_ZH = new RegExp(`(${PART})\\s*(?:之?后|以后)`, "i");
const UNTIL = new RegExp(
  `(?:\\breset\\w*|\\bagain\\b|\\bafter\\b|\\buntil\\b|\\baccess\\b|\\bavailable\\b|[在于])[^\\d]{0,30}?(${MOMENT})`,
  "i",
);
const BEFORE_RESET = new RegExp(`(${MOMENT})[^\\d]{0,10}?(?:重置|恢复|之?后)`, "i");
const EPOCH = /\breset\w*[^\d]{0,20}?(\d{13}|\d{10})\b/i;

/** For a text that is only a span: `2h30m14s`, `13 days`, `644ms`, `2 hours and 5 minutes`. */
export function spanMs(text: string): number | undefined {
  if (!new RegExp(`^\\s*${DURATION}\\s*$`, "i").test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit = ""] of text
    .toLowerCase()
    .matchAll(/(\d+(?:\.\d+)?)\s*([a-z\u00b5\u03bc\u4e00-\u9fff]+)/g)) {
    sum += Number(amount) * (UNITS.find(([form]) => form.test(unit))?.[1] ?? 0);
  }
  return sum;
}

/** Providers that leave the zone out (Z.AI) mean China's, UTC+8. */
export function momentMs(text: string): number | undefined {
  const date = text.trim().replace(/\s+at\s+/i, " ");
  if (!/\d{4}/.test(date)) return undefined;
  const bare =
    /^(\d{4}-\d{2}-\d{2})[T ]+(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?/i.exec(date);
  const moment = bare === null ? Date.parse(date) : Date.parse(`${bare[1]}T${bare[2]}${zoneOf(bare[3])}`);
  return Number.isNaN(moment) ? undefined : moment;
}

function zoneOf(zone: string | undefined): string {
  if (zone === undefined) return "+08:00";
  return /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(-2)}` : "Z";
}

/**
 * The wait of a bare value, by its size and form: an epoch in ms or s, seconds from now, a span, or a date. `clockMs`
 * is the provider's clock.
 */
export function waitOfValue(value: string | number, clockMs: number): number | undefined {
  const text = String(value).trim();
  if (text === "") return undefined;
  if (/^[+-]?\d+(?:\.\d+)?$/.test(text)) {
    const number = Number(text);
    if (number > 1e12) return number - clockMs;
    return number > 1e9 ? number * SECOND - clockMs : number * SECOND;
  }
  const span = spanMs(text);
  if (span !== undefined) return span;
  const moment = momentMs(text);
  return moment === undefined ? undefined : moment - clockMs;
}

/** For example "try again in 1m0.4s", "Resets in 13 days", "将在 … 重置". */
export function waitInText(text: string, clockMs: number): number | undefined {
  const span = SPAN.exec(text)?.[1] ?? SPAN_ZH.exec(text)?.[1];
  if (span !== undefined) return spanMs(span);
  const moment = UNTIL.exec(text)?.[1] ?? BEFORE_RESET.exec(text)?.[1] ?? EPOCH.exec(text)?.[1];
  return moment === undefined ? undefined : waitOfValue(moment, clockMs);
}

/** The windows in which providers count usage. */
export type ResetWindow = "session" | "hourly" | "daily" | "weekly" | "monthly";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Ollama's sessions begin at multiples of five hours of Unix time. */
const SESSION_MS = 5 * HOUR_MS;
/** The Unix epoch was a Thursday; weeks begin on the Monday four days later. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** The end of the window that contains `nowMs`, on Ollama's clock (UTC). */
export function nextResetMs(window: ResetWindow, nowMs: number): number {
  switch (window) {
    case "session":
      return nextMultiple(nowMs, SESSION_MS, 0);
    case "hourly":
      return nextMultiple(nowMs, HOUR_MS, 0);
    case "daily":
      return nextMultiple(nowMs, DAY_MS, 0);
    case "weekly":
      return nextMultiple(nowMs, 7 * DAY_MS, FIRST_MONDAY_MS);
    case "monthly": {
      const now = new Date(nowMs);
      return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
    }
  }
}

function nextMultiple(nowMs: number, lengthMs: number, offsetMs: number): number {
  return (Math.floor((nowMs - offsetMs) / lengthMs) + 1) * lengthMs + offsetMs;
}

/** A day of a provider, in which it counts requests. */
export interface QuotaDay {
  startMs: number;
  endMs: number;
}

/** The day in UTC. */
export function utcDay(nowMs: number): QuotaDay {
  const startMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return { startMs, endMs: startMs + DAY_MS };
}

/** The day on the Pacific coast of the United States, which has summer time. */
export function pacificDay(nowMs: number): QuotaDay {
  const offsetMs = pacificOffsetMs(nowMs);
  const local = new Date(nowMs - offsetMs);
  const [year, month, date] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
  // Both midnights by the time of their own: on two days of the year they differ.
  const midnight = (day: number): number => {
    const utcMs = Date.UTC(year, month, day);
    return utcMs + pacificOffsetMs(utcMs + 8 * HOUR_MS);
  };
  return { startMs: midnight(date), endMs: midnight(date + 1) };
}

/** Seven hours behind UTC from the second Sunday of March to the first of November, at 2 o'clock, else eight. */
function pacificOffsetMs(atMs: number): number {
  const year = new Date(atMs).getUTCFullYear();
  const springMs = nthSunday(year, 2, 2) + 10 * HOUR_MS;
  const autumnMs = nthSunday(year, 10, 1) + 9 * HOUR_MS;
  return (atMs >= springMs && atMs < autumnMs ? 7 : 8) * HOUR_MS;
}

function nthSunday(year: number, month: number, nth: number): number {
  const weekday = new Date(Date.UTC(year, month, 1)).getUTCDay();
  return Date.UTC(year, month, 1 + ((7 - weekday) % 7) + (nth - 1) * 7);
}

/** Resets by a provider's own clock. Undefined: only the provider knows it, as for the month of a plan. */
const OWN_RESETS: Readonly<
  Record<string, Partial<Record<ResetWindow, (nowMs: number) => number | undefined>>>
> = {
  // A month begins on the day of the subscription.
  "ollama-cloud": { monthly: () => undefined },
  "opencode-go": { monthly: () => undefined },
  google: { daily: (nowMs) => pacificDay(nowMs).endMs },
};

/** When a provider's window ends, where that can be computed. */
export function resetOf(provider: string, window: ResetWindow, nowMs: number): number | undefined {
  const own = Object.hasOwn(OWN_RESETS, provider) ? OWN_RESETS[provider]?.[window] : undefined;
  return own === undefined ? nextResetMs(window, nowMs) : own(nowMs);
}

/** How these providers say that a quota of the day is used up, if they name no time. */
const DAILY_WORDS: Readonly<Record<string, RegExp>> = {
  google: /per ?day/i,
  openrouter: /free-models-per-day/i,
  opencode: /free ?usage/i,
};

/** The window that a refusal names; undefined for none. */
export function namedWindow(provider: string, text: string): ResetWindow | undefined {
  const named = /\b(session|hourly|daily|weekly|monthly) usage limit/i.exec(text)?.[1]?.toLowerCase();
  if (named !== undefined) return named as ResetWindow;
  const daily = Object.hasOwn(DAILY_WORDS, provider) ? DAILY_WORDS[provider] : undefined;
  return daily?.test(text) === true ? "daily" : undefined;
}
