import type { Paint, Tone } from "../../cli/paint.ts";
import { hangingLines } from "../../cli/wrap-text.ts";
import { oneLine } from "../../core/redact.ts";
import type { AttemptRecord, RequestOutcome, RequestRecord } from "../../core/routing/request-record.ts";
import { countText, spanText } from "./amount-text.ts";

/** How a request ended, in one short word. */
const OUTCOMES: Record<RequestOutcome, string> = {
  served: "ok",
  // The provider's own answer went to the client: the request was at fault, not a key.
  "passed-error": "refused",
  exhausted: "exhausted",
  broken: "broke off",
  "client-gone": "cancelled",
};

/** A client may name a model as it likes; what would steer the terminal is taken out. */
const NAME_CHARS = 160;

/** Widths of the columns in front, so that lines written one by one stand under each other. */
const WIDTH = { outcome: 9, span: 7, tokens: 9 };

const two = (value: number): string => String(value).padStart(2, "0");

/** `14:05:09` in the reader's own time zone. */
export function timeText(atMs: number): string {
  const at = new Date(atMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
}

/** `11-21 14:05:09`: a ledger goes back for days, never for years. */
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

/** The model that was asked for, and the one that answered where it was another. */
export function modelText({ asked, served }: Pick<RequestRecord, "asked" | "served">): string {
  const name = oneLine(asked ?? "no model named", NAME_CHARS);
  return served === undefined || served === asked ? name : `${name} → ${oneLine(served, NAME_CHARS)}`;
}

/** `1.2k+80`, what went in and what came out; a dash where the provider said neither. */
export function tokensText({ inputTokens, outputTokens }: RequestRecord): string {
  if (inputTokens === undefined && outputTokens === undefined) return "-";
  return [inputTokens, outputTokens].map((count) => (count === undefined ? "?" : countText(count))).join("+");
}

/** The room the log may take, and its colours. */
export interface LogLook {
  width: number;
  paint: Paint;
}

/** A request as the log prints it: one line, and its attempts below where there is more to them than one success. */
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
  // Colours come last: they would count as characters where lines are broken.
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
  const painted = verdict === "ok" ? paint.good(result) : paint.warn(result);
  const hasResult = first.startsWith(`${front}${result}`);
  return [hasResult ? `${front}${painted}${first.slice(front.length + result.length)}` : first, ...more];
}
