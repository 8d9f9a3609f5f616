import type { ClientResult } from "./client.ts";
import { type SessionPlan, type SessionResult, variantOf } from "./session.ts";

/** One profile with one agent. */
export interface Row {
  name: string;
  sessions: number;
  /** Those that could end right, and those that could not and are judged by how they end. */
  judged: number;
  right: number;
  toolsTwice: number;
  filesDiffer: number;
  gaveUp: number;
  textsTwice: number;
  askedDead: number;
  askedLimited: number;
  callsRatio: number;
  seconds: number;
  /** Over the sessions of the profile `calm` with the same seeds, when those were run, too. */
  timeRatio: number | undefined;
}

/** One row for each profile and agent. */
export function rowsOf(results: readonly SessionResult[]): Row[] {
  const calm = new Map(
    results.filter(({ plan }) => plan.profileName === "calm").map((result) => [calmName(result), result.ms]),
  );
  const groups = Map.groupBy(results, ({ plan }) => groupName(plan));
  return [...groups.values()].map((group) => rowOf(group, calm));
}

function calmName({ plan: { agent, isPlain, seed } }: SessionResult): string {
  return `${agent.name} ${isPlain} ${seed}`;
}

export function groupName(plan: SessionPlan): string {
  return `${plan.profileName} ${plan.agent.name}${variantOf(plan, " ")}`;
}

function rowOf(results: readonly SessionResult[], calm: ReadonlyMap<string, number>): Row {
  const judged = results.filter(({ isJudged }) => isJudged);
  const right = judged.filter(({ isRight }) => isRight);
  const count = (has: (result: SessionResult) => boolean) => judged.filter(has).length;
  const sum = (of: (result: SessionResult) => number, list = results) =>
    list.reduce((all, result) => all + of(result), 0);
  const plan = results[0]?.plan;
  const compared = right.filter((result) => calm.has(calmName(result)));
  const calmMs = sum((result) => calm.get(calmName(result)) ?? 0, compared);
  return {
    name: plan ? groupName(plan) : "",
    sessions: results.length,
    judged: judged.length,
    right: right.length,
    toolsTwice: count(({ toolsTwice }) => toolsTwice > 0),
    filesDiffer: count(({ filesDiffer }) => filesDiffer > 0),
    gaveUp: count(({ gaveUp }) => gaveUp),
    textsTwice: count(({ textsTwice }) => textsTwice > 0),
    askedDead: sum(({ askedDead }) => askedDead),
    askedLimited: sum(({ askedLimited }) => askedLimited),
    // Of sessions that ended right: one that gave up early has saved calls.
    callsRatio:
      sum(({ calls }) => calls, right) /
      Math.max(
        1,
        sum(({ needed }) => needed, right),
      ),
    seconds: sum(({ ms }) => ms, right) / Math.max(1, right.length) / 1000,
    timeRatio: calmMs === 0 ? undefined : sum(({ ms }) => ms, compared) / calmMs,
  };
}

type Column<T> = [title: string, value: (row: T) => string];

const COLUMNS: readonly Column<Row>[] = [
  ["profile", ({ name }) => name],
  ["sessions", ({ sessions }) => String(sessions)],
  ["judged", ({ judged }) => String(judged)],
  ["right", ({ right }) => String(right)],
  ["tools twice", ({ toolsTwice }) => String(toolsTwice)],
  ["files differ", ({ filesDiffer }) => String(filesDiffer)],
  ["gave up", ({ gaveUp }) => String(gaveUp)],
  ["text twice", ({ textsTwice }) => String(textsTwice)],
  ["to dead", ({ askedDead }) => String(askedDead)],
  ["to limited", ({ askedLimited }) => String(askedLimited)],
  ["calls ÷ needed", ({ callsRatio }) => callsRatio.toFixed(2)],
  ["seconds", ({ seconds }) => seconds.toFixed(1)],
  ["÷ calm", ({ timeRatio }) => timeRatio?.toFixed(2) ?? ""],
];

export function tableOf(rows: readonly Row[]): string {
  return table(COLUMNS, rows);
}

const CLIENT_COLUMNS: readonly Column<ClientResult>[] = [
  ["client", ({ profile }) => profile],
  ["at a time", ({ atATime }) => String(atATime)],
  ["requests", ({ requests }) => String(requests)],
  ["wrong", ({ wrong }) => String(wrong)],
  ["lost", ({ lost }) => String(lost)],
  ["p50 ms", ({ p50Ms }) => p50Ms.toFixed(0)],
  ["p90 ms", ({ p90Ms }) => p90Ms.toFixed(0)],
  ["p99 ms", ({ p99Ms }) => p99Ms.toFixed(0)],
  ["calls ÷ requests", ({ callsRatio }) => callsRatio.toFixed(2)],
];

export function clientTableOf(results: readonly ClientResult[]): string {
  return table(CLIENT_COLUMNS, results);
}

function table<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const lines = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, value]) => value(row))),
  ];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join("  "),
    )
    .join("\n");
}
