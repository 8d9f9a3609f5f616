import type { Paint, Tone } from "../../cli/colour.ts";
import { type Column, tableText } from "../../cli/table.ts";
import { keyTitle } from "../../core/key.ts";
import { shortQuota, tightestLine } from "../../core/quota/quota-lines.ts";
import { NEVER_MS } from "../../core/routing/cooldown.ts";
import {
  cooldownEnd,
  type ModelReadiness,
  type Readiness,
  readinessJson,
  readinessText,
} from "../../core/routing/readiness.ts";
import { oneLine } from "../../core/scrub.ts";
import { formatClock, formatWait } from "../../core/text.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";
import { resultJson } from "../bench/bench-text.ts";
import {
  countText,
  modelText,
  outcomeText,
  outcomeTone,
  requestJson,
  spanText,
  timeText,
  tokensText,
} from "../logs/log-text.ts";
import {
  type RunLoad,
  SPEED_COLUMNS,
  type StatusChain,
  type StatusCooldown,
  type StatusKey,
  type StatusRun,
  type StatusSnapshot,
  speedRows,
} from "./snapshot.ts";

/** Lines that always show, then rows that may be left out from the end. */
export interface Section {
  head: readonly string[];
  rows: readonly string[];
  /** A log is open-ended, so its hidden rows are not counted. */
  isOpenEnded?: boolean;
}

const MIN_ROWS = 1;

/** Blank lines separate sections; hidden rows are counted in a line. */
export function fitSections(sections: readonly Section[], maxLines: number): string[] {
  const fixed = sections.reduce((sum, section) => sum + section.head.length, sections.length - 1);
  const shown = shares(
    sections.map((section) => section.rows.length),
    Math.max(maxLines - fixed, 0),
  );
  const lines = sections.flatMap((section, at) => [
    ...(at === 0 ? [] : [""]),
    ...section.head,
    ...cutRows(section, shown[at] ?? 0),
  ]);
  // If not even the heads fit, the first sections matter most.
  return lines.slice(0, Math.max(maxLines, 0));
}

/** Shares the rows evenly; room that a section does not need goes to the others. */
function shares(wanted: readonly number[], available: number): number[] {
  const given = wanted.map(() => 0);
  let left = available;
  while (left > 0) {
    const hungry = wanted.flatMap((want, at) => (want > (given[at] ?? 0) ? [at] : []));
    if (hungry.length === 0) break;
    for (const at of hungry) {
      if (left === 0) break;
      given[at] = (given[at] ?? 0) + 1;
      left--;
    }
  }
  return given;
}

function cutRows({ rows, isOpenEnded }: Section, room: number): string[] {
  if (rows.length <= room || isOpenEnded === true) return rows.slice(0, room);
  if (room <= 0) return [];
  // The line with the count takes the place of one row.
  const kept = Math.max(room - 1, 0);
  if (kept < MIN_ROWS) return [`… ${rows.length} in all`];
  return [...rows.slice(0, kept), `… and ${rows.length - kept} more`];
}

export interface StatusLook {
  width: number;
  /** Infinite outside a live screen. */
  height: number;
  paint: Paint;
  note?: string;
}

const READINESS_TONES: Record<Readiness["kind"], Tone> = {
  ready: "good",
  "cooling-down": "warn",
  dead: "bad",
  disabled: "muted",
  "no-secret": "bad",
  "no-key": "bad",
};

/** Folders may have any name, including escape codes. */
const FOLDER_CHARS = 300;

export function statusText(snapshot: StatusSnapshot, look: StatusLook): string {
  const sections = [
    runsSection(snapshot, look),
    elsewhereSection(snapshot, look),
    keysSection(snapshot, look),
    cooldownsSection(snapshot, look),
    chainsSection(snapshot, look),
    tableSection(SPEED_COLUMNS, speedRows(snapshot.benches, snapshot.nowMs), look),
    requestsSection(snapshot, look),
  ].filter((section) => section.rows.length > 0);
  const head: Section = { head: [headLine(snapshot, look)], rows: [] };
  return fitSections([head, ...sections], look.height).join("\n");
}

