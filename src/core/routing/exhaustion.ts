import type { ProviderWords } from "../scrub.ts";
import { counted, formatClock, formatWait } from "../text.ts";
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
  message: ProviderWords;
  /** When it may be used again; undefined when that is not known, or when only a new key would help. */
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

/** What a person would sort refusals by. The first three stand in every report, the others where there are any. */
type Group =
  | "no model access"
  | "rate-limited"
  | "other errors"
  | "invalid"
  | "out of quota"
  | "out of credit"
  | "not reached";

const RARE_GROUPS: readonly Group[] = ["invalid", "out of quota", "out of credit", "not reached"];

interface Meaning {
  group: Group;
  reason: string;
  fix: string;
}

const UNREACHED: Meaning = {
  group: "not reached",
  reason: "the provider cannot be reached",
  fix: "check your network, and the provider's base_url in config.toml",
};

function meaningOf(key: ExhaustedKey): Meaning {
  return isUnreached(key) ? UNREACHED : MEANINGS[key.kind];
}

const PASSING = "wait, or use another model";

/** For each kind of failure: where it counts, what the keys have in common then, and what a person can do. */
const MEANINGS: Record<VerdictKind, Meaning> = {
  subscription: {
    group: "no model access",
    reason: "keys have no model access (subscription required)",
    fix: "upgrade the plan, or use a model that it covers",
  },
  payment: {
    group: "out of credit",
    reason: "the accounts are out of credit, or a payment is due",
    fix: "add credit, or pay the open bill",
  },
  quota: {
    group: "out of quota",
    reason: "the usage limits of the plans are used up",
    fix: "wait for the reset, or add a key",
  },
  "rate-limit": {
    group: "rate-limited",
    reason: "keys are rate-limited",
    fix: "wait, or add a key",
  },
  concurrency: {
    group: "rate-limited",
    reason: "too many calls at a time for these plans",
    fix: "wait until other calls end, or add a key",
  },
  auth: {
    group: "invalid",
    reason: "the keys are invalid (wrong or expired)",
    fix: "replace the key: orouter keys add",
  },
  forbidden: {
    group: "other errors",
    reason: "the provider refuses these keys",
    fix: "check at the provider what the key may do",
  },
  "model-not-found": {
    group: "no model access",
    reason: "the model is gone, or not offered to these accounts",
    fix: "use another model: orouter models list",
  },
  "path-not-found": {
    group: "other errors",
    reason: "the provider has no such endpoint",
    fix: "check the provider's base_url in config.toml",
  },
  overloaded: { group: "other errors", reason: "the provider has too much to do", fix: PASSING },
  "server-error": { group: "other errors", reason: "the provider fails", fix: PASSING },
  timeout: { group: "other errors", reason: "the provider did not answer in time", fix: PASSING },
  reset: { group: "other errors", reason: "the connection to the provider broke", fix: PASSING },
  silent: { group: "other errors", reason: "the model stayed silent", fix: PASSING },
  overflow: {
    group: "other errors",
    reason: "the conversation does not fit into the model's window",
    fix: "start a new session, or use a model with a larger window",
  },
  "output-limit": {
    group: "other errors",
    reason: "the request asks for a longer answer than the model gives",
    fix: "lower the limit of output tokens",
  },
  unsupported: {
    group: "other errors",
    reason: "the model does not support what the request contains",
    fix: "use another model",
  },
  "bad-request": {
    group: "other errors",
    reason: "the provider refused the request",
    fix: "change the request, or use another model",
  },
  "content-policy": {
    group: "other errors",
    reason: "the provider refused the content",
    fix: "change the content, or use another model",
  },
};

/** How many keys are named on one line. */
const MAX_NAMED = 6;

/** The whole report, for a terminal; times to wait are counted from the moment it is printed. */
export function exhaustionReport(exhaustion: Exhaustion, nowMs: number): string {
  const rows = keysOf(exhaustion).flatMap((refusals, index) => fullRow(refusals, index + 1, nowMs));
  return `${reportLines({ ...exhaustion, nowMs }, rows, nameWithPrint).join("\n")}\n`;
}

/**
 * The report for an agent, as its request fails; the client profile makes the words safe. Each key has its row; words and
 * fixes that several share stand below the first of them.
 */
export function exhaustionSummary(exhaustion: Exhaustion): string {
  const said = new Set<string>();
  const rows = keysOf(exhaustion).flatMap((refusals, index) => {
    const { keyName } = refusals[0];
    const more = refusals.flatMap((one) => [one.message, fixOf(one, exhaustion.atMs)]);
    const news = more.filter((line) => line !== "" && !said.has(line.replace(REF, "")));
    for (const line of news) said.add(line.replace(REF, ""));
    const what = refusals
      .map((one) => `${statusOn(one)}: ${isUnreached(one) ? "not reached" : verdictWords(one.kind)}`)
      .join("; ");
    return [`  ${index + 1}. ${keyName} - ${what}`, ...new Set(news.map((line) => `     ${line}`))];
  });
  return reportLines({ ...exhaustion, nowMs: exhaustion.atMs }, rows, ({ keyName }) => keyName).join("\n");
}

