import { type BenchResult, firstTokenText, type Spread, speedText } from "./results.ts";

export interface Bar {
  label: string;
  spread: Spread | undefined;
  text: string;
}

export interface BarGroup {
  title: string;
  hint: string;
  bars: readonly Bar[];
}

export function benchChart(results: readonly BenchResult[]): BarGroup[] {
  return [
    {
      title: "Time to first token",
      hint: "shorter is better",
      bars: results.map((result) => ({
        label: result.model,
        spread: result.firstTokenMs,
        text: firstTokenText(result),
      })),
    },
    {
      title: "Tokens per second",
      hint: "longer is better",
      bars: results.map((result) => ({
        label: result.model,
        spread: result.tokensPerSecond,
        text: speedText(result),
      })),
    },
  ];
}

export function fullValue({ bars }: BarGroup, of: keyof Spread): number {
  return Math.max(0, ...bars.map(({ spread }) => spread?.[of] ?? 0));
}

export interface SvgText {
  title: string;
  subtitle: string;
}

const WIDTH = 760;
const MARGIN = 24;
const HEAD = 72;
const GROUP_HEAD = 34;
const ROW = 26;
const BAR = 14;
const GROUP_GAP = 18;
const VALUE_WIDTH = 84;
const GAP = 12;
/** A monospaced font of this size. */
const FONT = 12;
const CHAR_WIDTH = 7.3;
const MAX_LABEL_CHARS = 40;
/** Ends closer than this would merge into a blot. */
const MIN_ENDS = 6;

// The attributes are the light theme, for programs that ignore the style; the style follows the reader's theme.
const STYLE = `
  text { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; }
    .ink { fill: #e6edf3; }
    .faint { fill: #9198a1; }
    .track { fill: #21262d; }
    .first { fill: #4493f8; }
    .speed { fill: #3fb950; }
    .ends { stroke: #e6edf3; }
  }
`;
const COLOURS = { first: "#0969da", speed: "#1a7f37" } as const;

/** Self-contained: no script, font or link. */
export function chartSvg(groups: readonly BarGroup[], { title, subtitle }: SvgText): string {
  const labelWidth = Math.ceil(labelChars(groups) * CHAR_WIDTH);
  const rows = groups.reduce((sum, group) => sum + GROUP_HEAD + group.bars.length * ROW, 0);
  const height = HEAD + rows + GROUP_GAP * (groups.length - 1) + MARGIN;
  let top = HEAD;
  const parts = groups.map((group, at) => {
    const text = groupSvg(group, { top, labelWidth, colour: at === 0 ? "first" : "speed" });
    top += GROUP_HEAD + group.bars.length * ROW + GROUP_GAP;
    return text;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}" rx="8" fill="#ffffff"/>`,
    textSvg({ x: MARGIN, y: 34, size: 16, text: title, weight: "bold" }),
    textSvg({ x: MARGIN, y: 54, text: subtitle, tone: "faint" }),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function labelChars(groups: readonly BarGroup[]): number {
  const widths = groups.flatMap(({ bars }) => bars.map(({ label }) => Bun.stringWidth(label)));
  return Math.min(MAX_LABEL_CHARS, Math.max(1, ...widths));
}

interface BarPlace {
  top: number;
  labelWidth: number;
  colour: keyof typeof COLOURS;
}

function groupSvg(group: BarGroup, { top, labelWidth, colour }: BarPlace): string {
  const left = MARGIN + labelWidth + GAP;
  const room = WIDTH - left - GAP - VALUE_WIDTH - MARGIN;
  const full = fullValue(group, "max");
  const lengthOf = (value: number): number => (full === 0 ? 0 : round((value / full) * room));
  const lines = [
    textSvg({ x: MARGIN, y: top + 16, text: group.title, weight: "bold" }),
    textSvg({ x: WIDTH - MARGIN, y: top + 16, text: group.hint, tone: "faint", isRight: true }),
  ];
  for (const [at, { label, spread, text }] of group.bars.entries()) {
    const y = top + GROUP_HEAD + at * ROW;
    const middle = y + BAR / 2;
    const baseline = middle + FONT / 3;
    lines.push(textSvg({ x: MARGIN, y: baseline, text: cutTo(label, MAX_LABEL_CHARS), hover: label }));
    lines.push(
      `<rect class="track" x="${left}" y="${y}" width="${room}" height="${BAR}" rx="3" fill="#eff2f5"/>`,
    );
    if (spread !== undefined) {
      lines.push(
        `<rect class="${colour}" x="${left}" y="${y}" width="${lengthOf(spread.median)}" height="${BAR}" rx="3" fill="${COLOURS[colour]}"/>`,
      );
      const [from, to] = [left + lengthOf(spread.min), left + lengthOf(spread.max)];
      if (to - from >= MIN_ENDS) {
        lines.push(
          `<path class="ends" d="M${round(from)} ${middle}H${round(to)}M${round(from)} ${middle - 4}v8M${round(to)} ${middle - 4}v8" stroke="#1f2328" fill="none"/>`,
        );
      }
    }
    lines.push(textSvg({ x: WIDTH - MARGIN, y: baseline, text, isRight: true }));
  }
  return lines.join("\n");
}

interface TextParts {
  x: number;
  y: number;
  text: string;
  size?: number;
  weight?: "bold";
  tone?: "faint";
  isRight?: boolean;
  hover?: string;
}

function textSvg({ x, y, text, size = FONT, weight, tone, isRight, hover }: TextParts): string {
  const look = tone === undefined ? 'class="ink" fill="#1f2328"' : 'class="faint" fill="#59636e"';
  const more = `${weight === undefined ? "" : ' font-weight="bold"'}${isRight === true ? ' text-anchor="end"' : ""}`;
  const note = hover === undefined || hover === text ? "" : `<title>${escapeXml(hover)}</title>`;
  return `<text ${look} x="${x}" y="${round(y)}" font-size="${size}"${more}>${escapeXml(text)}${note}</text>`;
}

function cutTo(text: string, chars: number): string {
  if (Bun.stringWidth(text) <= chars) return text;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (Bun.stringWidth(kept + segment) > chars - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Names come from a provider and may contain anything, including control characters that XML forbids. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
