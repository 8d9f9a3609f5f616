/** Calls to providers that Bun makes at once in a process; further ones stand in a line of its own, in silence. */
const CALLS_AT_ONCE = Number(process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"]) || 256;

/** Counts the calls under way: while there are more than can be made at once, a silence says nothing of a provider. */
export class Crowd {
  #calls = 0;
  #wasCrowdedMs = 0;

  enter(): void {
    this.#calls++;
  }

  leave(nowMs: number): void {
    if (this.#calls > CALLS_AT_ONCE) this.#wasCrowdedMs = nowMs;
    this.#calls--;
  }

  /** Until when some call may not have been made yet. */
  untilMs(nowMs: number): number {
    return this.#calls > CALLS_AT_ONCE ? nowMs : this.#wasCrowdedMs;
  }
}
