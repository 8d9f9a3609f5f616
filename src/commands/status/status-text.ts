import { type Column, tableText } from "../../cli/table.ts";
import { formatClock, formatWait } from "../../core/clock-text.ts";
import { NEVER_MS } from "../../core/routing/rest.ts";
import { countText, spanText } from "../logs/amount-text.ts";
import { modelText, outcomeText, timeText, tokensText } from "../logs/request-text.ts";
import { fitSections, type Section } from "./fit-sections.ts";
import type { ModelReadiness, Readiness } from "./readiness.ts";
import { restWords } from "./rest-words.ts";
import type { StatusKey, StatusRest, StatusSnapshot } from "./snapshot.ts";

/** The room a status may take, and how it may look. */
export interface StatusLook {
  width: number;
  /** Infinite where nobody minds scrolling. */
  height: number;
  hasColour: boolean;
  /** What the first line ends with. */
  note?: string;
}

/** The whole status as lines, none of them wider or more than there is room for. */
export function statusText(snapshot: StatusSnapshot, look: StatusLook): string {
  const sections = [
    keysSection(snapshot, look),
    restsSection(snapshot, look),
    chainsSection(snapshot, look),
    requestsSection(snapshot, look),
  ].filter((section) => section.rows.length > 0);
  const head: Section = { head: [headLine(snapshot, look.note)], rows: [] };
  return fitSections([head, ...sections], look.height).join("\n");
}

function headLine({ keys, strategy, nowMs }: StatusSnapshot, note: string | undefined): string {
  const ready = keys.filter((key) => key.readiness.kind === "ready").length;
  const parts = [timeText(nowMs), `${ready} of ${keys.length} keys ready`, `strategy ${strategy}`];
  return [...parts, ...(note === undefined ? [] : [note])].join("  ");
}

function keysSection({ keys, nowMs }: StatusSnapshot, look: StatusLook): Section {
  if (keys.length === 0) {
    return {
      head: [title("KEYS", look)],
      rows: ["There is no key yet. Add one: orouter keys add ollama-cloud"],
    };
  }
  const columns = [
    { title: "KEY", shrinks: true },
    { title: "FINGERPRINT" },
    { title: "STATE", shrinks: true },
    { title: "TODAY" },
    { title: "REFUSED" },
    { title: "TOKENS" },
  ];
  const rows = keys.map((key) => [
    `${key.provider}/${key.name}`,
    key.fingerprint ?? "-",
    readinessText(key.readiness, nowMs),
    ...todayCells(key),
  ]);
  return tableSection(columns, rows, look);
}

function todayCells({ today }: StatusKey): string[] {
  const tokens = today.inputTokens + today.outputTokens;
  return [
    String(today.requests).padStart("TODAY".length),
    String(today.refusals).padStart("REFUSED".length),
    countText(tokens).padStart("TOKENS".length),
  ];
}

function restsSection({ rests, nowMs }: StatusSnapshot, look: StatusLook): Section {
  const columns = [
    { title: "AT REST", shrinks: true },
    { title: "UNTIL" },
    { title: "IN" },
    { title: "WHY", shrinks: true },
  ];
  const rows = rests.map((one) => [partyText(one), ...endCells(one, nowMs), restWords(one.rest.kind)]);
  return tableSection(columns, rows, look);
}

function partyText({ rest, key, model, provider }: StatusRest): string {
  if (rest.scope === "lane") return `${model} with ${key}`;
  if (key !== undefined) return `key ${key}`;
  return model ?? `all of ${provider}`;
}

function endCells({ rest }: StatusRest, nowMs: number): string[] {
  if (isEndless(rest.untilMs)) return ["never", "-"];
  return [formatClock(rest.untilMs, nowMs), formatWait(rest.untilMs - nowMs)];
}

function chainsSection({ chains, nowMs }: StatusSnapshot, look: StatusLook): Section {
  const columns = [
    { title: "CHAIN", shrinks: true },
    { title: "MODELS, IN ORDER", shrinks: true },
    { title: "STATE", shrinks: true },
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
  const columns = [
    { title: "LAST" },
    { title: "MODEL", shrinks: true },
    { title: "KEY", shrinks: true },
    { title: "RESULT" },
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

/** One phrase for whether something can be used. */
export function readinessText(readiness: Readiness, nowMs: number): string {
  switch (readiness.kind) {
    case "ready":
      return "ready";
    case "rests":
      return `rests until ${formatClock(readiness.rest.untilMs, nowMs)}: ${restWords(readiness.rest.kind)}`;
    case "dead":
      return `dead: ${restWords(readiness.rest.kind)}`;
    case "disabled":
      return "disabled";
    case "no-secret":
      return "no secret";
    case "no-key":
      return "no key";
  }
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
  const [head = "", ...lines] = tableText(columns, rows, look.width).split("\n");
  return { head: [title(head, look)], rows: lines };
}

function title(text: string, { hasColour }: StatusLook): string {
  return hasColour ? `\x1b[1m${text}\x1b[22m` : text;
}
