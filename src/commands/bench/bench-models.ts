import { benchModel } from "../../bench/bench-model.ts";
import type { RunLimits } from "../../bench/measure-run.ts";
import { type Paint, paintFor } from "../../cli/colour.ts";
import { LiveBlock } from "../../cli/screen.ts";
import { say } from "../../cli/talk.ts";
import { firstTokenText, type ModelBench, type SkippedKey, speedText } from "../../core/bench/results.ts";
import type { Key } from "../../core/key.ts";
import { type ModelRef, parseModelRef } from "../../core/model-ref.ts";
import type { Problem } from "../../core/problem.ts";
import type { Cooldown } from "../../core/routing/cooldown.ts";
import { lastingCooldowns, modelReadiness, readinessText } from "../../core/routing/readiness.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { providerOf, type Settings } from "../../core/settings/settings.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";
import { send } from "../../proxy/transport.ts";
import { keepLoopbackDirect } from "../catalog.ts";
import type { CommandContext } from "../context.ts";
import { openOwnState } from "../state.ts";
import { benchTable } from "./bench-text.ts";

export class BenchKeys {
  readonly #keys: readonly Key[];
  readonly #cooldowns: readonly Cooldown[];
  /** Keys that their provider rejected during this benchmark, by provider and name. */
  readonly #refused = new Map<string, string>();
  #turn = 0;

  constructor(keys: readonly Key[], cooldowns: readonly Cooldown[]) {
    this.#keys = keys;
    this.#cooldowns = cooldowns;
  }

  of(ref: ModelRef): { keys: Key[]; skippedKeys: SkippedKey[]; why: string } {
    const nowMs = Date.now();
    const lasting = lastingCooldowns(this.#cooldowns, nowMs);
    const all = this.#keys.filter((key) => key.enabled && key.provider === ref.provider);
    const keys: Key[] = [];
    const skippedKeys: SkippedKey[] = [];
    for (const key of all) {
      const { readiness } = modelReadiness(ref, [key], lasting);
      const why =
        this.#refused.get(`${ref.provider}/${key.name}`) ??
        (readiness.kind === "ready" ? undefined : readinessText(readiness, nowMs));
      if (why === undefined) keys.push(key);
      else skippedKeys.push({ keyName: key.name, why });
    }
    const first = keys.length === 0 ? 0 : this.#turn++ % keys.length;
    const why = skippedKeys.length === 1 ? (skippedKeys[0]?.why ?? "") : "no key is ready";
    return {
      keys: [...keys.slice(first), ...keys.slice(0, first)],
      skippedKeys,
      why: all.length === 0 ? `no key for ${ref.provider}` : why,
    };
  }

  /** A rejected key fails for every other model as well. */
  learn(provider: string, { refusals }: ModelBench): void {
    for (const { keyName, verdict } of refusals) {
      if (verdict.fault === "key") this.#refused.set(`${provider}/${keyName}`, verdictWords(verdict.kind));
    }
  }
}

export interface BenchOptions {
  runs: number;
  signal: AbortSignal;
  onChange?: (benches: readonly ModelBench[]) => void;
  onTrouble: (problem: Problem) => void;
}

/** A model that needs longer than this is slow enough to be reported as slow. */
const RUN_MS = 180_000;

/** Measures the models one after the other and saves each result as soon as it is known. */
export async function benchModels(
  context: Pick<CommandContext, "settings" | "keys" | "paths">,
  models: readonly string[],
  options: BenchOptions,
): Promise<ModelBench[]> {
  keepLoopbackDirect(process.env);
  const benches = models.map(
    (model): ModelBench => ({ model, state: { kind: "waiting" }, refusals: [], skippedKeys: [] }),
  );
  const note = (at: number, bench: ModelBench): void => {
    benches[at] = bench;
    options.onChange?.(benches);
  };
  const state = await openOwnState(context, options.onTrouble);
  try {
    const benchKeys = new BenchKeys(context.keys, await state.store.cooldowns.all());
    for (const [at, model] of models.entries()) {
      if (options.signal.aborted) {
        note(at, { model, state: { kind: "interrupted" }, refusals: [], skippedKeys: [] });
        continue;
      }
      const bench = await benchOne(context, { model, benchKeys, options, onChange: (one) => note(at, one) });
      note(at, bench);
      if (bench.state.kind !== "measured") continue;
      state.ledger.saveBench(bench.state.result);
      // Keep this result even if the process ends now.
      state.ledger.flush();
    }
  } finally {
    await state.close();
  }
  return benches;
}

interface OneModel {
  model: string;
  benchKeys: BenchKeys;
  options: BenchOptions;
  onChange: (bench: ModelBench) => void;
}

async function benchOne(
  { settings }: Pick<CommandContext, "settings">,
  { model, benchKeys, options, onChange }: OneModel,
): Promise<ModelBench> {
  const ref = parseModelRef(model);
  const provider = ref === undefined ? undefined : providerOf(settings, ref.provider);
  if (ref === undefined || provider === undefined) {
    return { model, state: { kind: "skipped", why: "no such provider" }, refusals: [], skippedKeys: [] };
  }
  const { keys, skippedKeys, why } = benchKeys.of(ref);
  if (keys.length === 0) return { model, state: { kind: "skipped", why }, refusals: [], skippedKeys };
  const bench = await benchModel({
    ref,
    provider,
    keys,
    skippedKeys,
    limits: limitsOf(provider, settings),
    rules: settings.rules,
    runs: options.runs,
    signal: options.signal,
    send,
    elapsedMs: () => performance.now(),
    newMark: () => crypto.randomUUID().slice(0, 8),
    onChange,
  });
  benchKeys.learn(ref.provider, bench);
  return bench;
}

function limitsOf(provider: Provider, { routing }: Settings): RunLimits {
  return {
    firstTokenMs: provider.firstTokenTimeoutMs ?? routing.firstTokenTimeoutMs,
    stallMs: provider.stallTimeoutMs ?? routing.stallTimeoutMs,
    totalMs: RUN_MS,
  };
}

export interface BenchProgress {
  show: (benches: readonly ModelBench[]) => void;
  [Symbol.dispose]: () => void;
}

const DRAW_EVERY_MS = 100;

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

  /** Tokens arrive faster than anyone can read, so draw only once per tick. */
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
      return `not measured: ${kind === undefined ? "no key left" : verdictWords(kind)}`;
    }
    case "skipped":
      return `left out: ${state.why}`;
    case "interrupted":
      return "stopped";
  }
}
