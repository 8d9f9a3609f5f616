import type { IBufferCell, Terminal } from "@xterm/headless";

/** Some characters of one line that look alike. */
export interface Run {
  text: string;
  column: number;
  cells: number;
  ink: string;
  paper: string | undefined;
  isBold: boolean;
}

/** What a terminal shows at one moment. */
export interface Frame {
  cols: number;
  rows: Run[][];
}

/** The colours of terminals whose owner has chosen none. */
export const INK = "#d4d4d4";
export const PAPER = "#101014";
const BASIC = [
  ...["#1c1c22", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8c8d0"],
  ...["#5c6370", "#ef7b85", "#a9d68a", "#f0d08b", "#71bfff", "#d688ed", "#66c6d2", "#ffffff"],
];
const CUBE_STEPS = [0, 95, 135, 175, 215, 255];
const CUBE_START = 16;
const GREY_START = 232;

/** Reads the screen, line by line, as runs of like characters. */
export function readFrame(terminal: Terminal): Frame {
  const { active } = terminal.buffer;
  const rows = Array.from({ length: terminal.rows }, (_, y) => readRow(terminal, active.viewportY + y));
  return { cols: terminal.cols, rows };
}

function readRow(terminal: Terminal, y: number): Run[] {
  const line = terminal.buffer.active.getLine(y);
  const runs: Run[] = [];
  for (let column = 0; column < terminal.cols; column++) {
    const cell = line?.getCell(column);
    // The second half of a wide character has no width of its own.
    if (cell === undefined || cell.getWidth() === 0) continue;
    const run = runOf(cell, column);
    const last = runs.at(-1);
    if (last !== undefined && looksLike(last, run)) {
      last.text += run.text;
      last.cells += run.cells;
    } else runs.push(run);
  }
  return runs;
}

function runOf(cell: IBufferCell, column: number): Run {
  const ink = cell.isFgDefault() ? INK : colourOf(cell.getFgColor(), cell.isFgRGB());
  const paper = cell.isBgDefault() ? undefined : colourOf(cell.getBgColor(), cell.isBgRGB());
  const isInverse = cell.isInverse() !== 0;
  return {
    text: cell.getChars() || " ",
    column,
    cells: cell.getWidth(),
    ink: isInverse ? (paper ?? PAPER) : ink,
    paper: isInverse ? ink : paper,
    isBold: cell.isBold() !== 0,
  };
}

function looksLike(a: Run, b: Run): boolean {
  return a.ink === b.ink && a.paper === b.paper && a.isBold === b.isBold && a.column + a.cells === b.column;
}

function colourOf(value: number, isRgb: boolean): string {
  if (isRgb) return `#${value.toString(16).padStart(6, "0")}`;
  if (value < CUBE_START) return BASIC[value] ?? INK;
  if (value >= GREY_START) return hex(Array(3).fill(8 + (value - GREY_START) * 10));
  const at = value - CUBE_START;
  return hex([Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map((step) => CUBE_STEPS[step] ?? 0));
}

function hex(parts: readonly number[]): string {
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
