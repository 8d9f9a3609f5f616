import type { Settings } from "../core/settings/settings.ts";
import { type Paint, PLAIN_PAINT, paintFor, type Tone } from "./colour.ts";

/** A column of a table. */
export interface Column {
  title: string;
  /** May be cut short where the table is wider than the terminal. */
  shrinks?: boolean;
  /** How a row's cell is set off; rows are counted from 0. */
  tone?: (row: number) => Tone | undefined;
}

/** The room a table may take, and its colours; a number alone is the width of a plain one. */
export type TableLook = number | { width: number; paint: Paint };

const GAP = "  ";
const MIN_WIDTH = 8;

/** Lines of text columns under their titles, no wider than there is room where that can be done. */
export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  look: TableLook,
): string {
  const { width: maxWidth, paint } = typeof look === "number" ? { width: look, paint: PLAIN_PAINT } : look;
  const lines = [columns.map((column) => column.title), ...rows];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => Bun.stringWidth(line[at] ?? ""))));
  shrink(widths, columns, maxWidth);
  return lines
    .map((line, at) =>
      line
        .map((cell, column) => {
          const tone = at === 0 ? "strong" : columns[column]?.tone?.(at - 1);
          return fit(cell, widths[column] ?? 0, tone === undefined ? undefined : paint[tone]);
        })
        .join(GAP)
        .trimEnd(),
    )
    .join("\n");
}

/** The room and the colours that a table on stdout has. */
export function outputLook(theme: Settings["theme"]): Exclude<TableLook, number> {
  return { width: outputWidth(), paint: paintFor(process.stdout, theme) };
}

/** The width of the terminal behind stdout; a pipe takes lines of any length. */
export function outputWidth(): number {
  return process.stdout.isTTY === true && process.stdout.columns > 0
    ? process.stdout.columns
    : Number.POSITIVE_INFINITY;
}

/** Takes from the widest column that may give, until it fits or nothing is left to take. */
function shrink(widths: number[], columns: readonly Column[], maxWidth: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  while (total() > maxWidth) {
    let widest = -1;
    for (const [at, column] of columns.entries()) {
      const width = widths[at] ?? 0;
      if (column.shrinks === true && width > MIN_WIDTH && width > (widths[widest] ?? 0)) widest = at;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

/** The blanks behind a cell take no colour: terminals would show some of them. */
function fit(text: string, width: number, painted = (cut: string) => cut): string {
  const cut = Bun.stringWidth(text) > width ? cutTo(text, width) : text;
  return painted(cut) + " ".repeat(Math.max(0, width - Bun.stringWidth(cut)));
}

function cutTo(text: string, width: number): string {
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (Bun.stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
