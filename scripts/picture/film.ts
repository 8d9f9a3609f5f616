import { type Frame, PAPER, type Run } from "./frame.ts";

const CELL_WIDTH = 8.4;
const CELL_HEIGHT = 18;
const FONT_SIZE = 14;
const MARGIN = 16;

/** A moment of the film, and how long it is shown. */
export interface Scene {
  frame: Frame;
  seconds: number;
}

/** One line above the film: a key, and how the provider answered it. */
export interface KeyLine {
  key: string;
  isGood: boolean;
  words: string;
}

const KEY_LINE_HEIGHT = 24;
const GOOD = "#98c379";
const BAD = "#e06c75";
const MUTED = "#8a8f98";

/**
 * An SVG that shows the key lines all the time and the scenes in turn. It contains no script and no font. With
 * `prefers-reduced-motion`, and in viewers without animations, the first scene is shown.
 */
export function filmSvg(keyLines: readonly KeyLine[], scenes: readonly Scene[], title: string): string {
  const [first] = scenes;
  if (first === undefined) throw new Error("a film needs a scene");
  const width = Math.ceil(first.frame.cols * CELL_WIDTH + 2 * MARGIN);
  const top = keyLines.length * KEY_LINE_HEIGHT + MARGIN;
  const height = top + first.frame.rows.length * CELL_HEIGHT + 2 * MARGIN;
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
.s{opacity:0}.s0{opacity:1}
${isStill ? "" : parts.map(({ rule }) => rule).join("\n")}
@media (prefers-reduced-motion:reduce){.s{animation:none}}</style>
<rect width="${width}" height="${height}" rx="8" fill="${PAPER}"/>
<g transform="translate(${MARGIN} ${MARGIN})">
${keyLines.map(keyLineSvg).join("\n")}
</g>
<g transform="translate(${MARGIN} ${top + MARGIN})">
${parts.map(({ body }) => body).join("\n")}
</g>
</svg>
`;
}

function keyLineSvg({ key, isGood, words }: KeyLine, row: number): string {
  const y = row * KEY_LINE_HEIGHT + FONT_SIZE;
  const colour = isGood ? GOOD : BAD;
  const sign = isGood ? "M0 5.5l3.5 3.5l6.5-8" : "M1 1l8 8m0-8l-8 8";
  const next = isGood ? "" : "next key";
  return (
    `<text x="${at(1)}" y="${y}" fill="${MUTED}">key</text>` +
    `<text x="${at(5)}" y="${y}" fill="#ffffff">${escapeXml(key)}</text>` +
    // Drawn, because not every font has the signs.
    `<path transform="translate(${at(14)} ${y - 10})" d="${sign}" fill="none" stroke="${colour}" stroke-width="2"/>` +
    `<text x="${at(17)}" y="${y}" fill="${colour}">${escapeXml(words)}</text>` +
    `<text x="${at(46)}" y="${y}" fill="${MUTED}">${next}</text>`
  );
}

/** Shows a scene from one moment to the next. */
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
  const shapes = runs.flatMap(shapesOf);
  const inks = runs.flatMap(wordsOf);
  const lines = [
    ...papers.map(
      ({ column, cells, paper }) =>
        `<rect x="${at(column)}" y="${y}" width="${at(cells)}" height="${CELL_HEIGHT}" fill="${paper}"/>`,
    ),
    ...shapes.map(
      ({ path, column, ink }) =>
        `<path transform="translate(${at(column)} ${y})" d="${path}" fill="${ink}"/>`,
    ),
    ...inks.map(({ text, column, cells, ink, isBold }) => {
      const bold = isBold ? ' class="b"' : "";
      // With a fixed length, columns stay aligned in every font.
      return `<text x="${at(column)}" y="${y + FONT_SIZE}" textLength="${at(cells)}" lengthAdjust="spacingAndGlyphs" fill="${ink}"${bold}>${escapeXml(text)}</text>`;
    }),
  ];
  return lines.length === 0 ? "" : `${lines.join("")}\n`;
}

/** Characters that many fonts lack or draw too small for a terminal cell, as paths in a cell of 8.4 × 18. */
const SHAPES: Readonly<Record<string, string>> = {
  "┃": "M3.2 0h2v18h-2z",
  "╹": "M3.2 0h2v9h-2z",
  "╻": "M3.2 9h2v9h-2z",
  "█": "M0 0h8.4v18h-8.4z",
  "▀": "M0 0h8.4v9h-8.4z",
  "▄": "M0 9h8.4v9h-8.4z",
  "■": "M.7 5.5h7v7h-7z",
  "⬝": "M2.7 7.5h3v3h-3z",
  "▣": "M.2 5h8v8h-8zM1.2 6v6h6v-6zM2.4 7.2h3.6v3.6h-3.6z",
  "❯": "M1.5 3.5h2l3.2 5.5l-3.2 5.5h-2l3.2-5.5z",
};

function shapesOf(run: Run): { path: string; column: number; ink: string }[] {
  return [...run.text].flatMap((character, offset) => {
    const path = SHAPES[character];
    return path === undefined ? [] : [{ path, column: run.column + offset, ink: run.ink }];
  });
}

const NOT_TEXT = new RegExp(`[${Object.keys(SHAPES).join("")}]`, "g");

/** The words of a run without gaps, because not every viewer keeps more than one space. */
function wordsOf(run: Run): Run[] {
  return [...run.text.replaceAll(NOT_TEXT, " ").matchAll(/\S+(?: \S+)*/g)].map((match) => ({
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
