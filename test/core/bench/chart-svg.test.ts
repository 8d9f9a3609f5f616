import { expect, test } from "bun:test";
import { benchChart, chartSvg } from "../../../src/core/bench/chart.ts";
import type { BenchResult } from "../../../src/core/bench/results.ts";

function resultOf(model: string, first: number, speed: number | undefined): BenchResult {
  return {
    model,
    atMs: 1,
    runs: 3,
    failed: 0,
    firstTokenMs: { median: first, min: first / 2, max: first * 2 },
    tokensPerSecond: speed === undefined ? undefined : { median: speed, min: speed, max: speed },
    isEstimated: false,
  };
}

const TEXT = { title: "speed", subtitle: "today" };

const svgOf = (...results: BenchResult[]): string => chartSvg(benchChart(results), TEXT);

/** In drawing order. */
function lengthsOf(svg: string, kind: "first" | "speed"): number[] {
  return [...svg.matchAll(new RegExp(`class="${kind}"[^>]* width="([\\d.]+)"`, "g"))].map(([, width]) =>
    Number(width),
  );
}

test("bars are as long as what they stand for, and the longest end fills the room", () => {
  const svg = svgOf(
    resultOf("a/one", 400, 50),
    resultOf("a/two", 100, 100),
    resultOf("a/three", 200, undefined),
  );
  const [one = 0, two = 0, three = 0] = lengthsOf(svg, "first");
  expect(one / two).toBeCloseTo(4, 1);
  expect(one / three).toBeCloseTo(2, 1);
  const [room = 0] = [...svg.matchAll(/class="track"[^>]* width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  );
  // The slowest run fills the width; the median of its model is half of that.
  expect(one / room).toBeCloseTo(0.5, 1);
  expect(lengthsOf(svg, "speed")).toEqual([room / 2, room]);
  expect(svg).toContain(">—</text>");
});

test("names are text, whatever is in them", () => {
  const svg = svgOf(resultOf(`a/<script>&"'\x1b[31m模型`, 100, 10));
  expect(svg).toContain("a/&lt;script&gt;&amp;&quot;&apos;\ufffd[31m模型</text>");
  expect(svg).not.toContain("<script");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML does not allow them
  expect(svg).not.toMatch(/[\x00-\x08\x0b-\x1f]/);
});

test("a long name is cut, and told in full to a pointer", () => {
  const name = `provider/${"模型".repeat(30)}`;
  const svg = svgOf(resultOf(name, 100, 10));
  expect(svg).toContain(`…<title>${name}</title></text>`);
});

test("the picture is whole by itself: one root, each element closed, no address, no script", () => {
  const svg = svgOf(resultOf("a/one", 400, 50), resultOf("b/two", 100, undefined));
  const open: string[] = [];
  for (const [, close, name = "", selfClosed] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (close === "/") expect(open.pop()).toBe(name);
    else if (selfClosed !== "/") open.push(name);
  }
  expect(open).toEqual([]);
  expect(svg.match(/https?:\/\/[^"]*/g)).toEqual(["http://www.w3.org/2000/svg"]);
  expect(svg).toContain("prefers-color-scheme: dark");
});
