import type { Problem } from "../core/problem.ts";
import { type Exhaustion, exhaustionReport } from "../core/routing/exhaustion.ts";
import type { AttemptRecord } from "../core/routing/request-record.ts";
import type { RouterEvent } from "../core/routing/router-event.ts";

/** Counts what a run went through, for the one line (or the one report) that is printed when opencode has exited. */
export class RunTally {
  #requests = 0;
  #rotations = 0;
  #fallbacks = 0;
  #exhaustion: Exhaustion | undefined;
  readonly #troubles: Problem[] = [];
  #bug: unknown;

  note(event: RouterEvent): void {
    switch (event.kind) {
      case "finished":
        this.#requests++;
        this.#countHops(event.record.attempts);
        // A later answer makes an earlier exhaustion history.
        if (event.record.outcome === "served") this.#exhaustion = undefined;
        return;
      case "exhausted":
        this.#exhaustion = event.exhaustion;
        return;
      case "rotated":
      case "fell-back":
      case "rested":
      case "cleared":
      case "key-changed":
        return;
    }
  }

  /** Every change of key or model within a request, whether it helped or not. */
  #countHops(attempts: readonly AttemptRecord[]): void {
    for (const [index, attempt] of attempts.entries()) {
      const previous = attempts[index - 1];
      if (previous === undefined) continue;
      if (previous.model !== attempt.model) this.#fallbacks++;
      else if (previous.fingerprint !== attempt.fingerprint) this.#rotations++;
    }
  }

  /** The disk had its troubles; said when the terminal is ours again. */
  noteTrouble(problem: Problem): void {
    this.#troubles.push(problem);
  }

  noteBug(error: unknown): void {
    this.#bug ??= error;
  }

  /** Empty when there is nothing to say. */
  summary(): string {
    const parts: string[] = [];
    if (this.#exhaustion !== undefined) parts.push(exhaustionReport(this.#exhaustion).trimEnd());
    else if (this.#rotations + this.#fallbacks > 0) {
      parts.push(
        `[orouter] ${plural(this.#requests, "request")}, ${plural(this.#rotations, "rotation")}, ${plural(this.#fallbacks, "fallback")}`,
      );
    }
    for (const { message, fix } of this.#troubles)
      parts.push(`[orouter] ${message}${fix === undefined ? "" : ` ${fix}`}`);
    if (this.#bug !== undefined) {
      const stack = this.#bug instanceof Error ? (this.#bug.stack ?? this.#bug.message) : String(this.#bug);
      parts.push(`[orouter] orouter failed on a request; please report this:\n${stack}`);
    }
    return parts.join("\n");
  }
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
