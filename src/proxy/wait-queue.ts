import type { RequestWait } from "../core/routing/events.ts";
import type { Env } from "./env.ts";

interface Waiter {
  ticket: number;
  about: RequestWait | undefined;
  /** Takes a lane if one is free, and returns whether it did. */
  look: () => boolean;
  leave: () => void;
}

export interface Wait {
  /** The position in the queue, kept over all waits of one request. */
  ticket: number;
  untilMs: number;
  /** Checks the clock regularly: during hours a machine may sleep, and a clock may be set. */
  isLong?: boolean;
  /** The wait as shown to users. */
  about?: RequestWait;
  signal: AbortSignal;
  look: () => boolean;
}

/** Timers stop while a machine sleeps. */
const CLOCK_LOOK_MS = 5_000;

/**
 * Requests that wait for a lane, in order of arrival. When a lane may be free they look in this order, and each takes
 * what it finds at once, so a later request never overtakes an earlier one.
 */
export class WaitQueue {
  readonly #line: Waiter[] = [];
  readonly #env: Required<Env>;
  #tickets = 0;

  constructor(env: Required<Env>) {
    this.#env = env;
  }

  get length(): number {
    return this.#line.length;
  }

  /** In order of arrival. */
  waits(): RequestWait[] {
    return this.#line.flatMap(({ about }) => about ?? []);
  }

  takeTicket(): number {
    return ++this.#tickets;
  }

  /** Lets waiting requests look, in order; with a ticket, only those before it. */
  serve(beforeTicket: number = Number.POSITIVE_INFINITY): void {
    if (this.#line.length === 0) return;
    for (const place of [...this.#line]) {
      if (place.ticket >= beforeTicket) return;
      if (place.look()) place.leave();
    }
  }

  /** Waits until the look succeeds, the time is over, or the client hangs up. */
  async until({ ticket, untilMs, isLong = false, about, signal, look }: Wait): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const place: Waiter = {
      ticket,
      about,
      look,
      leave: () => {
        const at = this.#line.indexOf(place);
        if (at >= 0) this.#line.splice(at, 1);
        resolve();
      },
    };
    const after = this.#line.findIndex((other) => other.ticket > ticket);
    this.#line.splice(after < 0 ? this.#line.length : after, 0, place);
    let callOff = (): void => {};
    const arm = (): void => {
      const leftMs = untilMs - this.#env.now();
      callOff = this.#env.after(isLong ? Math.min(leftMs, CLOCK_LOOK_MS) : leftMs, () => {
        if (isLong && untilMs > this.#env.now()) return arm();
        // If several wait for the same time, the first one goes first, whichever timer fires first.
        this.serve(ticket);
        place.leave();
      });
    };
    arm();
    signal.addEventListener("abort", place.leave, { once: true });
    try {
      await promise;
    } finally {
      callOff();
      signal.removeEventListener("abort", place.leave);
    }
  }
}
