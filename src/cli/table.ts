import type { Settings } from "../core/settings/settings.ts";
import { type Paint, PLAIN_PAINT, paintFor, type Tone } from "./colour.ts";
import { wrapText } from "./text.ts";

export interface Column {
  title: string;
  /** May be cut short if the table is wider than the terminal. */
  shrinks?: boolean;
  /** For the last column: continues a long text below itself. */
  wraps?: boolean;
  /** The tone of a row's cell; rows are counted from 0. */
  tone?: (row: number) => Tone | undefined;
}

/** Width and colours; a number alone is the width of a table without colours. */
export type TableLook = number | { width: number; paint: Paint };

const GAP = "  ";
const MIN_WIDTH = 8;

export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  look: TableLook,
): string {
  const { width: maxWidth, paint } = typeof look === "number" ? { width: look, paint: PLAIN_PAINT } : look;
  const lines = [columns.map((column) => column.title), ...rows];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => Bun.stringWidth(line[at] ?? ""))));
  shrink(widths, columns, maxWidth);
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  return lines
    .flatMap((line, at) => {
      const [first = "", ...more] =
        columns[last]?.wraps === true ? wrapText(line[last] ?? "", maxWidth - before) : [line[last] ?? ""];
      const paintAt = (column: number) => {
        const tone = at === 0 ? "strong" : columns[column]?.tone?.(at - 1);
        return tone === undefined ? undefined : paint[tone];
      };
      const head = [...line.slice(0, last), first]
        .map((cell, column) => fit(cell, widths[column] ?? 0, paintAt(column)))
        .join(GAP);
      const below = more.map((text) => " ".repeat(before) + (paintAt(last)?.(text) ?? text));
      return [head.trimEnd(), ...below];
    })
    .join("\n");
}

export function outputLook(theme: Settings["theme"]): Exclude<TableLook, number> {
  return { width: outputWidth(), paint: paintFor(process.stdout, theme) };
}

/** A pipe takes lines of any length. */
export function outputWidth(): number {
  return process.stdout.isTTY === true && process.stdout.columns > 0
    ? process.stdout.columns
    : Number.POSITIVE_INFINITY;
}

/** Takes from the widest column that shrinks until the table fits or nothing is left. */
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

/** Do not colour the blanks after a cell: some terminals show them. */
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
