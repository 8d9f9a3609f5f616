import { waitOfValue } from "./wait-words.ts";

/** How a field of an error body counts: seconds, milliseconds, or whatever its value looks like. */
type Unit = "s" | "ms" | "any";

/** Fields that name a wait, without case, dashes and underscores; the sooner in this list, the more it is trusted. */
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

/** Every field of a body with its plain name, headers that a gateway copied into it included; the first of a name counts. */
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

/** The wait that a structured field of the body names: RetryInfo, `retry_after_seconds`, `resets_at` and their kin. */
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

/** protobuf's Duration spelt out: `{"seconds": 34, "nanos": 5}`. */
function protobufSeconds(value: object): number | undefined {
  const { seconds, nanos } = value as { seconds?: unknown; nanos?: unknown };
  const whole = Number(seconds);
  if (seconds === undefined || !Number.isFinite(whole)) return undefined;
  return whole + (typeof nanos === "number" ? nanos / 1e9 : 0);
}
