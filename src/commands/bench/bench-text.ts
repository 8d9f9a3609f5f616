import type { Tone } from "../../cli/colour.ts";
import { type Column, type TableLook, tableText } from "../../cli/table.ts";
import {
  type BenchResult,
  type BenchState,
  firstTokenSpread,
  firstTokenText,
  type ModelBench,
  NO_FIGURE,
  secondsText,
  speedSpread,
  speedText,
} from "../../core/bench/results.ts";
import { type Verdict, verdictWords } from "../../core/verdict/verdict.ts";

const TONES: Partial<Record<BenchState["kind"], Tone>> = {
  waiting: "muted",
  running: "accent",
  failed: "bad",
  skipped: "warn",
  interrupted: "warn",
};

/** `waitedMs` is how long the current run has been silent; undefined when all runs are done. */
export function benchTable(
  benches: readonly ModelBench[],
  { runs, look, waitedMs }: { runs: number; look: TableLook; waitedMs?: number },
): string {
  const toneOf = (row: number): Tone | undefined => TONES[benches[row]?.state.kind ?? "measured"];
  const columns: Column[] = [
    { title: "MODEL", shrinks: true },
    { title: "RUNS" },
    { title: "FIRST TOKEN" },
    { title: "TOKENS/S" },
    { title: "NOTE", shrinks: true, tone: toneOf },
  ];
  const rows = benches.map((bench) => [
    bench.model,
    ...figureCells(bench.state, runs, waitedMs === undefined),
    noteOf(bench, waitedMs ?? 0),
  ]);
  // An empty column leaves its room to the others.
  const used = rows.some((row) => row[4] !== "") ? columns.length : 4;
  return tableText(
    columns.slice(0, used),
    rows.map((row) => row.slice(0, used)),
    look,
  );
}

/** Show the spread only at the end; before that it would make the columns jump. */
function figureCells(state: BenchState, runs: number, isOver: boolean): string[] {
  switch (state.kind) {
    case "measured": {
      const { result } = state;
      const figures = isOver
        ? [firstTokenSpread(result), speedSpread(result)]
        : [firstTokenText(result), speedText(result)];
      return [`${result.runs}/${runs}`, ...figures];
    }
    case "running":
      return [
        `${state.run - 1}/${runs}`,
        state.firstTokenMs === undefined ? NO_FIGURE : secondsText(state.firstTokenMs),
        NO_FIGURE,
      ];
    case "waiting":
    case "failed":
    case "skipped":
    case "interrupted":
      return [`0/${runs}`, NO_FIGURE, NO_FIGURE];
  }
}

function noteOf({ state, refusals }: ModelBench, waitedMs: number): string {
  const last = refusals.at(-1);
  const why = last === undefined ? "" : verdictWords(last.verdict.kind);
  switch (state.kind) {
    case "waiting":
      return "";
    case "running": {
      const doing =
        state.firstTokenMs === undefined
          ? `silent for ${Math.floor(waitedMs / 1000)} s`
          : `${Math.round(state.tokens)} tokens`;
      return `${state.keyName}: ${doing}`;
    }
    case "measured":
      if (why !== "") return `${refusals.length} refused: ${why}`;
      return state.result.tokensPerSecond === undefined ? "not streamed" : "";
    case "failed":
      return why;
    case "skipped":
      return state.why;
    case "interrupted":
      return "stopped";
  }
}

export function benchNotes(benches: readonly ModelBench[]): string[] {
  const isEstimated = benches.some(({ state }) => state.kind === "measured" && state.result.isEstimated);
  return [
    ...benches.flatMap((bench) => [...refusalLines(bench), ...skippedLines(bench)]),
    ...(isEstimated
      ? ["~ the provider reports no token counts: estimated as four characters per token."]
      : []),
  ];
}

function refusalLines({ model, refusals }: ModelBench): string[] {
  const keysOf = new Map<string, Set<string>>();
  for (const { keyName, verdict } of refusals) {
    const why = refusalText(verdict);
    keysOf.set(why, (keysOf.get(why) ?? new Set()).add(keyName));
  }
  return [...keysOf].map(([why, keys]) => `${model} with ${[...keys].join(", ")}: ${why}`);
}

function skippedLines({ model, skippedKeys }: ModelBench): string[] {
  return skippedKeys.map(({ keyName, why }) => `${model}: skipped ${keyName}, ${why}`);
}

function refusalText({ kind, status, message }: Verdict): string {
  const words = [status === 0 ? "" : `${status}`, message].filter((part) => part !== "").join(", ");
  return `${verdictWords(kind)}${words === "" ? "" : ` (${words})`}`;
}

/**
 * Scripts rely on these names. `outcome` is measured, failed, skipped or interrupted; figures are null where there are
 * none; times are milliseconds, `atMs` since 1970.
 */
export function benchJson({ model, state, refusals, skippedKeys }: ModelBench) {
  const figures =
    state.kind === "measured" ? resultJson(state.result) : { ...NO_FIGURES, model, failed: refusals.length };
  return {
    ...figures,
    outcome: state.kind,
    why: state.kind === "skipped" ? state.why : null,
    refusals: refusals.map(({ keyName, verdict }) => ({
      key: keyName,
      verdict: verdict.kind,
      status: verdict.status,
      message: verdict.message,
    })),
    skippedKeys: skippedKeys.map(({ keyName, why }) => ({ key: keyName, why })),
  };
}

const NO_FIGURES = { atMs: null, runs: 0, firstTokenMs: null, tokensPerSecond: null, isEstimated: false };

/** The same names wherever a result is printed. */
export function resultJson(result: BenchResult) {
  const { model, atMs, runs, failed, firstTokenMs, tokensPerSecond = null, isEstimated } = result;
  return { model, atMs, runs, failed, firstTokenMs, tokensPerSecond, isEstimated };
}
