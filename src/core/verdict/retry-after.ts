import type { ReplyHeaders } from "../http/reply-headers.ts";
import { hintFields, waitInFields } from "./wait-hints.ts";
import { waitInText, waitOfValue } from "./wait-words.ts";

/** A longer wait than this is a mistake, or as good as for ever. */
export const LONGEST_WAIT_MS = 30 * 24 * 3_600_000;

export interface WaitSources {
  headers: ReplyHeaders;
  /** The error's own words. */
  text?: string;
  /** The error's body, nested JSON opened. */
  json?: unknown;
  nowMs: number;
}

/** Where a header, or a header copied into the body, is looked up. */
type Lookup = (name: string) => string | number | undefined;

/**
 * The wait a reply declares, whatever the form; undefined when it declares none. Never negative, no jitter.
 * Order: Retry-After and its kin, fields of the body, its words, and last the limit that is used up.
 */
export function declaredWaitMs({ headers, text = "", json, nowMs }: WaitSources): number | undefined {
  // Absolute times are the provider's: measured by its own clock they are right even where ours is not.
  const clockMs = Date.parse(headers.get("date") ?? "") || nowMs;
  const fields = hintFields(json);
  const wait =
    waitInRetryHeaders((name) => headers.get(name) ?? undefined, clockMs) ??
    waitInFields(fields, clockMs) ??
    waitInText(text, clockMs) ??
    waitForUsedUpLimit([...headers], clockMs) ??
    waitForUsedUpLimit([...fields], clockMs);
  if (wait === undefined || Number.isNaN(wait)) return undefined;
  // A thousandth of slack keeps 45.57 s from becoming 45 571 ms.
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

/** Of several limits only the used-up ones count; of these the one that takes longest. */
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
  // Anthropic's unified limits say "rejected" in place of a count.
  const status = values.get(resetName.replace("reset", "status"));
  if (status !== undefined) return /reject|exhaust|exceed/i.test(String(status));
  // A reset beside no count at all can only mean the limit that was hit.
  return ![...values.keys()].some((name) => name.includes("remaining") || name.includes("status"));
}
