import type { Env } from "../../proxy/env.ts";

interface Timer {
  atMs: number;
  /** Timers for the same moment fire in the order in which they were set. */
  place: number;
  call: () => void;
  isOff: boolean;
}

/** A clock that goes from timer to timer, so that days pass in seconds. */
export class VirtualClock {
  nowMs: number;
  readonly #timers: Timer[] = [];
  #places = 0;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  env(random: () => number): Required<Env> {
    return { now: () => this.nowMs, random, after: (ms, call) => this.after(ms, call) };
  }

  after(ms: number, call: () => void): () => void {
    const timer = { atMs: this.nowMs + Math.max(0, ms), place: this.#places++, call, isOff: false };
    this.#push(timer);
    return () => {
      timer.isOff = true;
    };
  }

  /** Fires every timer, and those that they set, until none is left. */
  async run(): Promise<void> {
    await settled();
    for (let timer = this.#pop(); timer !== undefined; timer = this.#pop()) {
      if (timer.isOff) continue;
      this.nowMs = Math.max(this.nowMs, timer.atMs);
      timer.call();
      await settled();
    }
  }

  /** A binary heap: a replay has as many timers as the ledger has requests. */
  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent])) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): Timer | undefined {
    const heap = this.#timers;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const next = isBefore(heap[right], heap[left]) ? right : left;
      if (!isBefore(heap[next], heap[at])) return first;
      this.#swap(at, next);
      at = next;
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#timers;
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  }
}

function isBefore(one: Timer | undefined, other: Timer | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.place < other.place);
}

/** Until every promise that can go on has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
