import { say } from "../../cli/io.ts";
import { LiveBlock } from "../../cli/live-block.ts";
import { type Paint, paintFor } from "../../cli/paint.ts";
import { firstTokenText, speedText } from "../../core/bench/figure-text.ts";
import type { ModelBench } from "../../core/bench/model-bench.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";
import { benchTable } from "./bench-text.ts";

/** Shows how far a benchmark has come, on stderr. */
export interface BenchProgress {
  show: (benches: readonly ModelBench[]) => void;
  /** Takes away what has been shown of work under way. */
  [Symbol.dispose]: () => void;
}

const DRAW_EVERY_MS = 100;

/** In a terminal a table that fills up in its place; elsewhere a line for each step. */
export function showProgress(runs: number, theme: Settings["theme"]): BenchProgress {
  const hasScreen = process.stderr.isTTY === true && process.env["TERM"] !== "dumb";
  return hasScreen ? new LiveTable(runs, paintFor(process.stderr, theme)) : new Lines(runs);
}

class LiveTable implements BenchProgress {
  readonly #runs: number;
  readonly #paint: Paint;
  readonly #block = new LiveBlock();
  readonly #timer: ReturnType<typeof setInterval>;
  #benches: readonly ModelBench[] = [];
  #step = "";
  #stepSinceMs = 0;

  constructor(runs: number, paint: Paint) {
    this.#runs = runs;
    this.#paint = paint;
    this.#timer = setInterval(() => this.#draw(), DRAW_EVERY_MS);
  }

  /** Tokens come faster than anyone can read: what is drawn is the state at the next tick. */
  show(benches: readonly ModelBench[]): void {
    this.#benches = benches;
    const step = stepOf(benches);
    if (step === this.#step) return;
    this.#step = step;
    this.#stepSinceMs = performance.now();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#block.clear();
  }

  #draw(): void {
    const { columns = 80, rows = 24 } = process.stderr;
    const look = { width: columns - 1, paint: this.#paint };
    const waitedMs = performance.now() - this.#stepSinceMs;
    const text = benchTable(this.#benches, { runs: this.#runs, look, waitedMs });
    const [head = "", ...lines] = text.split("\n");
    const at = this.#benches.findIndex(({ state }) => state.kind === "running");
    this.#block.draw([head, ...windowAround(lines, at, rows - 3)]);
  }
}

/** As many lines as there is room for, those before and behind the one that matters. */
function windowAround(lines: readonly string[], at: number, room: number): readonly string[] {
  const start = Math.max(0, Math.min(at - Math.floor(room / 2), lines.length - room));
  return lines.slice(start, start + Math.max(1, room));
}

class Lines implements BenchProgress {
  readonly #runs: number;
  readonly #told = new Map<string, string>();

  constructor(runs: number) {
    this.#runs = runs;
  }

  show(benches: readonly ModelBench[]): void {
    for (const [at, bench] of benches.entries()) {
      const text = stepText(bench, this.#runs);
      if (text === "" || this.#told.get(bench.model) === text) continue;
      this.#told.set(bench.model, text);
      say(`${at + 1}/${benches.length} ${bench.model}: ${text}`);
    }
  }

  [Symbol.dispose](): void {}
}

function stepOf(benches: readonly ModelBench[]): string {
  const bench = benches.find(({ state }) => state.kind === "running");
  return bench?.state.kind === "running" ? `${bench.model} ${bench.state.run} ${bench.state.keyName}` : "";
}

function stepText({ state, refusals }: ModelBench, runs: number): string {
  switch (state.kind) {
    case "waiting":
      return "";
    case "running":
      return `run ${state.run} of ${runs} with ${state.keyName}`;
    case "measured":
      return `${firstTokenText(state.result)} to the first token, ${speedText(state.result)} tokens per second`;
    case "failed": {
      const kind = refusals.at(-1)?.verdict.kind;
      return `not measured: ${kind === undefined ? "no key was left" : verdictWords(kind)}`;
    }
    case "skipped":
      return `left out: ${state.why}`;
    case "interrupted":
      return "stopped";
  }
}