function headLine({ keys, runs, strategy, nowMs }: StatusSnapshot, { note, paint }: StatusLook): string {
  const ready = keys.filter((key) => key.readiness.kind === "ready").length;
  const parts = [
    paint.accent(timeText(nowMs)),
    paint[readyTone(ready, keys.filter((key) => key.enabled).length)](
      `${ready} of ${keys.length} keys ready`,
    ),
    `strategy ${strategy}`,
    runs.length === 1 ? "1 run" : `${runs.length === 0 ? "no" : runs.length} runs`,
  ];
  return [...parts, ...(note === undefined ? [] : [paint.muted(note)])].join("  ");
}

function readyTone(ready: number, all: number): Tone {
  if (ready === 0) return "bad";
  return ready < all ? "warn" : "good";
}

function runsSection({ runs, nowMs }: StatusSnapshot, look: StatusLook): Section {
  const columns: Column[] = [
    { title: "RUN" },
    { title: "PID" },
    { title: "SINCE" },
    { title: "NOW", tone: (row) => loadTone(runs[row]) },
    { title: "WAITING" },
    { title: "FOLDER", shrinks: true, tone: () => "muted" },
  ];
  const rows = runs.map(({ what, pid, sinceMs, load, folder }) => [
    what,
    String(pid),
    formatClock(sinceMs, nowMs),
    load === undefined ? "no answer" : String(load.inFlight).padStart("NOW".length),
    load === undefined ? "-" : waitingText(load, nowMs),
    oneLine(folder, FOLDER_CHARS),
  ]);
  return tableSection(columns, rows, look);
}

/** Runs of other machines, if a store is shared. */
function elsewhereSection({ elsewhere, nowMs }: StatusSnapshot, look: StatusLook): Section {
  const columns: Column[] = [
    { title: "ELSEWHERE" },
    { title: "MACHINE", shrinks: true },
    { title: "SINCE" },
    { title: "NOW", tone: (row) => ((elsewhere[row]?.inFlight ?? 0) > 0 ? "accent" : undefined) },
    { title: "WAITING" },
  ];
  const rows = elsewhere.map(({ what, machine, sinceMs, inFlight, waiting }) => [
    what,
    oneLine(machine, FOLDER_CHARS),
    formatClock(sinceMs, nowMs),
    String(inFlight).padStart("NOW".length),
    String(waiting).padStart("WAITING".length),
  ]);
  return tableSection(columns, rows, look);
}

function waitingText({ waiting, heldUntilMs }: RunLoad, nowMs: number): string {
  const count = String(waiting).padStart("WAITING".length);
  return heldUntilMs === undefined ? count : `${count}, held until ${formatClock(heldUntilMs, nowMs)}`;
}

function loadTone(run: StatusRun | undefined): Tone | undefined {
  if (run?.load === undefined) return "warn";
  return run.load.inFlight > 0 ? "accent" : undefined;
}

function keysSection({ keys, runs, nowMs }: StatusSnapshot, look: StatusLook): Section {
  if (keys.length === 0) {
    return {
      head: [look.paint.strong("KEYS")],
      rows: ["No keys yet. Add one: orouter keys add ollama-cloud"],
    };
  }
  // Without a run there are no requests in flight.
  const isRunning = runs.length > 0;
  const nowColumn: Column = { title: "NOW", tone: (row) => (keys[row]?.inFlight ? "accent" : undefined) };
  const isQuotaKnown = keys.some(({ quota }) => tightestLine(quota) !== undefined);
  const quotaColumn: Column = {
    title: "QUOTA",
    shrinks: true,
    tone: (row) => quotaTone(tightestLine(keys[row]?.quota ?? [])?.usedShare),
  };
  const columns: Column[] = [
    { title: "KEY", shrinks: true },
    { title: "FINGERPRINT", tone: () => "muted" },
    { title: "STATE", shrinks: true, tone: (row) => toneOf(keys[row]) },
    ...(isRunning ? [nowColumn] : []),
    ...(isQuotaKnown ? [quotaColumn] : []),
    { title: "TODAY" },
    { title: "REFUSED" },
    { title: "TOKENS" },
  ];
  const rows = keys.map((key) => [
    keyTitle(key),
    key.fingerprint ?? "-",
    readinessText(key.readiness, nowMs) + switchedText(key),
    ...(isRunning ? [String(key.inFlight).padStart("NOW".length)] : []),
    ...(isQuotaKnown ? [quotaCell(key, nowMs)] : []),
    ...todayCells(key),
  ]);
  return tableSection(columns, rows, look);
}

