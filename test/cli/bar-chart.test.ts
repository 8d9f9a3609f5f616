import { expect, test } from "bun:test";
import { barChartText } from "../../src/cli/chart.ts";
import { PLAIN_PAINT, paintOf } from "../../src/cli/colour.ts";

const BARS = [
  { label: "work/fast:20b", value: 50, text: "50" },
  { label: "work/模型-甲", value: 100, text: "100" },
  { label: "nvidia/a-very-long-name/of-a-model:405b", value: 0.01, text: "0.0" },
  { label: "work/none", value: undefined, text: "—" },
];

const chartAt = (width: number): string[] =>
  barChartText(
    { title: "Speed", hint: "longer is better", bars: BARS, tone: "good" },
    { width, paint: PLAIN_PAINT },
  ).split("\n");

test.each([40, 60, 80, 140])(
  "no line is wider than %i columns, and all bars begin and end in one place",
  (width) => {
    const [title = "", ...lines] = chartAt(width);
    expect(title).toBe("Speed  (longer is better)");
    expect(new Set(lines.map((line) => Bun.stringWidth(line))).size).toBe(1);
    expect(Bun.stringWidth(lines[0] ?? "")).toBeLessThanOrEqual(width);
    const starts = lines.flatMap((line) => {
      const at = line.search(/[█▏]/);
      return at < 0 ? [] : [Bun.stringWidth(line.slice(0, at))];
    });
    expect(new Set(starts).size).toBe(1);
  },
);

test("bars are in proportion, and what is there at all is seen", () => {
  const lengths = chartAt(80)
    .slice(1)
    .map((line) => line.match(/█/g)?.length ?? 0);
  expect(lengths[1]).toBe((lengths[0] ?? 0) * 2);
  expect(chartAt(80)[3]).toContain("▏");
  expect(chartAt(80)[4]).toMatch(/^work\/none +—$/);
});

test("of a long name both ends stay", () => {
  expect(chartAt(40)[3]).toMatch(/^nvidia\/a\S*…\S*:405b /);
});

test("colours change nothing of the room", () => {
  const chart = { title: "Speed", hint: "longer is better", bars: BARS, tone: "good" } as const;
  const coloured = barChartText(chart, { width: 80, paint: paintOf(undefined, 16) });
  expect(coloured).toContain("\x1b[");
  expect(Bun.stripANSI(coloured)).toBe(chartAt(80).join("\n"));
});
