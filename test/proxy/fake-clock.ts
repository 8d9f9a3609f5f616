import type { Env } from "../../src/proxy/env.ts";

interface Timer {
  atMs: number;
  call: () => void;
}

/** A clock that only moves when told to. */
export class FakeClock {
  ms = 1_700_000_000_000;
  #timers: Timer[] = [];

  env(random: () => number = () => 0): Required<Env> {
    return {
      now: () => this.ms,
      random,
      after: (ms, call) => {
        const timer = { atMs: this.ms + Math.max(0, ms), call };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((one) => one !== timer);
        };
      },
    };
  }

  /** Moves forward and fires every timer on the way. */
  advance(ms: number): void {
    const endMs = this.ms + ms;
    while (this.#next() <= endMs) this.#fire();
    this.ms = endMs;
  }

  /** Sets the clock, as after sleep: timers keep their remaining time. */
  jump(ms: number): void {
    this.ms += ms;
    for (const timer of this.#timers) timer.atMs += ms;
  }

  /** Fires timers until none is left, including those they start. */
  async runOut(): Promise<void> {
    await settled();
    while (this.#timers.length > 0) {
      this.#fire();
      await settled();
    }
  }

  #next(): number {
    return Math.min(...this.#timers.map((timer) => timer.atMs));
  }

  #fire(): void {
    const atMs = this.#next();
    const at = this.#timers.findIndex((timer) => timer.atMs === atMs);
    const [timer] = this.#timers.splice(at, 1);
    this.ms = Math.max(this.ms, atMs);
    timer?.call();
  }
}

/** Resolves when every promise that can continue has done so. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
