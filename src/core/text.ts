const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** `14:05` today, `Mon 14:05` within a week, else `2026-12-01 14:05`, in the local time zone. */
export function formatClock(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (at.toDateString() === new Date(nowMs).toDateString()) return time;
  if (atMs - nowMs < 6 * DAY_MS)
    return `${["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][at.getDay()]} ${time}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** At most two units: `45 s`, `3 h 12 m`, `13 d 2 h`. */
export function formatWait(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(1, Math.ceil(ms / 1000))} s`;
  const minutes = Math.round(ms / MINUTE_MS);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  if (days > 0) return hours === 0 ? `${days} d` : `${days} d ${hours} h`;
  if (hours > 0) return rest === 0 ? `${hours} h` : `${hours} h ${rest} m`;
  return `${rest} m`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** `1 key`, `3 keys`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** A duration names its units in this order, each at most once. */
const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

const SHAPE = /^(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|d|h|m|s)/g;

/** Reads `60s`, `250ms` or `1h30m` as milliseconds; undefined for anything else, including a bare number. */
export function parseDuration(text: string): number | undefined {
  const compact = text.replaceAll(" ", "");
  if (!SHAPE.test(compact)) return undefined;
  let totalMs = 0;
  let last = -1;
  for (const [, amount, unit] of compact.matchAll(PART)) {
    const index = UNITS.findIndex(([name]) => name === unit);
    if (index <= last) return undefined;
    last = index;
    totalMs += Number(amount) * (UNITS[index]?.[1] ?? 0);
  }
  const rounded = Math.round(totalMs);
  return Number.isSafeInteger(rounded) ? rounded : undefined;
}

/** The inverse of `parseDuration`: `1h30m`, `250ms`. */
export function writeDuration(durationMs: number): string {
  let restMs = Math.max(0, Math.round(durationMs));
  const parts = UNITS.flatMap(([name, unitMs]) => {
    const amount = Math.floor(restMs / unitMs);
    restMs -= amount * unitMs;
    return amount === 0 ? [] : [`${amount}${name}`];
  });
  return parts.length === 0 ? "0s" : parts.join("");
}

/** In its two largest units: `3 h 12 m`, `45 s`, `250 ms`. */
export function formatDuration(durationMs: number): string {
  const whole = Math.max(0, Math.round(durationMs));
  for (const [index, [name, unitMs]] of UNITS.entries()) {
    const [smallName, smallMs] = UNITS[index + 1] ?? ["", 1];
    // Below a minute, round to whole seconds; above, to the second unit.
    const grainMs = unitMs <= 1000 ? unitMs : smallMs;
    const rounded = Math.round(whole / grainMs) * grainMs;
    if (rounded < unitMs) continue;
    const rest = Math.round((rounded % unitMs) / smallMs);
    const head = `${Math.floor(rounded / unitMs)} ${name}`;
    return rest === 0 || unitMs <= 1000 ? head : `${head} ${rest} ${smallName}`;
  }
  return "0 s";
}

/** Ends a message about an unknown word: ` Did you mean nvidia?`, or nothing. */
export function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : ` Did you mean ${near}?`;
}

/** The most similar candidate; undefined if none is close. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const all = [...candidates];
  return closest(word, all) ?? begunWith(word, all);
}

/** Three letters or more that only one candidate begins with are an abbreviation. */
function begunWith(word: string, candidates: readonly string[]): string | undefined {
  const start = normal(word);
  const begun = candidates.filter((candidate) => normal(candidate).startsWith(start));
  return start.length >= 3 && begun.length === 1 ? begun[0] : undefined;
}

function closest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  // At most a third of the word may be wrong; beyond that a suggestion is a guess.
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(normal(word), normal(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Users expect `failWindow`, `fail-window` and `fail_window` to be the same. */
function normal(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

/** Insertions, deletions, substitutions and swaps of neighbours count once each. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      let cost = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      cost = Math.min(cost, (last[column - 1] ?? 0) + (isSame ? 0 : 1));
      if (from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? cost) + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}

/** Characters that a shell does not interpret. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** Quoted only if needed. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
