import type { Paint, Tone } from "../../cli/paint.ts";
import { hangingLines } from "../../cli/wrap-text.ts";
import type { Finding } from "./finding.ts";

/** How the findings may look. */
export interface DoctorLook {
  width: number;
  paint: Paint;
}

const TONES: Record<Finding["level"], Tone> = { ok: "good", note: "warn", wrong: "bad" };
const GAP = 2;
/** A column of text with less room than this is hard to read: there the text goes below. */
const MIN_TEXT = 24;

/** The findings as lines: how it is, what was looked at, what was seen, and below it what mends it. */
export function doctorText(findings: readonly Finding[], { width, paint }: DoctorLook): string {
  const levelWidth = Math.max(...findings.map(({ level }) => level.length)) + GAP;
  const checkWidth = Math.max(...findings.map(({ check }) => Bun.stringWidth(check))) + GAP;
  const isNarrow = width - levelWidth - checkWidth < MIN_TEXT;
  const indent = isNarrow ? GAP : levelWidth + checkWidth;
  const lines = findings.flatMap(({ level, check, what, fix }) => {
    const front = `${level.padEnd(levelWidth)}${check}`;
    const beside = front + " ".repeat(levelWidth + checkWidth - Bun.stringWidth(front));
    const told = what
      .split("\n")
      .flatMap((line, at) => hangingLines(at === 0 && !isNarrow ? beside : " ".repeat(indent), line, width));
    const [first = "", ...more] = isNarrow ? [front, ...told] : told;
    const mark = paint[TONES[level]](level);
    // A command that is broken into lines would be two when it is pasted: the terminal may wrap it.
    const below = fix === undefined ? [] : [`${" ".repeat(indent)}${paint.accent("→")} ${fix}`];
    return [mark + first.slice(level.length), ...more, ...below];
  });
  return lines.join("\n");
}
