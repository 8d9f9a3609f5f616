import { formatClock, formatWait } from "../text.ts";
import { type VerdictKind, verdictWords } from "../verdict/verdict.ts";
import { isSoft } from "./cooldown.ts";

/** Why one key could not answer a request: its last rejection, or its cooldown. */
export interface ExhaustedKey {
  keyName: string;
  fingerprint: string;
  model: string;
  /** The provider's host, without a port. */
  host: string;
  /**
   * Whether the key itself got this reply, in this request or before; otherwise a cooldown of the whole model excluded
   * it.
   */
  wasAsked: boolean;
  status: number;
  kind: VerdictKind;
  message: string;
  /** When the key can be used again; undefined if unknown, or if only a new key would help. */
  freeAtMs: number | undefined;
  /** Whether the provider named that time. */
  isEndDeclared: boolean;
}

/** A key that could have been asked and was not: it had no free slot, or the request moved to another model first. */
export interface UnaskedKey {
  keyName: string;
  fingerprint: string;
}

/** Why a request could not be answered. The report and the client's error are made from it. */
export interface Exhaustion {
  atMs: number;
  asked: string;
  keys: readonly ExhaustedKey[];
  unasked: readonly UnaskedKey[];
  /** Models that could answer now. */
  otherModels: readonly string[];
}

type Group = "no model access" | "rate-limited" | "other errors";

const GROUPS: Record<VerdictKind, Group> = {
  subscription: "no model access",
  payment: "other errors",
  quota: "rate-limited",
  "rate-limit": "rate-limited",
  concurrency: "rate-limited",
  "model-not-found": "no model access",
  auth: "other errors",
  forbidden: "other errors",
  "path-not-found": "other errors",
  overloaded: "other errors",
  "server-error": "other errors",
  timeout: "other errors",
  reset: "other errors",
  silent: "other errors",
  overflow: "other errors",
  "output-limit": "other errors",
  unsupported: "other errors",
  "bad-request": "other errors",
  "content-policy": "other errors",
};

/** One sentence for the most frequent failure. */
const REASONS: Record<VerdictKind, string> = {
  subscription: "keys have no model access (subscription required)",
  payment: "the accounts are out of credit, or a payment is due",
  quota: "the usage limits of the plans are used up",
  "rate-limit": "keys are rate-limited",
  concurrency: "too many calls at a time for these plans",
  auth: "keys were refused (wrong or expired)",
  forbidden: "the provider refuses these keys",
  "model-not-found": "the model is gone, or not offered to these accounts",
  "path-not-found": "the provider has no such endpoint; check its base_url",
  overloaded: "the provider is overloaded",
  "server-error": "the provider fails",
  timeout: "the provider did not answer in time",
  reset: "the connection to the provider broke",
  silent: "the model stayed silent",
  overflow: "the conversation is longer than the model's window",
  "output-limit": "the request asks for a longer answer than the model gives",
  unsupported: "the model does not support what the request contains",
  "bad-request": "the provider refused the request",
  "content-policy": "the provider refused the content",
};

/** How many keys are named on one line. */
const MAX_NAMED = 6;

