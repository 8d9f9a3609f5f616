import { shortQuota, tightestLine } from "../../core/quota/quota-lines.ts";
import type { ReadinessJson } from "../../core/routing/readiness.ts";
import { counted, formatClock, formatWait } from "../../core/text.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";
import type { Chain, Quota, RouterKey, RouterState } from "./router-client.ts";

type Model = Chain["models"][number];

/** `nvidia/openai/gpt-oss-120b` becomes `gpt-oss-120b`. */
export function shortModel(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1);
}

export function shortKey(key: string): string {
  return key.slice(key.indexOf("/") + 1);
}

export function readinessWords({ state, untilMs, why }: ReadinessJson, nowMs: number): string {
  const reason = why === null ? "" : `: ${verdictWords(why)}`;
  switch (state) {
    case "ready":
      return "ready";
    case "cooling-down":
      return untilMs === null ? `cooldown${reason}` : `cooldown ${untilWords(untilMs, nowMs)}${reason}`;
    case "dead":
      return `dead${reason}`;
    case "disabled":
      return "off";
    case "no-secret":
      return "no secret";
    case "no-key":
      return "no key";
  }
}

/** `until 14:05 (12 m)`. */
export function untilWords(untilMs: number, nowMs: number): string {
  return `until ${formatClock(untilMs, nowMs)} (${formatWait(untilMs - nowMs)})`;
}

/** `0.42 s, 85 t/s`: the time to the first token, and tokens per second. */
export function benchWords(bench: Model["bench"]): string | undefined {
  if (bench === null) return undefined;
  const first = `${(bench.firstTokenMs / 1000).toFixed(bench.firstTokenMs < 1000 ? 2 : 1)} s`;
  return bench.tokensPerSecond === null ? first : `${first}, ${Math.round(bench.tokensPerSecond)} t/s`;
}

/** Whether a model can be used, and with how many keys. */
export function modelWords(model: Model, nowMs: number): string {
  if (model.state !== "ready" || model.keys === 1) return readinessWords(model, nowMs);
  return `ready, ${model.ready} of ${model.keys} keys`;
}

/** A shorter name of a model says nothing. */
const LEAST_OF_MODEL = 8;

const BETWEEN = " · ";

export interface View {
  session: string | undefined;
  /** The approximate number of characters that fit. */
  room: number;
  /** On the clock of the proxy. */
  nowMs: number;
}

/**
 * The line beside the prompt: the lane in use and its time so far; between requests the last lane, and when the next
 * cooldown ends. If there is little room the model is left out, because opencode shows the requested model on the same
 * line.
 */
export function statusLine(state: RouterState | undefined, { session, room, nowMs }: View): string {
  if (state === undefined) return "";
  const work = workOf(state, session);
  if (work !== undefined) return lineOf(work, workWords(work, nowMs), room);
  const end = nextEnd(state);
  const ending = end === undefined ? [] : [`cooldown ends ${formatClock(end, nowMs)}`];
  if (state.last === null) return ending.join(BETWEEN);
  return lineOf(state.last, [...quotaWords(state.last, state), ...ending], room);
}

/** How much is used of the window that stops the key in use first. */
function quotaWords({ key, model }: { key: string; model: string }, state: RouterState): string[] {
  const provider = model.slice(0, model.indexOf("/"));
  const owner = state.keys.find((one) => one.provider === provider && one.name === shortKey(key));
  const line = owner && tightestOf(owner, state);
  return line === undefined ? [] : [shortQuota(line).replace(" used", "")];
}

function tightestOf({ provider, fingerprint }: RouterKey, { quotas }: RouterState): Quota | undefined {
  return tightestLine(quotas.filter((one) => one.provider === provider && one.fingerprint === fingerprint));
}

/** What the terminal's title says while every key is used up; undefined where no request is held. */
export function holdTitle({ waits, now }: RouterState): string | undefined {
  const ends = waits.flatMap(({ isHold, untilMs }) => (isHold ? untilMs : []));
  return ends.length === 0 ? undefined : `waiting until ${formatClock(Math.min(...ends), now)}`;
}

function lineOf(
  { key, model }: { key: string; model: string },
  words: readonly string[],
  room: number,
): string {
  const left = room - [key, "", ...words].join(BETWEEN).length;
  const shown = left < LEAST_OF_MODEL ? [] : [clipped(shortModel(model), left)];
  return [shortKey(key), ...shown, ...words].join(BETWEEN);
}

type Work =
  | (RouterState["answers"][number] & { untilMs?: undefined })
  | (RouterState["waits"][number] & { phase: "waiting" });

/** The oldest request of the open session. One without a session may belong to it. */
function workOf({ waits, answers }: RouterState, session: string | undefined): Work | undefined {
  const all: Work[] = [...waits.map((wait) => ({ ...wait, phase: "waiting" as const })), ...answers];
  return all
    .filter((work) => session === undefined || work.session === null || work.session === session)
    .toSorted((a, b) => a.sinceMs - b.sinceMs)[0];
}

