import type { Problem } from "../core/problem.ts";
import type { AttemptRecord, RequestRecord, RouterEvent } from "../core/routing/events.ts";
import { type Exhaustion, exhaustionReport } from "../core/routing/exhaustion.ts";
import { counted } from "../core/text.ts";

/** Collects the numbers for the line, or the report, that is printed after opencode has exited. */
export class RunTally {
  #requests = 0;
  #rotations = 0;
  #fallbacks = 0;
  #exhaustion: Exhaustion | undefined;
  readonly #failed = new Map<FailedEnd, number>();
  readonly #words: string[] = [];
  #fault: string | undefined;
  #bug: unknown;

  note(event: RouterEvent): void {
    switch (event.kind) {
      case "finished":
        this.#requests++;
        this.#countHops(event.record.attempts);
        this.#countFailure(event.record);
        // A later answer makes an earlier exhaustion irrelevant.
        if (event.record.outcome === "served") this.#exhaustion = undefined;
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

  #countFailure(record: RequestRecord): void {
    const end = failedEnd(record);
    if (end !== undefined) this.#failed.set(end, (this.#failed.get(end) ?? 0) + 1);
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

  /** What failed besides what the report is about; "" if nothing did. */
  #failureText(): string {
    const isReported = (end: string): boolean => end === "exhausted" && this.#exhaustion !== undefined;
    const counts = [...this.#failed].flatMap(([end, count]) =>
      isReported(end) ? [] : [`${count} ${FAILED_ENDS[end]}`],
    );
    if (counts.length === 0) return "";
    return `[orouter] Of ${counted(this.#requests, "request")}: ${counts.join(", ")}. See: orouter logs`;
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

  /** Empty when there is nothing to say; read at that time. */
  summary(nowMs = Date.now()): string {
    const parts: string[] = [];
    const failures = this.#failureText();
    if (this.#exhaustion !== undefined) parts.push(exhaustionReport(this.#exhaustion, nowMs).trimEnd());
    else if (this.#rotations + this.#fallbacks > 0) {
      parts.push(
        `[orouter] ${counted(this.#requests, "request")}, ${counted(this.#rotations, "rotation")}, ${counted(this.#fallbacks, "fallback")}`,
      );
    }
    if (failures !== "") parts.push(failures);
    parts.push(...this.#words);
    if (this.#fault !== undefined) parts.push(refusedText(this.#fault));
    if (this.#bug !== undefined) {
      const stack = this.#bug instanceof Error ? (this.#bug.stack ?? this.#bug.message) : String(this.#bug);
      parts.push(`[orouter] orouter failed on a request; please report this:\n${stack}`);
    }
    return parts.join("\n");
  }
}

/** How a request may have failed for the user, in words. */
const FAILED_ENDS = {
  exhausted: "found no usable key",
  broken: "broke off",
  cancelled: "cancelled while waiting",
  "passed-error": "refused by the provider",
} as const;

type FailedEnd = keyof typeof FAILED_ENDS;

/** Who waits so long for a first word and then gives up did not merely change their mind. */
const LONG_WAIT_MS = 10_000;

function failedEnd({
  outcome,
  attempts,
  waitedMs,
  firstTokenMs,
  durationMs,
}: RequestRecord): FailedEnd | undefined {
  switch (outcome) {
    case "served":
      return undefined;
    case "exhausted":
    case "broken":
      return outcome;
    case "passed-error":
      // An agent shortens its conversation on that, and goes on.
      return attempts.at(-1)?.verdict === "overflow" ? undefined : outcome;
    case "client-gone": {
      const hasFailed = attempts.some(({ verdict }) => verdict !== "ok" && verdict !== "cancelled");
      const isWaiting = waitedMs > 0 || hasFailed || durationMs >= LONG_WAIT_MS;
      return firstTokenMs === undefined && isWaiting ? "cancelled" : undefined;
    }
  }
}

/** A note of a run about the disk. */
export function troubleText({ message, fix }: Problem): string {
  return `[orouter] ${message}${fix === undefined ? "" : ` ${fix}`}`;
}

export function refusedText(what: string): string {
  return `[orouter] ${what}\nThe previous version stays active until you fix the file.`;
}
