import type { Env } from "../../src/proxy/env.ts";

interface Timer {
  atMs: number;
  call: () => void;
}

/** A clock that stands still until it is told to go on. */
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

  /** Goes on to that many milliseconds later, with every timer on the way. */
  advance(ms: number): void {
    const endMs = this.ms + ms;
    while (this.#next() <= endMs) this.#fire();
    this.ms = endMs;
  }

  /** The clock is set, or the machine has slept: timers stay as far away as they were. */
  jump(ms: number): void {
    this.ms += ms;
    for (const timer of this.#timers) timer.atMs += ms;
  }

  /** Goes from timer to timer until there is none left. What they start may start others. */
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

/** Until every promise that can go on has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
