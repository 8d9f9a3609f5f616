/** Units from the largest to the smallest: a duration names them in this order, each at most once. */
const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

const SHAPE = /^(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|d|h|m|s)/g;

/** Reads `60s`, `250ms` or `1h30m` as milliseconds; undefined for anything else, a bare number included. */
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

/** Writes a duration as a setting has it, the inverse of `parseDuration`: `1h30m`, `250ms`. */
export function writeDuration(durationMs: number): string {
  let restMs = Math.max(0, Math.round(durationMs));
  const parts = UNITS.flatMap(([name, unitMs]) => {
    const amount = Math.floor(restMs / unitMs);
    restMs -= amount * unitMs;
    return amount === 0 ? [] : [`${amount}${name}`];
  });
  return parts.length === 0 ? "0s" : parts.join("");
}

/** Writes a duration for people, in its two largest units: `3 h 12 m`, `45 s`, `250 ms`. */
export function formatDuration(durationMs: number): string {
  const whole = Math.max(0, Math.round(durationMs));
  for (const [index, [name, unitMs]] of UNITS.entries()) {
    const [smallName, smallMs] = UNITS[index + 1] ?? ["", 1];
    // Below a minute a fraction of a second tells nobody anything; above, the second unit is the grain.
    const grainMs = unitMs <= 1000 ? unitMs : smallMs;
    const rounded = Math.round(whole / grainMs) * grainMs;
    if (rounded < unitMs) continue;
    const rest = Math.round((rounded % unitMs) / smallMs);
    const head = `${Math.floor(rounded / unitMs)} ${name}`;
    return rest === 0 || unitMs <= 1000 ? head : `${head} ${rest} ${smallName}`;
  }
  return "0 s";
}