/** The window that stops the key first, and when it runs dry if that is before its reset. */
function quotaCell({ quota }: StatusKey, nowMs: number): string {
  const line = tightestLine(quota);
  if (line === undefined) return "-";
  const dry = line.dryAt === null ? "" : `, dry ${formatClock(line.dryAt, nowMs)}`;
  return shortQuota(line) + dry;
}

function quotaTone(usedShare: number | null | undefined): Tone | undefined {
  if (usedShare === null || usedShare === undefined) return "muted";
  if (usedShare >= 1) return "bad";
  return usedShare >= 0.8 ? "warn" : undefined;
}

/** For a key that was enabled or disabled in single runs. */
function switchedText({ enabled, switchedIn }: StatusKey): string {
  return switchedIn.length === 0 ? "" : `, ${enabled ? "off" : "on"} in ${switchedIn.join(", ")}`;
}

function todayCells({ today }: StatusKey): string[] {
  const tokens = today.inputTokens + today.outputTokens;
  return [
    String(today.requests).padStart("TODAY".length),
    String(today.refusals).padStart("REFUSED".length),
    countText(tokens).padStart("TOKENS".length),
  ];
}

function cooldownsSection({ cooldowns, nowMs }: StatusSnapshot, look: StatusLook): Section {
  const columns: Column[] = [
    { title: "COOLING DOWN", shrinks: true },
    { title: "UNTIL" },
    { title: "IN" },
    {
      title: "WHY",
      shrinks: true,
      tone: (row) => (isEndless(cooldowns[row]?.cooldown.untilMs ?? 0) ? "bad" : "warn"),
    },
  ];
  const rows = cooldowns.map((one) => [
    partyText(one),
    ...endCells(one, nowMs),
    verdictWords(one.cooldown.kind),
  ]);
  return tableSection(columns, rows, look);
}

function partyText({ cooldown, key, model, provider }: StatusCooldown): string {
  if (cooldown.scope === "lane") return `${model} with ${key}`;
  // What was read of a quota, or is a cap, has no status.
  if (key !== undefined)
    return `${cooldown.status === 0 && cooldown.kind === "quota" ? "quota of" : "key"} ${key}`;
  return model ?? `all of ${provider}`;
}

function endCells({ cooldown }: StatusCooldown, nowMs: number): string[] {
  if (isEndless(cooldown.untilMs)) return ["never", "-"];
  return [formatClock(cooldown.untilMs, nowMs), formatWait(cooldown.untilMs - nowMs)];
}

function chainsSection({ chains, nowMs }: StatusSnapshot, look: StatusLook): Section {
  const members = chains.flatMap(({ models }) => models);
  const columns: Column[] = [
    { title: "CHAIN", shrinks: true },
    { title: "MODELS, IN ORDER", shrinks: true },
    { title: "STATE", shrinks: true, tone: (row) => toneOf(members[row]) },
  ];
  const rows = chains.flatMap(({ name, models }) =>
    models.map((one, at) => [at === 0 ? name : "", one.model, memberText(one, nowMs)]),
  );
  return tableSection(columns, rows, look);
}

