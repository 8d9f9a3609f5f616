/** Requests that wait for a lane, in the order they came; a fair queue with an end for each. */
export class Waiting {
  readonly #queue: { wake: () => void }[] = [];

  get length(): number {
    return this.#queue.length;
  }

  /** Waits until `untilMs` (by the given clock), a wake-up, or the client's hanging up. */
  async until(untilMs: number, nowMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const place = { wake };
    this.#queue.push(place);
    const timer = setTimeout(wake, Math.max(0, untilMs - nowMs));
    signal.addEventListener("abort", wake, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      const at = this.#queue.indexOf(place);
      if (at >= 0) this.#queue.splice(at, 1);
    }
  }

  /** A call has ended: the first in the queue may look again. Those it leaves nothing for wait on in their places. */
  wakeFirst(): void {
    this.#queue[0]?.wake();
  }

  /** The lanes' health has changed (a reset, a success): everyone looks again. */
  wakeAll(): void {
    for (const place of [...this.#queue]) place.wake();
  }
}
