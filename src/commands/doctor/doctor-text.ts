import type { Finding } from "./finding.ts";

/** How the findings may look. */
export interface DoctorLook {
  width: number;
  hasColour: boolean;
}

const COLOURS: Record<Finding["level"], string> = { ok: "32", note: "33", wrong: "31" };
const GAP = 2;

/** A line narrower than this would be a column of single words. */
const MIN_TEXT = 30;

/** The findings as lines: how it is, what was looked at, what was seen, and below it what mends it. */
export function doctorText(findings: readonly Finding[], { width, hasColour }: DoctorLook): string {
  const levelWidth = Math.max(...findings.map(({ level }) => level.length)) + GAP;
  const checkWidth = Math.max(...findings.map(({ check }) => Bun.stringWidth(check))) + GAP;
  const indent = levelWidth + checkWidth;
  const lines = findings.flatMap(({ level, check, what, fix }) => {
    const mark = hasColour ? `\x1b[${COLOURS[level]}m${level}\x1b[39m` : level;
    const front =
      mark + " ".repeat(levelWidth - level.length) + check + " ".repeat(checkWidth - Bun.stringWidth(check));
    const texts = [...wrap(what, width - indent), ...(fix === undefined ? [] : wrapFix(fix, width - indent))];
    return texts.map((text, at) => (at === 0 ? front : " ".repeat(indent)) + text);
  });
  return lines.join("\n");
}

function wrapFix(fix: string, width: number): string[] {
  return wrap(fix, width - 2).map((line, at) => (at === 0 ? `→ ${line}` : `  ${line}`));
}

/** Words are never cut: a path or a command that is broken in two cannot be copied. */
function wrap(text: string, width: number): string[] {
  const room = Math.max(width, MIN_TEXT);
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && Bun.stringWidth(`${last} ${word}`) <= room)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
