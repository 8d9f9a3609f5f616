import type { Paint, Tone } from "./colour.ts";

export interface ChartBar {
  label: string;
  value: number | undefined;
  text: string;
}

export interface BarChart {
  title: string;
  hint: string;
  bars: readonly ChartBar[];
  tone: Tone;
}

export interface ChartLook {
  width: number;
  paint: Paint;
}

const GAP = "  ";
const MIN_LABEL = 8;
/** A shorter bar shows no difference. */
const MIN_BAR = 10;
/** A longer bar is tiring to compare. */
const MAX_BAR = 60;

/** A character can be filled by eighths. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

export function barChartText({ title, hint, bars, tone }: BarChart, { width, paint }: ChartLook): string {
  const textWidth = Math.max(0, ...bars.map(({ text }) => Bun.stringWidth(text)));
  const wanted = Math.max(0, ...bars.map(({ label }) => Bun.stringWidth(label)));
  const rest = width - textWidth - GAP.length * 2;
  const labelWidth = Math.max(MIN_LABEL, Math.min(wanted, rest - MIN_BAR));
  const barWidth = Math.max(MIN_BAR, Math.min(MAX_BAR, rest - labelWidth));
  const full = Math.max(0, ...bars.map(({ value }) => value ?? 0));
  const lines = bars.map(({ label, value, text }) => {
    const bar = barText(value === undefined || full === 0 ? 0 : (value / full) * barWidth);
    const gap = " ".repeat(barWidth - Bun.stringWidth(bar));
    return `${fit(label, labelWidth)}${GAP}${paint[tone](bar)}${gap}${GAP}${text.padStart(textWidth)}`;
  });
  return [`${paint.strong(title)}${GAP}${paint.muted(`(${hint})`)}`, ...lines].join("\n");
}

/** Draw at least an eighth, so that every value is visible. */
function barText(length: number): string {
  const eighths = length === 0 ? 0 : Math.max(1, Math.round(length * 8));
  return "█".repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? "");
}

/** Cut the middle of a long name: the provider and the size of the model are at its ends. */
function fit(label: string, width: number): string {
  const cut = Bun.stringWidth(label) > width ? middleCut(label, width) : label;
  return cut + " ".repeat(Math.max(0, width - Bun.stringWidth(cut)));
}

function middleCut(label: string, width: number): string {
  const segments = [...new Intl.Segmenter().segment(label)].map(({ segment }) => segment);
  const head = take(segments, Math.ceil((width - 1) / 2));
  const tail = take(segments.toReversed(), width - 1 - Bun.stringWidth(head.join("")));
  return `${head.join("")}…${tail.toReversed().join("")}`;
}

function take(segments: readonly string[], width: number): string[] {
  const kept: string[] = [];
  for (const segment of segments) {
    if (Bun.stringWidth([...kept, segment].join("")) > width) break;
    kept.push(segment);
  }
  return kept;
}
