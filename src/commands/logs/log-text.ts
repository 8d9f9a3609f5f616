import type { Paint, Tone } from "../../cli/colour.ts";
import { hangingLines } from "../../cli/text.ts";
import type { AttemptRecord, RequestOutcome, RequestRecord } from "../../core/routing/events.ts";
import { oneLine } from "../../core/scrub.ts";
import { formatDuration } from "../../core/text.ts";
import type { LedgerEntry } from "../../ledger/request-rows.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export function spanText(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < SECOND_MS) return `${whole} ms`;
  // Tenths separate fast models from slow ones.
  const tenths = Math.round(whole / 100) / 10;
  return tenths < 60 ? `${tenths.toFixed(1)} s` : formatDuration(Math.max(whole, MINUTE_MS));
}

const STEPS = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** At most five characters: `950`, `1.2k`, `34k`, `1.5M`. */
export function countText(count: number): string {
  for (const [size, unit] of STEPS) {
    const scaled = count / size;
    // Values that would round up to 1000 use the next unit: 999,600 is 1.0M, not 1000k.
    if (scaled < 0.9995) continue;
    return `${scaled < 9.95 ? scaled.toFixed(1) : String(Math.round(scaled))}${unit}`;
  }
  return String(Math.round(count));
}

const OUTCOMES: Record<RequestOutcome, string> = {
  served: "ok",
  // The provider's own answer went to the client: the request was at fault, not a key.
  "passed-error": "refused",
  exhausted: "exhausted",
  broken: "broke off",
  "client-gone": "cancelled",
};

/** Long enough for a real name; longer ones come from a faulty client. */
const NAME_CHARS = 160;

/** Fixed widths, so that lines printed one by one still align. */
const WIDTH = { outcome: 9, span: 7, tokens: 9 };

const two = (value: number): string => String(value).padStart(2, "0");

/** In the local time zone. */
export function timeText(atMs: number): string {
  const at = new Date(atMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
}

/** Without a year: a ledger goes back for days. */
export function dateTimeText(atMs: number): string {
  const at = new Date(atMs);
  return `${two(at.getMonth() + 1)}-${two(at.getDate())} ${timeText(atMs)}`;
}

const TONES: Record<RequestOutcome, Tone> = {
  served: "good",
  "passed-error": "bad",
  exhausted: "bad",
  broken: "bad",
  "client-gone": "muted",
};

export function outcomeTone(outcome: RequestOutcome): Tone {
  return TONES[outcome];
}

export function outcomeText(outcome: RequestOutcome): string {
  return OUTCOMES[outcome];
}

/** The requested model, and the one that answered if it is another. */
export function modelText({ asked, served }: Pick<RequestRecord, "asked" | "served">): string {
  const name = oneLine(asked ?? "no model named", NAME_CHARS);
  return served === undefined || served === asked ? name : `${name} → ${oneLine(served, NAME_CHARS)}`;
}

/** Input and output tokens; a dash if the provider reported neither. */
export function tokensText({ inputTokens, outputTokens }: RequestRecord): string {
  if (inputTokens === undefined && outputTokens === undefined) return "-";
  return [inputTokens, outputTokens].map((count) => (count === undefined ? "?" : countText(count))).join("+");
}

export interface LogLook {
  width: number;
  paint: Paint;
}

/** One line, and its attempts below unless it was a single success. */
export function requestLines(record: RequestRecord, look: LogLook): string[] {
  const { paint, width } = look;
  const outcome = outcomeText(record.outcome).padEnd(WIDTH.outcome);
  const date = dateTimeText(record.atMs);
  const front = [
    date,
    outcome,
    spanText(record.durationMs).padStart(WIDTH.span),
    tokensText(record).padStart(WIDTH.tokens),
    "",
  ].join("  ");
  const key = record.keyName === undefined ? "" : ` (${record.keyName})`;
  const [first = "", ...more] = hangingLines(front, `${modelText(record)}${key}`, width);
  // Add colours last: their escape codes would count as characters when lines wrap.
  const behind = first.slice(`${date}  ${outcome}`.length);
  const head = [`${paint.muted(date)}  ${paint[outcomeTone(record.outcome)](outcome)}${behind}`, ...more];
  const { attempts } = record;
  const isPlain = attempts.length < 2 && attempts.every((attempt) => attempt.verdict === "ok");
  return isPlain ? head : [...head, ...attempts.flatMap((attempt, at) => attemptLines(attempt, at, look))];
}

function attemptLines(attempt: AttemptRecord, index: number, { width, paint }: LogLook): string[] {
  const { status, verdict, durationMs, model, keyName, fingerprint, message } = attempt;
  const result = status === 0 ? verdict : `${status} ${verdict}`;
  const words = message === "" ? "" : `: ${message}`;
  const who = `${oneLine(model, NAME_CHARS)} (${keyName}, ${fingerprint.slice(0, 5)}…)`;
  const front = `  ${String(index + 1).padStart(2)}. `;
  const [first = "", ...more] = hangingLines(
    front,
    `${result}, ${spanText(durationMs)}, ${who}${words}`,
    width,
  );
  const painted = toneOf(verdict, paint)(result);
  const hasResult = first.startsWith(`${front}${result}`);
  return [hasResult ? `${front}${painted}${first.slice(front.length + result.length)}` : first, ...more];
}

function toneOf(verdict: AttemptRecord["verdict"], paint: Paint): (text: string) => string {
  if (verdict === "ok") return paint.good;
  return verdict === "cancelled" ? paint.muted : paint.warn;
}

/**
 * A request as `logs --json` and `status --json` print it; scripts rely on these names. Times are milliseconds since
 * 1970, what is not known is null. `outcome` is one of served, passed-error, exhausted, broken, client-gone; the
 * `verdict` of an attempt is ok, cancelled or one of the words of `[[rules]]`, its `status` 0 where no answer came.
 */
export function requestJson(entry: LedgerEntry) {
  const { seq, id, atMs, session, client, asked, served, keyName, outcome } = entry;
  return {
    seq,
    id,
    atMs,
    session: session ?? null,
    client: client ?? null,
    asked: asked ?? null,
    served: served ?? null,
    keyName: keyName ?? null,
    outcome,
    waitedMs: entry.waitedMs,
    firstTokenMs: entry.firstTokenMs ?? null,
    durationMs: entry.durationMs,
    inputTokens: entry.inputTokens ?? null,
    outputTokens: entry.outputTokens ?? null,
    attempts: entry.attempts.map(attemptJson),
  };
}

export function attemptJson(attempt: AttemptRecord) {
  return {
    atMs: attempt.atMs,
    model: attempt.model,
    keyName: attempt.keyName,
    fingerprint: attempt.fingerprint,
    status: attempt.status,
    verdict: attempt.verdict,
    durationMs: attempt.durationMs,
    message: attempt.message,
  };
}
