const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Units as providers write them: Go durations, English, Chinese. The first letters that match decide. */
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
const PART = `\\d+(?:\\.\\d+)?\\s*(?:${UNIT}|${UNIT_ZH})`;
const DURATION = `${PART}(?:[\\s,]*(?:and\\s+)?${PART}){0,4}`;
const MOMENT =
  "\\d{4}-\\d{2}-\\d{2}(?:T|\\s+(?:at\\s+)?)\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d+)?)?(?:\\s*(?:Z|UTC|GMT|[+-]\\d{2}:?\\d{2}))?";

const WAIT_VERB = "(?:try(?:ing)? again|retry(?:ing)?|resets?|wait|available(?: again)?|renews?)";

/** In this order: a span needs no clock and no time zone, so it comes before a moment. */
// What goes on behind the unit is no duration: a request's ref such as 13d0beef-… is often named in the same breath.
const SPAN = new RegExp(`\\b${WAIT_VERB}\\b[^\\d.]{0,30}?(?<![\\w-])(${DURATION})(?![\\w-])`, "i");
const SPAN_ZH = new RegExp(`(${PART})\\s*(?:之?后|以后)`, "i");
const UNTIL = new RegExp(
  `(?:\\breset\\w*|\\bagain\\b|\\bafter\\b|\\buntil\\b|\\baccess\\b|\\bavailable\\b|[在于])[^\\d]{0,30}?(${MOMENT})`,
  "i",
);
const BEFORE_RESET = new RegExp(`(${MOMENT})[^\\d]{0,10}?(?:重置|恢复|之?后)`, "i");
const EPOCH = /\breset\w*[^\d]{0,20}?(\d{13}|\d{10})\b/i;

/** The span of a text that is nothing but one: `2h30m14s`, `13 days`, `644ms`, `2 hours and 5 minutes`. */
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

/** The moment a date names. Providers that leave the zone out (Z.AI) mean China's, UTC+8. */
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
 * The wait a bare value means, by its size and looks: an epoch in ms or s, seconds from now, a span, or a date.
 * `clockMs` is the provider's own clock.
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

/** The wait that a sentence names: "try again in 1m0.4s", "Resets in 13 days", "将在 … 重置". */
export function waitInText(text: string, clockMs: number): number | undefined {
  const span = SPAN.exec(text)?.[1] ?? SPAN_ZH.exec(text)?.[1];
  if (span !== undefined) return spanMs(span);
  const moment = UNTIL.exec(text)?.[1] ?? BEFORE_RESET.exec(text)?.[1] ?? EPOCH.exec(text)?.[1];
  return moment === undefined ? undefined : waitOfValue(moment, clockMs);
}
