import { easierForm, type RequestForm, type RunFigures, USUAL_FORM } from "../core/bench/meter.ts";
import {
  afterRefusal,
  type BenchRefusal,
  type BenchState,
  type ModelBench,
  type SkippedKey,
  summarise,
} from "../core/bench/results.ts";
import type { Key } from "../core/key.ts";
import { formatModelRef } from "../core/model-ref.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import { measureRun, type RunOptions, type RunOutcome } from "./measure-run.ts";

export interface BenchModelOptions extends Omit<RunOptions, "key" | "form" | "mark" | "onToken"> {
  keys: readonly Key[];
  skippedKeys: readonly SkippedKey[];
  runs: number;
  newMark: () => string;
  onChange: (bench: ModelBench) => void;
}

/** Runs follow one another, so that none disturbs another. */
export async function benchModel(options: BenchModelOptions): Promise<ModelBench> {
  const course = new Course(options);
  let form = USUAL_FORM;
  for (let key = course.nextKey(); key !== undefined; key = course.nextKey()) {
    const state = {
      kind: "running",
      run: course.run,
      keyName: key.name,
      firstTokenMs: undefined,
      tokens: 0,
    } as const;
    course.tell(state);
    const onToken: RunOptions["onToken"] = (soFar) => course.tell({ ...state, ...soFar });
    const made = await runOnce({ ...options, key, form, onToken });
    form = made.form;
    course.take(key, made.outcome);
  }
  return course.tell(course.result());
}

class Course {
  run = 1;
  readonly #options: BenchModelOptions;
  readonly #figures: RunFigures[] = [];
  readonly #refusals: BenchRefusal[] = [];
  #keys: readonly Key[];
  #turn = 0;
  #isStopped = false;

  constructor(options: BenchModelOptions) {
    this.#options = options;
    this.#keys = options.keys;
  }

  /** Undefined when all runs are done or no key is left. */
  nextKey(): Key | undefined {
    if (this.#isStopped || this.run > this.#options.runs) return undefined;
    return this.#keys[this.#turn++ % this.#keys.length];
  }

  take(key: Key, outcome: RunOutcome): void {
    switch (outcome.kind) {
      case "stopped":
        this.#isStopped = true;
        break;
      case "measured":
        this.#figures.push(outcome.figures);
        this.run++;
        break;
      case "refused":
        this.#takeRefusal(key, outcome.verdict);
    }
  }

  tell(state: BenchState): ModelBench {
    const { ref, skippedKeys, onChange } = this.#options;
    const bench = { model: formatModelRef(ref), state, refusals: [...this.#refusals], skippedKeys };
    onChange(bench);
    return bench;
  }

  result(): BenchState {
    const subject = {
      model: formatModelRef(this.#options.ref),
      atMs: Date.now(),
      failed: this.#refusals.length,
    };
    const result = summarise(subject, this.#figures);
    if (result !== undefined) return { kind: "measured", result };
    return { kind: this.#isStopped ? "interrupted" : "failed" };
  }

  #takeRefusal(key: Key, verdict: Verdict): void {
    this.#refusals.push({ keyName: key.name, verdict });
    switch (afterRefusal(verdict.fault)) {
      case "other-key":
        this.#keys = this.#keys.filter((one) => one !== key);
        break;
      case "next-run":
        this.run++;
        break;
      case "give-up":
        this.#keys = [];
    }
  }
}

/** A service that rejects the request form is asked again in a plainer one; a rejected request costs nothing. */
async function runOnce(
  options: Omit<RunOptions, "mark"> & Pick<BenchModelOptions, "newMark">,
): Promise<{ outcome: RunOutcome; form: RequestForm }> {
  let { form } = options;
  for (;;) {
    const outcome = await measureRun({ ...options, form, mark: options.newMark() });
    const easier = outcome.kind === "refused" ? easierForm(form, outcome.verdict) : undefined;
    if (easier === undefined) return { outcome, form };
    form = easier;
  }
}
