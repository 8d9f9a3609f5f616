import { type Exhaustion, exhaustionReport } from "../core/exhaustion.ts";
import type { RouterEvent } from "../core/router-event.ts";

/** Counts what a run went through, for the one line (or the one report) that is printed when opencode has exited. */
export class RunTally {
  #requests = 0;
  #rotations = 0;
  #fallbacks = 0;
  #exhaustion: Exhaustion | undefined;
  #bug: unknown;

  note(event: RouterEvent): void {
    switch (event.kind) {
      case "finished":
        this.#requests++;
        // A later answer makes an earlier exhaustion history.
        if (event.record.outcome === "served") this.#exhaustion = undefined;
        return;
      case "rotated":
        this.#rotations++;
        return;
      case "fell-back":
        this.#fallbacks++;
        return;
      case "exhausted":
        this.#exhaustion = event.exhaustion;
        return;
      case "rested":
      case "cleared":
      case "key-changed":
        return;
    }
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