/** An exhaustion, and when a person reads of it. */
interface Read extends Exhaustion {
  nowMs: number;
}

function reportLines(read: Read, rows: readonly string[], nameOf: (key: UnaskedKey) => string): string[] {
  const { keys, unasked } = read;
  return [
    `[orouter] ${exhaustionHeadline(read, read.nowMs)}`,
    `Summary: ${counted(countKeys(keys), "key")} failed.`,
    countsText(keys),
    `Reason: ${reasonOf(read)}`,
    ...(rows.length === 0 ? [] : ["Details:", ...rows]),
    ...unaskedText(unasked, nameOf),
    `Next: ${nextOf(read)}`,
  ];
}

/** The event that tells of an exhaustion. */
export function exhaustedEvent(exhaustion: Exhaustion) {
  const headline = exhaustionHeadline(exhaustion, exhaustion.atMs);
  return { kind: "exhausted", headline, exhaustion } as const;
}

/** What has happened, in one line. */
function exhaustionHeadline(exhaustion: Exhaustion, nowMs: number): string {
  return (
    unreachableText(exhaustion) ??
    rejectedText(exhaustion) ??
    coolingText(exhaustion, nowMs) ??
    "ALL KEYS EXHAUSTED!"
  );
}

/** Without a status, these failures mean that no connection was established or kept. */
const CONNECTION_KINDS: ReadonlySet<VerdictKind> = new Set(["reset", "timeout", "server-error"]);

function isUnreached({ status, kind, wasAsked }: ExhaustedKey): boolean {
  return wasAsked && status === 0 && CONNECTION_KINDS.has(kind);
}

function unreachableText({ keys }: Exhaustion): string | undefined {
  const first = keys.find((key) => key.wasAsked);
  const isOther = (key: ExhaustedKey): boolean => key.status !== 0 || !CONNECTION_KINDS.has(key.kind);
  if (first === undefined || keys.some(isOther)) return undefined;
  const hosts = [...new Set(keys.map((key) => key.host))].join(", ");
  return `Cannot reach ${hosts}: ${sentenceTail(first.message)}`;
}

/** A sentence to go on with behind a colon. */
function sentenceTail(text: string): string {
  return (text.charAt(0).toLowerCase() + text.slice(1)).replace(/\.$/, "");
}

function rejectedText({ keys, unasked }: Exhaustion): string | undefined {
  if (keys.length === 0 || unasked.length > 0) return undefined;
  if (!keys.every(({ kind }) => kind === "auth" || kind === "forbidden")) return undefined;
  const number = countKeys(keys);
  const why = keys.every(({ kind }) => kind === "auth") ? " (wrong or expired)" : "";
  return number === 1 ? `The only key was rejected${why}` : `All ${number} keys were rejected${why}`;
}

/** Only where all ends are known, and all are limits of the moment: a used-up plan is not a cooldown. */
function coolingText({ atMs, keys, unasked }: Exhaustion, nowMs: number): string | undefined {
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
  const isOne = countKeys(keys) === 1;
  if (firstMs <= nowMs)
    return `${isOne ? "The only key was" : "All keys were"} cooling down until ${formatClock(firstMs, nowMs)}`;
  return `${isOne ? "The only key is" : "All keys are"} cooling down: first free ${atText(firstMs, nowMs)}`;
}

/** `at 14:05 (in 41 s)`. */
function atText(untilMs: number, nowMs: number): string {
  return `at ${formatClock(untilMs, nowMs)} (in ${formatWait(untilMs - nowMs)})`;
}

function countKeys(keys: readonly ExhaustedKey[]): number {
  return new Set(keys.map((key) => key.fingerprint)).size;
}

/** Programs parse the end of this line, so its wording does not depend on the numbers. */
function countsText(keys: readonly ExhaustedKey[]): string {
  const groups = new Map<string, Group>();
  for (const key of keys) groups.set(key.fingerprint, meaningOf(key).group);
  const count = (group: Group): number => [...groups.values()].filter((one) => one === group).length;
  const rare = RARE_GROUPS.filter((group) => count(group) > 0);
  const shown: Group[] = [...rare, "no model access", "rate-limited", "other errors"];
  return `${shown.map((group) => `${count(group)} ${group}`).join(", ")}.`;
}

/** The refusals of each key, at least one. */
type KeyRefusals = readonly [ExhaustedKey, ...ExhaustedKey[]];

function keysOf({ keys }: Exhaustion): KeyRefusals[] {
  const byKey = Map.groupBy(keys, (key) => key.fingerprint);
  return [...byKey.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [[first, ...others] as const],
  );
}

