import type { Problem } from "../core/problem.ts";
import type { AttemptRecord, RouterEvent } from "../core/routing/events.ts";
import { type Exhaustion, exhaustionReport } from "../core/routing/exhaustion.ts";
import { counted } from "../core/text.ts";

/** Collects the numbers for the line, or the report, that is printed after opencode has exited. */
export class RunTally {
  #requests = 0;
  #rotations = 0;
  #fallbacks = 0;
  #exhaustion: Exhaustion | undefined;
  #hasLastBroken = false;
  readonly #words: string[] = [];
  #fault: string | undefined;
  #bug: unknown;

  note(event: RouterEvent): void {
    switch (event.kind) {
      case "finished":
        this.#requests++;
        this.#countHops(event.record.attempts);
        // A later answer makes an earlier exhaustion irrelevant.
        if (event.record.outcome === "served") this.#exhaustion = undefined;
        this.#hasLastBroken = event.record.outcome === "broken";
        return;
      case "exhausted":
        this.#exhaustion = event.exhaustion;
        return;
      case "settings-refused":
        this.#fault = event.what;
        return;
      case "settings-taken":
        this.#fault = undefined;
        return;
      case "waiting":
      case "wait-ended":
      case "writing-call":
      case "rotated":
      case "fell-back":
      case "cooldown-started":
      case "cleared":
      case "key-changed":
      case "models-changed":
      case "quota-read":
      case "quota-warning":
        return;
    }
  }

  /** Counts every change of key or model within a request, whether it helped or not. */
  #countHops(attempts: readonly AttemptRecord[]): void {
    for (const [index, attempt] of attempts.entries()) {
      const previous = attempts[index - 1];
      if (previous === undefined) continue;
      if (previous.model !== attempt.model) this.#fallbacks++;
      else if (previous.fingerprint !== attempt.fingerprint) this.#rotations++;
    }
  }

  /** Storage trouble, printed when the terminal is free again. */
  noteTrouble(problem: Problem): void {
    this.#words.push(troubleText(problem));
  }

  /** A remark about the user's files, printed when the terminal is free again. */
  noteWord(text: string): void {
    this.#words.push(`[orouter] ${text}`);
  }

  noteBug(error: unknown): void {
    this.#bug ??= error;
  }

  /** Whether the last failed request of the run ran out of lanes. */
  get isExhausted(): boolean {
    return this.#exhaustion !== undefined;
  }

  /** Empty if there is nothing to say. */
  summary(): string {
    const parts: string[] = [];
    if (this.#exhaustion !== undefined) parts.push(exhaustionReport(this.#exhaustion).trimEnd());
    else if (this.#hasLastBroken || this.#rotations + this.#fallbacks > 0) {
      const counts = `${counted(this.#requests, "request")}, ${counted(this.#rotations, "rotation")}, ${counted(this.#fallbacks, "fallback")}`;
      parts.push(`[orouter] ${counts}${this.#hasLastBroken ? "; the last answer broke off" : ""}`);
    }
    parts.push(...this.#words);
    if (this.#fault !== undefined) parts.push(refusedText(this.#fault));
    if (this.#bug !== undefined) {
      const stack = this.#bug instanceof Error ? (this.#bug.stack ?? this.#bug.message) : String(this.#bug);
      parts.push(`[orouter] orouter failed on a request; please report this:\n${stack}`);
    }
    return parts.join("\n");
  }
}

export function troubleText({ message, fix }: Problem): string {
  return `[orouter] ${message}${fix === undefined ? "" : ` ${fix}`}`;
}

export function refusedText(what: string): string {
  return `[orouter] ${what}\nThe previous version stays active until you fix the file.`;
}
