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

/** The findings as lines: how it is, what was looked at, what was seen, and below it what mends it. */
export function doctorText(findings: readonly Finding[], { width, paint }: DoctorLook): string {
  const levelWidth = Math.max(...findings.map(({ level }) => level.length)) + GAP;
  const checkWidth = Math.max(...findings.map(({ check }) => Bun.stringWidth(check))) + GAP;
  const indent = levelWidth + checkWidth;
  const lines = findings.flatMap(({ level, check, what, fix }) => {
    const front = `${level.padEnd(levelWidth)}${check}${" ".repeat(checkWidth - Bun.stringWidth(check))}`;
    const [first = "", ...more] = what
      .split("\n")
      .flatMap((line, at) => hangingLines(at === 0 ? front : " ".repeat(indent), line, width));
    const mark = paint[TONES[level]](level);
    // A command that is broken into lines would be two when it is pasted: the terminal may wrap it.
    const below = fix === undefined ? [] : [`${" ".repeat(indent)}${paint.accent("→")} ${fix}`];
    return [mark + first.slice(level.length), ...more, ...below];
  });
  return lines.join("\n");
}