function nameWithPrint({ keyName, fingerprint }: UnaskedKey): string {
  return `${keyName} (${fingerprint.slice(0, 5)}…)`;
}

function unaskedText(unasked: readonly UnaskedKey[], nameOf: (key: UnaskedKey) => string): string[] {
  if (unasked.length === 0) return [];
  const names = unasked.slice(0, MAX_NAMED).map(nameOf).join(", ");
  const more = unasked.length > MAX_NAMED ? ` and ${unasked.length - MAX_NAMED} more` : "";
  const were = unasked.length === 1 ? "1 key was" : `${unasked.length} keys were`;
  return [`${were} not asked: ${names}${more}`];
}

/** One key with all that it was refused for, each reason once. */
function fullRow(refusals: KeyRefusals, place: number, nowMs: number): string[] {
  const what = refusals.map(statusOn).join(", ");
  const below = refusals.flatMap((one) => [...labelLines(one), fixOf(one, nowMs)]);
  return [
    `  ${place}. ${nameWithPrint(refusals[0])} - ${what}`,
    ...[...new Set(below)].map((line) => `     ${line}`),
  ];
}

function statusOn({ wasAsked, status, model }: ExhaustedKey): string {
  return `${wasAsked ? statusText(status) : "not asked"} on ${model}`;
}

function statusText(status: number): string {
  if (status === 0) return "no answer";
  // With a 2xx status the error was in the body.
  return status >= 200 && status < 300 ? "error inside the answer" : String(status);
}

const REF = /\s*\(?\bref:\s*([0-9a-f-]{8,})\)?/i;

/** The provider's request ref is what its support asks for, so it stands in front of the words. */
function labelLines(key: ExhaustedKey): string[] {
  const ref = REF.exec(key.message)?.[1];
  const label = key.kind === "subscription" ? "subscription_error" : key.kind.replaceAll("-", "_");
  const words = key.message;
  if (ref === undefined) return [words === "" ? label : `${label}: ${words}`];
  const rest = words.replace(REF, "");
  return rest === "" ? [`${label}: ref=${ref}`] : [`${label}: ref=${ref}`, rest];
}

function fixOf(key: ExhaustedKey, nowMs: number): string {
  const { freeAtMs, isEndDeclared } = key;
  const { fix } = meaningOf(key);
  // Waiting for a time that only we have set makes nothing better.
  if (!isEndDeclared || freeAtMs === undefined || freeAtMs <= nowMs) return `Fix: ${fix}`;
  const wait = `wait until ${formatClock(freeAtMs, nowMs)} (${formatWait(freeAtMs - nowMs)})`;
  return `Fix: ${fix.startsWith("wait") ? fix.replace(/^wait[^,]*/, wait) : `${fix}, or ${wait}`}`;
}

/** What most keys failed for; where several kinds are as frequent, all of those. */
function reasonOf(exhaustion: Read): string {
  const { keys, unasked, asked } = exhaustion;
  const tally = new Map<Meaning, number>();
  for (const key of keys) tally.set(meaningOf(key), (tally.get(meaningOf(key)) ?? 0) + 1);
  const most = Math.max(...tally.values());
  const reasons = [...tally].flatMap(([{ reason }, times]) => (times === most ? reason : []));
  if (reasons.length > 0) return reasons.join("; ");
  return unasked.length > 0 ? "no key had room for one more call" : `there is no key for ${asked}`;
}

function nextOf(exhaustion: Read): string {
  const { otherModels } = exhaustion;
  const free = freeText(exhaustion);
  return otherModels.length === 0
    ? free
    : `${free} Other models you could use now: ${otherModels.join(", ")}`;
}

function freeText({ atMs, nowMs, keys, unasked }: Read): string {
  const firstMs = firstFreeMs({ atMs, keys });
  if (firstMs !== undefined) {
    const first = keys.find(({ freeAtMs }) => freeAtMs === firstMs);
    const what = first?.isEndDeclared === true ? "free again" : "asked again";
    return firstMs > nowMs
      ? `the first key is ${what} ${atText(firstMs, nowMs)}.`
      : `the first key is ${what} since ${formatClock(firstMs, nowMs)}; send the message again.`;
  }
  // Nothing cools down, but time may help: the failure is temporary, or there was no free slot.
  if (unasked.length > 0 || keys.some((key) => isSoft(key.kind)))
    return "this may pass by itself; send the message again in a while.";
  return "no key will recover on its own; add one with `orouter keys add`, or see `orouter keys list`.";
}

/** When the first key is known to be free again. */
export function firstFreeMs({ atMs, keys }: Pick<Exhaustion, "atMs" | "keys">): number | undefined {
  const ends = keys.flatMap(({ freeAtMs }) => (freeAtMs !== undefined && freeAtMs > atMs ? freeAtMs : []));
  return ends.length === 0 ? undefined : Math.min(...ends);
}