/** A longer wait also shows its end. */
const LONG_WAIT_MS = 60_000;

function workWords(work: Work, nowMs: number): string[] {
  const took = formatWait(nowMs - work.sinceMs);
  switch (work.phase) {
    case "waiting":
      if (work.untilMs !== undefined && work.isHold)
        return [`held until ${formatClock(work.untilMs, nowMs)}`];
      if (work.untilMs === undefined || work.untilMs - nowMs < LONG_WAIT_MS) return [`waiting ${took}`];
      return [`waiting ${took}, until ${formatClock(work.untilMs, nowMs)}`];
    case "thinking":
      return [`thinking ${took}`];
    case "text":
      return [`answering ${took}`];
    case "call":
      return [`writing ${work.tool ?? "a call"}${written(work.chars)}`];
  }
}

function written(chars: number | undefined): string {
  if (chars === undefined) return "";
  return chars < 1000 ? `, ${chars} characters` : `, ${(chars / 1000).toFixed(1)}k characters`;
}

/** When the first cooldown ends; those of removed keys do not count. */
export function nextEnd({ cooldowns, now }: RouterState): number | undefined {
  const ours = cooldowns.filter(({ fingerprint, key }) => fingerprint === null || key !== null);
  const ends = ours.flatMap(({ untilMs }) => (untilMs !== null && untilMs > now ? [untilMs] : []));
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function clipped(model: string, length: number): string {
  return model.length > length ? `${model.slice(0, length - 1)}…` : model;
}

export type Tone = "success" | "warning" | "error" | "muted";

export interface KeyRow {
  tone: Tone;
  name: string;
  status: string;
}

export interface KeySection {
  summary: string;
  rows: KeyRow[];
  /** How many keys are left out; "" if all are shown. */
  more: string;
}

/** The sidebar has other sections, too. */
const MOST_ROWS = 8;

/** If there are many keys, those that cannot be used come first. */
export function keySection(state: RouterState): KeySection {
  const { keys, now } = state;
  const hasManyProviders = new Set(keys.map(({ provider }) => provider)).size > 1;
  const isReady = (key: RouterKey): boolean => key.state === "ready";
  const ordered =
    keys.length <= MOST_ROWS ? keys : [...keys.filter((key) => !isReady(key)), ...keys.filter(isReady)];
  const left = keys.length - MOST_ROWS;
  return {
    summary: `${keys.filter(isReady).length} of ${keys.length} ready`,
    rows: ordered.slice(0, MOST_ROWS).map((key) => ({
      name: hasManyProviders ? `${key.provider}/${key.name}` : key.name,
      ...keyStatus(key, { lanes: cooldownsOf(key, state), quota: tightestOf(key, state) }, now),
    })),
    more: left > 0 ? `and ${left} more` : "",
  };
}

function quotaStatus(quota: Quota, nowMs: number): Omit<KeyRow, "name"> {
  const used = shortQuota(quota);
  if (quota.dryAt !== null)
    return { tone: "warning", status: `${used}, dry ${formatClock(quota.dryAt, nowMs)}` };
  return { tone: (quota.usedShare ?? 0) >= 0.8 ? "warning" : "success", status: used };
}

/** Cooldowns of single models: the key itself can be used. */
function cooldownsOf({ fingerprint }: RouterKey, { cooldowns }: RouterState): number {
  return cooldowns.filter((cooldown) => cooldown.scope === "lane" && cooldown.fingerprint === fingerprint)
    .length;
}

/** From this share on a window is shown in place of the word that the key is ready. */
const NOTABLE_SHARE = 0.01;

function keyStatus(
  key: RouterKey,
  { lanes, quota }: { lanes: number; quota: Quota | undefined },
  nowMs: number,
): Omit<KeyRow, "name"> {
  switch (key.state) {
    case "ready":
      if (lanes === 0 && quota !== undefined && (quota.usedShare ?? 0) >= NOTABLE_SHARE)
        return quotaStatus(quota, nowMs);
      if (lanes > 0) return { tone: "warning", status: `${counted(lanes, "model")} in cooldown` };
      return { tone: "success", status: key.inFlight > 0 ? "in use" : "ready" };
    case "cooling-down":
      return {
        tone: "warning",
        status: key.untilMs === null ? "cooldown" : `cooldown until ${formatClock(key.untilMs, nowMs)}`,
      };
    case "dead":
      return { tone: "error", status: "dead" };
    case "disabled":
      return { tone: "muted", status: "off" };
    case "no-secret":
      return { tone: "error", status: "no secret" };
    case "no-key":
      return { tone: "error", status: "no key" };
  }
}
