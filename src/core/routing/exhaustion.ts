import { formatClock, formatWait } from "../clock-text.ts";
import type { VerdictKind } from "../verdict/verdict.ts";

/** One key's last word on a request that nobody could answer. */
export interface ExhaustedKey {
  keyName: string;
  fingerprint: string;
  model: string;
  status: number;
  kind: VerdictKind;
  message: string;
  /** When it may be used again; undefined when that is not known, or when only a new key would help. */
  freeAtMs: number | undefined;
}

/** Why a request could not be answered, as a value: the report on the terminal and the error in opencode are made of it. */
export interface Exhaustion {
  atMs: number;
  asked: string;
  keys: readonly ExhaustedKey[];
  /** Models that could answer now, to switch to. */
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
  overloaded: "other errors",
  "server-error": "other errors",
  timeout: "other errors",
  reset: "other errors",
  silent: "other errors",
  overflow: "other errors",
  "bad-request": "other errors",
  "content-policy": "other errors",
};

/** One sentence for what the keys have in common, most frequent kind first. */
const REASONS: Record<VerdictKind, string> = {
  subscription: "keys have no model access (subscription required)",
  payment: "the accounts are out of credit, or a payment is due",
  quota: "the usage limits of the plans are used up",
  "rate-limit": "keys are rate-limited",
  concurrency: "too many calls at a time for these plans",
  auth: "keys were refused (wrong or expired)",
  forbidden: "the provider refuses these keys",
  "model-not-found": "the model is gone, or not offered to these accounts",
  overloaded: "the provider is overloaded",
  "server-error": "the provider fails",
  timeout: "the provider did not answer in time",
  reset: "the connection to the provider broke",
  silent: "the model stayed silent",
  overflow: "the conversation is longer than the model's window",
  "bad-request": "the provider refused the request",
  "content-policy": "the provider refused the content",
};

/** The whole report, for a terminal. */
export function exhaustionReport(exhaustion: Exhaustion): string {
  const { keys } = exhaustion;
  const failed = new Set(keys.map((key) => key.fingerprint)).size;
  const lines = [
    "[orouter] ALL KEYS EXHAUSTED!",
    `Summary: ${failed} ${failed === 1 ? "key" : "keys"} failed.`,
    `${count(keys, "no model access")} no model access, ${count(keys, "rate-limited")} rate-limited, ${count(keys, "other errors")} other errors.`,
    `Reason: ${reasonOf(exhaustion)}`,
    "Details:",
    ...keys.flatMap((key, index) => detail(key, index + 1)),
    `Next: ${nextOf(exhaustion)}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** The report in the few lines that opencode has room for; the words are made safe by `finalError`. */
export function exhaustionSummary(exhaustion: Exhaustion): string {
  const { keys } = exhaustion;
  const shown = keys
    .slice(0, 6)
    .map((key) => `  ${key.keyName}: ${SHORT[key.kind]} on ${key.model}${untilText(key, exhaustion.atMs)}`);
  const more = keys.length > 6 ? [`  … and ${keys.length - 6} more`] : [];
  return [
    `[orouter] ALL KEYS EXHAUSTED: ${reasonOf(exhaustion)}`,
    ...shown,
    ...more,
    `Next: ${nextOf(exhaustion)}`,
  ].join("\n");
}

const SHORT: Record<VerdictKind, string> = {
  subscription: "not in the plan",
  payment: "credit or payment",
  quota: "plan limit used up",
  "rate-limit": "at its limit",
  concurrency: "too many calls at a time",
  auth: "key refused",
  forbidden: "refused",
  "model-not-found": "model not there",
  overloaded: "busy",
  "server-error": "failing",
  timeout: "no answer in time",
  reset: "connection broke",
  silent: "silent",
  overflow: "window too small",
  "bad-request": "request refused",
  "content-policy": "content refused",
};

function detail(key: ExhaustedKey, place: number): string[] {
  const status = key.status === 0 ? "no answer" : String(key.status);
  const head = `  ${place}. ${key.keyName} (${key.fingerprint.slice(0, 5)}…) - ${status} on ${key.model}`;
  return [head, `     ${kindLabel(key)}`];
}

/** The provider's request ref is what its support asks for, so it is kept in front of the words. */
function kindLabel(key: ExhaustedKey): string {
  const ref = /\bref:\s*([0-9a-f-]{8,})/i.exec(key.message)?.[1];
  const label = key.kind === "subscription" ? "subscription_error" : key.kind.replaceAll("-", "_");
  if (ref !== undefined) return `${label}: ref=${ref}`;
  return key.message === "" ? label : `${label}: ${key.message}`;
}

function reasonOf(exhaustion: Exhaustion): string {
  const tally = new Map<VerdictKind, number>();
  for (const key of exhaustion.keys) tally.set(key.kind, (tally.get(key.kind) ?? 0) + 1);
  const [most] = [...tally].sort((a, b) => b[1] - a[1]);
  return most === undefined ? `there is no key for ${exhaustion.asked}` : REASONS[most[0]];
}

function nextOf(exhaustion: Exhaustion): string {
  const { atMs, keys, otherModels } = exhaustion;
  const first = keys
    .filter((key) => key.freeAtMs !== undefined && key.freeAtMs > atMs)
    .sort((a, b) => (a.freeAtMs ?? 0) - (b.freeAtMs ?? 0))[0];
  const free =
    first?.freeAtMs === undefined
      ? "no key frees itself; add one with `orouter keys add`, or see `orouter keys list`."
      : `the first key is free again at ${formatClock(first.freeAtMs, atMs)} (in ${formatWait(first.freeAtMs - atMs)}).`;
  return otherModels.length === 0
    ? free
    : `${free} Other models you could use now: ${otherModels.join(", ")}`;
}

function count(keys: readonly ExhaustedKey[], group: Group): number {
  const of = new Map<string, Group>();
  for (const key of keys) of.set(key.fingerprint, GROUPS[key.kind]);
  return [...of.values()].filter((one) => one === group).length;
}

function untilText(key: ExhaustedKey, atMs: number): string {
  return key.freeAtMs === undefined || key.freeAtMs <= atMs
    ? ""
    : `, free at ${formatClock(key.freeAtMs, atMs)}`;
}
