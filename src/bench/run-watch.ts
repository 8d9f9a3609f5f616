/** How long a run may take, and be silent. */
export interface RunLimits {
  firstTokenMs: number;
  stallMs: number;
  /** A slow model is stopped here; what it said until then is measured. */
  totalMs: number;
}

/** Why a watch has ended a run. */
export type WatchEnd = "silent" | "stalled" | "over" | "left";

/** Ends a call that is silent or takes too long, and one that nobody waits for any more. */
export class RunWatch {
  /** Undefined while nothing is wrong. */
  end: WatchEnd | undefined;
  readonly #limits: RunLimits;
  readonly #controller = new AbortController();
  readonly #leave = (): void => this.#stopFor("left");
  readonly #outer: AbortSignal;
  readonly #total: ReturnType<typeof setTimeout>;
  #silence: ReturnType<typeof setTimeout>;

  constructor(limits: RunLimits, outer: AbortSignal) {
    this.#limits = limits;
    this.#outer = outer;
    this.#total = setTimeout(() => this.#stopFor("over"), limits.totalMs);
    this.#silence = setTimeout(() => this.#stopFor("silent"), limits.firstTokenMs);
    outer.addEventListener("abort", this.#leave, { once: true });
    if (outer.aborted) this.#leave();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** A token has come. */
  progressed(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#stopFor("stalled"), this.#limits.stallMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#total);
    clearTimeout(this.#silence);
    this.#outer.removeEventListener("abort", this.#leave);
    // Whatever is left of the answer is not read.
    this.#controller.abort();
  }

  #stopFor(end: WatchEnd): void {
    this.end ??= end;
    this.#controller.abort();
  }
}