export function exhaustionReport(exhaustion: Exhaustion): string {
  const { keys, unasked } = exhaustion;
  const failed = countKeys(keys);
  const lines = [
    unreachableText(exhaustion) ?? "[orouter] ALL KEYS EXHAUSTED!",
    `Summary: ${failed} ${failed === 1 ? "key" : "keys"} failed.`,
    // Programs parse this line, so its wording does not depend on the numbers.
    `${count(keys, "no model access")} no model access, ${count(keys, "rate-limited")} rate-limited, ${count(keys, "other errors")} other errors.`,
    `Reason: ${reasonOf(exhaustion)}`,
    "Details:",
    ...keys.flatMap((key, index) => detail(key, index + 1)),
    ...unaskedText(unasked, (key) => `${key.keyName} (${key.fingerprint.slice(0, 5)}…)`),
    `Next: ${nextOf(exhaustion)}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** A short report for an agent; the client profile makes the words safe. */
export function exhaustionSummary(exhaustion: Exhaustion): string {
  const { keys, unasked } = exhaustion;
  const shown = keys
    .slice(0, MAX_NAMED)
    .map((key) => `  ${key.keyName}: ${verdictWords(key.kind)} on ${key.model}${untilText(key, exhaustion)}`);
  const more = keys.length > MAX_NAMED ? [`  … and ${keys.length - MAX_NAMED} more`] : [];
  return [
    unreachableText(exhaustion) ?? `[orouter] ALL KEYS EXHAUSTED: ${reasonOf(exhaustion)}`,
    ...shown,
    ...more,
    ...unaskedText(unasked, (key) => key.keyName),
    `Next: ${nextOf(exhaustion)}`,
  ].join("\n");
}

/** Without a status, these failures mean that no connection was established or kept. */
const CONNECTION_KINDS: ReadonlySet<VerdictKind> = new Set(["reset", "timeout", "server-error"]);

/** The first line if the keys are not used up but the provider is unreachable; undefined otherwise. */
function unreachableText({ keys }: Exhaustion): string | undefined {
  const [first] = keys;
  if (first === undefined || !keys.every((key) => key.status === 0 && CONNECTION_KINDS.has(key.kind)))
    return undefined;
  const hosts = [...new Set(keys.map((key) => key.host))].join(", ");
  return `[orouter] Cannot reach ${hosts}: ${first.message}`;
}

function rejectedText({ keys, unasked }: Exhaustion): string | undefined {
  if (keys.length === 0 || unasked.length > 0) return undefined;
  if (!keys.every(({ kind }) => kind === "auth" || kind === "forbidden")) return undefined;
  const number = countKeys(keys);
  const why = keys.every(({ kind }) => kind === "auth") ? " (wrong or expired)" : "";
  return number === 1 ? `The only key was rejected${why}` : `All ${number} keys were rejected${why}`;
}

/** Only if all ends are known and all are temporary limits: a used-up plan is not a cooldown. */
function coolingText({ atMs, keys, unasked }: Exhaustion): string | undefined {
  if (keys.length === 0 || unasked.length > 0) return undefined;
  const ends = keys.flatMap(({ kind, freeAtMs, isEndDeclared }) =>
    (kind === "rate-limit" || kind === "concurrency") &&
    isEndDeclared &&
    freeAtMs !== undefined &&
    freeAtMs > atMs
      ? freeAtMs
      : [],
  );
  if (ends.length < keys.length) return undefined;
  const firstMs = Math.min(...ends);
  const when = `first free at ${formatClock(firstMs, atMs)} (in ${formatWait(firstMs - atMs)})`;
  return countKeys(keys) === 1
    ? `The only key is cooling down; ${when}`
    : `All keys are cooling down; ${when}`;
}

function countKeys(keys: readonly ExhaustedKey[]): number {
  return new Set(keys.map((key) => key.fingerprint)).size;
}

function unaskedText(unasked: readonly UnaskedKey[], nameOf: (key: UnaskedKey) => string): string[] {
  if (unasked.length === 0) return [];
  const names = unasked.slice(0, MAX_NAMED).map(nameOf).join(", ");
  const more = unasked.length > MAX_NAMED ? ` and ${unasked.length - MAX_NAMED} more` : "";
  const were = unasked.length === 1 ? "1 key was" : `${unasked.length} keys were`;
  return [`${were} not asked: ${names}${more}`];
}

function detail(key: ExhaustedKey, place: number): string[] {
  const what = key.wasAsked ? statusText(key.status) : "not asked";
  const head = `  ${place}. ${key.keyName} (${key.fingerprint.slice(0, 5)}…) - ${what} on ${key.model}`;
  return [head, `     ${kindLabel(key)}`];
}

function statusText(status: number): string {
  if (status === 0) return "no answer";
  // With a 2xx status the error was in the body.
  return status >= 200 && status < 300 ? "error inside the answer" : String(status);
}

/** A provider's support asks for the request ref, so keep it before the words. */
function kindLabel(key: ExhaustedKey): string {
  const ref = /\bref:\s*([0-9a-f-]{8,})/i.exec(key.message)?.[1];
  const label = key.kind === "subscription" ? "subscription_error" : key.kind.replaceAll("-", "_");
  if (ref !== undefined) return `${label}: ref=${ref}`;
  return key.message === "" ? label : `${label}: ${key.message}`;
}

function reasonOf(exhaustion: Exhaustion): string {
  const { keys, unasked, asked } = exhaustion;
  const common = rejectedText(exhaustion) ?? coolingText(exhaustion);
  if (common !== undefined) return common;
  const tally = new Map<VerdictKind, number>();
  for (const key of keys) tally.set(key.kind, (tally.get(key.kind) ?? 0) + 1);
  const most = Math.max(...tally.values());
  const reasons = [...tally].flatMap(([kind, times]) => (times === most ? REASONS[kind] : []));
  if (reasons.length > 0) return reasons.join("; ");
  return unasked.length > 0 ? "no key had room for one more call" : `there is no key for ${asked}`;
}

function nextOf(exhaustion: Exhaustion): string {
  const { otherModels } = exhaustion;
  const free = freeText(exhaustion);
  return otherModels.length === 0
    ? free
    : `${free} Other models you could use now: ${otherModels.join(", ")}`;
}

function freeText({ atMs, keys, unasked }: Exhaustion): string {
  const firstMs = firstFreeMs({ atMs, keys });
  if (firstMs !== undefined) {
    return `the first key is free again at ${formatClock(firstMs, atMs)} (in ${formatWait(firstMs - atMs)}).`;
  }
  // Nothing cools down, but time may help: the failure is temporary, or there was no free slot.
  if (unasked.length > 0 || keys.some((key) => isSoft(key.kind)))
    return "this may pass by itself; send the message again in a while.";
  return "no key frees itself; add one with `orouter keys add`, or see `orouter keys list`.";
}

/** When the first key is known to be free again. */
export function firstFreeMs({ atMs, keys }: Pick<Exhaustion, "atMs" | "keys">): number | undefined {
  const ends = keys.flatMap(({ freeAtMs }) => (freeAtMs !== undefined && freeAtMs > atMs ? freeAtMs : []));
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function count(keys: readonly ExhaustedKey[], group: Group): number {
  const of = new Map<string, Group>();
  for (const key of keys) of.set(key.fingerprint, GROUPS[key.kind]);
  return [...of.values()].filter((one) => one === group).length;
}

function untilText({ freeAtMs }: ExhaustedKey, { atMs }: Exhaustion): string {
  return freeAtMs === undefined || freeAtMs <= atMs ? "" : `, free at ${formatClock(freeAtMs, atMs)}`;
}