function memberText({ readiness, keys, ready }: ModelReadiness, nowMs: number): string {
  if (readiness.kind !== "ready") return readinessText(readiness, nowMs);
  return keys === 1 ? "ready" : `ready with ${ready} of ${keys} keys`;
}

function requestsSection({ requests }: StatusSnapshot, look: StatusLook): Section {
  const columns: Column[] = [
    { title: "LAST", tone: () => "muted" },
    { title: "MODEL", shrinks: true },
    { title: "KEY", shrinks: true },
    { title: "RESULT", tone: (row) => outcomeTone(requests[row]?.outcome ?? "served") },
    { title: "TRIES" },
    { title: "TOOK" },
    { title: "TOKENS" },
  ];
  const rows = requests.map((request) => [
    timeText(request.atMs),
    modelText(request),
    request.keyName ?? "-",
    outcomeText(request.outcome),
    String(request.attempts.length).padStart("TRIES".length),
    spanText(request.durationMs),
    tokensText(request),
  ]);
  return { ...tableSection(columns, rows, look), isOpenEnded: true };
}

function toneOf(one: { readiness: Readiness } | undefined): Tone | undefined {
  return one === undefined ? undefined : READINESS_TONES[one.readiness.kind];
}

function isEndless(untilMs: number): boolean {
  return untilMs >= NEVER_MS;
}

function tableSection(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  look: StatusLook,
): Section {
  if (rows.length === 0) return { head: [], rows: [] };
  const [head = "", ...lines] = tableText(columns, rows, look).split("\n");
  return { head: [head], rows: lines };
}

/**
 * Scripts rely on these names, which match `/_orouter/state`. Times are milliseconds since 1970; an end that never
 * comes is null. `state` is one of ready, cooling-down, dead, disabled, no-secret (keys) and ready, cooling-down, dead,
 * no-key (models of chains).
 */
export function statusJson(snapshot: StatusSnapshot) {
  return {
    version: 2,
    now: snapshot.nowMs,
    strategy: snapshot.strategy,
    runs: snapshot.runs.map(runJson),
    elsewhere: snapshot.elsewhere.map(({ machine, what, sinceMs, inFlight, waiting }) => ({
      ...{ machine, what, sinceMs, inFlight, waiting },
    })),
    keys: snapshot.keys.map(keyJson),
    cooldowns: snapshot.cooldowns.map(cooldownJson),
    chains: snapshot.chains.map(chainJson),
    benches: snapshot.benches.map(resultJson),
    requests: snapshot.requests.map(requestJson),
  };
}

/** `inFlight` and `waiting` are null if the run did not answer. */
function runJson({ what, pid, sinceMs, url, folder, load }: StatusRun) {
  return {
    what,
    pid,
    sinceMs,
    url,
    folder,
    inFlight: load?.inFlight ?? null,
    waiting: load?.waiting ?? null,
    heldUntilMs: load?.heldUntilMs ?? null,
  };
}

function keyJson(key: StatusKey) {
  const { provider, name, fingerprint, enabled, source, readiness, inFlight, switchedIn, quota } = key;
  const { requests, refusals, inputTokens, outputTokens } = key.today;
  return {
    provider,
    name,
    fingerprint: fingerprint ?? null,
    enabled,
    source,
    ...readinessJson(readiness),
    inFlight,
    switchedIn,
    quota,
    today: { requests, refusals, inputTokens, outputTokens },
  };
}

function cooldownJson({ cooldown, key, model, provider }: StatusCooldown) {
  const { id, scope, kind, status, message, sinceMs, failures } = cooldown;
  return {
    id,
    scope,
    key: key ?? null,
    model: model ?? null,
    provider: provider ?? null,
    kind,
    status,
    message,
    sinceMs,
    untilMs: cooldownEnd(cooldown),
    failures,
  };
}

function chainJson({ name, models }: StatusChain) {
  return {
    name,
    models: models.map(({ model, keys, ready, readiness }) => ({
      model,
      keys,
      ready,
      ...readinessJson(readiness),
    })),
  };
}
