/** Calls to providers that Bun makes at once in a process; further ones stand in a line of its own, in silence. */
const CALLS_AT_ONCE = Number(process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"]) || 256;

/** As many as an agent and its helpers have under way as a rule. */
const FEW = 4;

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

  /** Whether few calls are under way, the one that is about to be made among them. */
  get isSmall(): boolean {
    return this.#calls <= FEW;
  }

  /** Until when some call may not have been made yet. */
  untilMs(nowMs: number): number {
    return this.#calls > CALLS_AT_ONCE ? nowMs : this.#wasCrowdedMs;
  }
}
