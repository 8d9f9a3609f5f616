import type { Quota, Reading } from "./quota.ts";

/** Plain JSON objects only: a reader must not trip over lists or null. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

export function rowsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A number, also one that is written as text, such as "18.66" or "$18.66"; undefined for all else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string") return undefined;
  const text = value.trim().replace(/^(-?)\$/, "$1");
  return /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** Larger numbers are milliseconds since 1970, smaller ones seconds. */
const MILLISECONDS_FROM = 1e10;

/** A time as milliseconds since 1970. Zero and less stand for "none". */
export function timeOf(value: unknown): number | undefined {
  const number = numberOf(value);
  if (number !== undefined) {
    if (number <= 0) return undefined;
    return Math.round(number > MILLISECONDS_FROM ? number : number * 1000);
  }
  if (typeof value !== "string") return undefined;
  // Nanoseconds are more digits than Date takes everywhere; without a zone the plans of China mean UTC+8.
  const text = value.trim().replace(/(\.\d{3})\d+/, "$1");
  if (!/^\d{4}-\d{2}-\d{2}[T ]/.test(text)) return undefined;
  const ms = Date.parse(/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text}+08:00`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A percentage from 0 to 100; undefined for what is no number. */
export function percentOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number === undefined ? undefined : Math.min(100, Math.max(0, number));
}

/** A share from 0 to 1 as a percentage. */
export function percentOfShare(value: unknown): number | undefined {
  const number = numberOf(value);
  return number === undefined ? undefined : Math.min(100, Math.max(0, number * 100));
}

type Optional = "used" | "limit" | "remaining" | "resetsAt" | "regen" | "group" | "models";

/** A quota from fields of which some may be undefined; undefined where nothing about its use is known. */
export function quotaOf(
  parts: Omit<Quota, Optional | "blocking" | "exact" | "pool"> & {
    [Name in Optional]?: Quota[Name] | undefined;
  } & Partial<Pick<Quota, "blocking" | "exact" | "pool">>,
): Quota | undefined {
  const { used, remaining } = parts;
  if (used === undefined && remaining === undefined) return undefined;
  const filled = { blocking: true, exact: true, pool: "account", ...parts };
  return Object.fromEntries(Object.entries(filled).filter(([, value]) => value !== undefined)) as Quota;
}

/** The quotas that were found; none at all means that the shape is foreign. */
export function known(quotas: readonly (Quota | undefined)[], what: string): Reading {
  const found = quotas.filter((quota) => quota !== undefined);
  return found.length > 0 ? { kind: "known", quotas: found } : foreign(what);
}

/** A reply in which the reader finds nothing it knows. */
export function foreign(what: string): Reading {
  return { kind: "unknown", why: `the reply has no ${what}` };
}
