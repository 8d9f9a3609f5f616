import { existsSync } from "node:fs";
import path from "node:path";
import { usageProblem } from "../../cli/usage-problem.ts";
import { writeFileAtomic } from "../../config/write-file.ts";
import type { BenchResult } from "../../core/bench/bench-result.ts";
import { benchChart } from "../../core/bench/chart.ts";
import { chartSvg } from "../../core/bench/chart-svg.ts";
import { EXIT, Problem } from "../../core/problem.ts";

const PATH = ["orouter", "bench"];

/** An SVG's own mark stands in front of everything but a comment or two. */
const HEAD_BYTES = 4096;

/** Stops before anything is sent where the chart could not be written, or would take the place of something else. */
export async function checkChartFile(file: string): Promise<void> {
  if (!file.toLowerCase().endsWith(".svg"))
    throw usageProblem(`--save-chart writes an SVG, so ${JSON.stringify(file)} should end in .svg.`, PATH);
  const folder = path.dirname(path.resolve(file));
  if (!existsSync(folder)) {
    throw new Problem({
      code: "no-folder",
      what: `There is no folder ${folder} for the chart.`,
      fix: "Make it first, or name another place.",
      exit: EXIT.usage,
    });
  }
  if (!existsSync(file)) return;
  // What cannot be read, a folder for one, is nothing to write over either.
  const head = await Bun.file(file)
    .slice(0, HEAD_BYTES)
    .text()
    .catch(() => "unread");
  if (head.trim() === "" || head.includes("<svg")) return;
  throw new Problem({
    code: "not-a-chart",
    what: `${file} is there and is no SVG, so it is left as it is.`,
    fix: "Name another file.",
    exit: EXIT.usage,
  });
}

/** Writes the results as a picture; whoever looks at the file meanwhile sees the old one or the new one. */
export async function saveChart(file: string, results: readonly BenchResult[]): Promise<void> {
  const runs = Math.max(...results.map((result) => result.runs));
  const day = new Date(Math.max(...results.map((result) => result.atMs))).toISOString().slice(0, 10);
  const of = runs === 1 ? "one run" : `median of ${runs} runs, with the quickest and the slowest`;
  const mark = results.some((result) => result.isEstimated) ? "; ~ tokens counted by characters" : "";
  const svg = chartSvg(benchChart(results), { title: "orouter bench", subtitle: `${day}, ${of}${mark}` });
  await writeFileAtomic(file, svg);
}
