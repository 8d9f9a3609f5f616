import type { RequestWait } from "../core/routing/events.ts";
import type { Env } from "./env.ts";

/** A request in the queue. */
interface Waiter {
  ticket: number;
  about: RequestWait | undefined;
  /** Looks whether there is something for it now, and takes it if so. */
  look: () => boolean;
  leave: () => void;
}

export interface Wait {
  /** The place in line, kept over all waits of one request. */
  ticket: number;
  untilMs: number;
  /** Looks at the clock now and then: a machine may sleep, and a clock be set, in a wait of hours. */
  isLong?: boolean;
  /** The wait as it is shown to people. */
  about?: RequestWait;
  signal: AbortSignal;
  look: () => boolean;
}

/** Timers stand still while a machine sleeps. */
const CLOCK_LOOK_MS = 5_000;

/**
 * Requests that wait for a lane, in the order they came. Whenever one may have become free they look in that order,
 * and each takes at once what it finds, so a later request never overtakes an earlier one.
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

  /** Who waits for what, first come first. */
  waits(): RequestWait[] {
    return this.#line.flatMap(({ about }) => about ?? []);
  }

  takeTicket(): number {
    return ++this.#tickets;
  }

  /** Lets those in line look, first come first; with a ticket only those before it. */
  serve(beforeTicket: number = Number.POSITIVE_INFINITY): void {
    if (this.#line.length === 0) return;
    for (const place of [...this.#line]) {
      if (place.ticket >= beforeTicket) return;
      if (place.look()) place.leave();
    }
  }

  /** Waits until the look has found something, the time is over, or the client hangs up. */
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
        // A time that many wait for is the first one's, whosever timer fires first.
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
