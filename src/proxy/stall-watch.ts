import type { Chance } from "./chance.ts";

export interface StallWatchOptions {
  chance: Required<Chance>;
  /** The longest silence now. */
  limitMs: () => number;
  /** Told at each look, every few seconds. */
  onLook: () => void;
  /** Told of a silence that is too long; when it does nothing about it, it is told again. */
  onStall: () => void;
}

/** The longest time between two looks: limits may change while a stream runs. */
const LOOK_EVERY_MS = 3_000;

/**
 * Watches over a stream for silence. Only silence of the upstream counts: while nobody reads, because the client is
 * slow, nothing can come. One timer a stream, so that chunks pay for no more than a reading of the clock.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;
  #silentSinceMs: number | undefined;
  #isReading = false;
  #callOff = (): void => {};

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#lookAfter(options.limitMs());
  }

  /** A read is under way. */
  reading(): void {
    this.#isReading = true;
    this.#silentSinceMs ??= this.#options.chance.nowMs();
  }

  /** The read is over; a mere keep-alive does not end the silence. */
  read(progressed: boolean): void {
    this.#isReading = false;
    if (progressed) this.#silentSinceMs = undefined;
  }

  stop(): void {
    this.#callOff();
  }

  #lookAfter(leftMs: number): void {
    const ms = leftMs > 0 ? Math.min(leftMs, LOOK_EVERY_MS) : LOOK_EVERY_MS;
    this.#callOff = this.#options.chance.after(ms, () => this.#look());
  }

  #look(): void {
    const { chance, limitMs, onLook, onStall } = this.#options;
    const nowMs = chance.nowMs();
    // A clock that was set back would make the silence seem to begin in the future.
    if (this.#silentSinceMs !== undefined) this.#silentSinceMs = Math.min(nowMs, this.#silentSinceMs);
    const silentMs = nowMs - (this.#silentSinceMs ?? nowMs);
    this.#lookAfter(limitMs() - silentMs);
    onLook();
    if (this.#isReading && silentMs >= limitMs()) onStall();
  }
}
