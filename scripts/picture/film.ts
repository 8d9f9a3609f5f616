import { type Frame, PAPER, type Run } from "./frame.ts";

const CELL_WIDTH = 8.4;
const CELL_HEIGHT = 18;
const FONT_SIZE = 14;
const MARGIN = 16;

/** A moment of the film, and how long it stays. */
export interface Scene {
  frame: Frame;
  seconds: number;
}

/** One SVG that shows the scenes in turn, for ever; it needs no script and no font of its own. */
export function filmSvg(scenes: readonly Scene[], title: string): string {
  const [first] = scenes;
  if (first === undefined) throw new Error("a film needs a scene");
  const width = Math.ceil(first.frame.cols * CELL_WIDTH + 2 * MARGIN);
  const height = first.frame.rows.length * CELL_HEIGHT + 2 * MARGIN;
  const total = scenes.reduce((sum, scene) => sum + scene.seconds, 0);
  let start = 0;
  const parts = scenes.map(({ frame, seconds }, at) => {
    const from = (start / total) * 100;
    start += seconds;
    const rule = appearance(at, from, (start / total) * 100, total);
    return { rule, body: `<g class="s s${at}">\n${frame.rows.map(rowSvg).join("")}</g>` };
  });
  const isStill = scenes.length === 1;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escapeXml(title)}">
<title>${escapeXml(title)}</title>
<style>text{font:${FONT_SIZE}px ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}.b{font-weight:bold}
${isStill ? "" : parts.map(({ rule }) => rule).join("\n")}</style>
<rect width="${width}" height="${height}" rx="8" fill="${PAPER}"/>
<g transform="translate(${MARGIN} ${MARGIN})">
${parts.map(({ body }) => body).join("\n")}
</g>
</svg>
`;
}

/** Shown from one moment to the next. Those who want no motion see the last scene. */
function appearance(at: number, from: number, to: number, total: number): string {
  const [a, b] = [from.toFixed(2), to.toFixed(2)];
  const keyframes =
    at === 0
      ? `0%{opacity:1}${b}%{opacity:0}100%{opacity:0}`
      : `0%{opacity:0}${a}%{opacity:1}${b}%{opacity:${to >= 100 ? 1 : 0}}100%{opacity:${to >= 100 ? 1 : 0}}`;
  return `.s${at}{animation:k${at} ${total}s step-end infinite}@keyframes k${at}{${keyframes}}`;
}

function rowSvg(runs: readonly Run[], row: number): string {
  const y = row * CELL_HEIGHT;
  const papers = runs.filter(({ paper }) => paper !== undefined && paper !== PAPER);
  const inks = runs.flatMap(wordsOf);
  const lines = [
    ...papers.map(
      ({ column, cells, paper }) =>
        `<rect x="${at(column)}" y="${y}" width="${at(cells)}" height="${CELL_HEIGHT}" fill="${paper}"/>`,
    ),
    ...inks.map(({ text, column, cells, ink, isBold }) => {
      const bold = isBold ? ' class="b"' : "";
      // The length is given, so that columns stay columns in whatever font is there.
      return `<text x="${at(column)}" y="${y + FONT_SIZE}" textLength="${at(cells)}" lengthAdjust="spacingAndGlyphs" fill="${ink}"${bold}>${escapeXml(text)}</text>`;
    }),
  ];
  return lines.length === 0 ? "" : `${lines.join("")}\n`;
}

/** Without the gaps: not every viewer keeps more than one space. */
function wordsOf(run: Run): Run[] {
  return [...run.text.matchAll(/\S+(?: \S+)*/g)].map((match) => ({
    ...run,
    text: match[0],
    column: run.column + Bun.stringWidth(run.text.slice(0, match.index)),
    cells: Bun.stringWidth(match[0]),
  }));
}

function at(cells: number): string {
  return String(Number((cells * CELL_WIDTH).toFixed(1)));
}

function escapeXml(text: string): string {
  return Bun.escapeHTML(text);
}
