import type { Paint } from "../../../cli/paint.ts";
import { hangingLines } from "../../../cli/wrap-text.ts";
import { formatClock, formatWait } from "../../../core/clock-text.ts";
import { oneLine } from "../../../core/redact.ts";
import { NEVER_MS, type Rest } from "../../../core/routing/rest.ts";
import { verdictWords } from "../../../core/verdict/verdict.ts";
import { spanText } from "../../logs/amount-text.ts";
import type { Hop } from "./told-router.ts";
import type { Trial } from "./try-request.ts";

/** The room lines may take, and their colours. */
export interface TrialLook {
  width: number;
  paint: Paint;
  nowMs: number;
}

const MESSAGE_CHARS = 300;
const TEXT_CHARS = 200;
const CLOCK_FROM_MS = 60_000;
const INDENT = "     ";

/** A step of a request as lines; `number` counts those who were asked. */
export function hopLines(hop: Hop, number: number, look: TrialLook): string[] {
  const { paint, width, nowMs } = look;
  switch (hop.kind) {
    case "asked": {
      const front = `${String(number).padStart(3)}. `;
      return hangingLines(front, `${hop.model} with key ${hop.keyName}`, width);
    }
    case "refused": {
      const { verdict, rest, tookMs } = hop;
      const status = verdict.status === 0 ? "" : ` (${verdict.status})`;
      const parts = [
        `${verdictWords(verdict.kind)}${status} after ${spanText(tookMs)}`,
        ...(rest === undefined ? [] : [restText(rest, nowMs)]),
      ];
      const words = verdict.message === "" ? "" : `: ${oneLine(verdict.message, MESSAGE_CHARS)}`;
      return hangingLines(INDENT, `${parts.join(", ")}${words}`, width).map(paint.warn);
    }
    case "answering":
      return [`${INDENT}${paint.good(`answers, first token after ${spanText(hop.tookMs)}`)}`];
  }
}

function restText(rest: Rest, nowMs: number): string {
  if (rest.untilMs >= NEVER_MS) return "not asked again until it is changed";
  const wait = `rests ${formatWait(rest.untilMs - nowMs)}`;
  // A clock without seconds tells nothing of a short rest.
  return rest.untilMs - nowMs < CLOCK_FROM_MS ? wait : `${wait}, until ${formatClock(rest.untilMs, nowMs)}`;
}

/** Who answered and how quickly, or that nobody did. */
export function trialLines(
  name: string,
  { record, text, error }: Trial,
  { width, paint }: TrialLook,
): string[] {
  if (record?.outcome !== "served") {
    const head = paint.bad(`Nobody answered for ${name}.`);
    return [head, ...reportLines(error ?? "", width)];
  }
  const { served = name, keyName = "", firstTokenMs = 0, durationMs, attempts } = record;
  const tries = attempts.length === 1 ? "at the first try" : `at try ${attempts.length}`;
  const answer = `${served} answered for ${name} with key ${keyName}, ${tries}.`;
  const times = `First token after ${spanText(firstTokenMs)}, all of it after ${spanText(durationMs)}.`;
  const said = oneLine(text, TEXT_CHARS);
  return [
    ...hangingLines("", answer, width).map(paint.good),
    times,
    ...(said === "" ? ["It said nothing but thought."] : hangingLines("It said: ", said, width)),
  ];
}

/** A report is laid out in lines of its own, some of them set in. */
function reportLines(report: string, width: number): string[] {
  return report.split("\n").flatMap((line) => {
    const [indent = ""] = /^ */.exec(line) ?? [];
    return line.trim() === "" ? [] : hangingLines(indent, line.trim(), width);
  });
}
