import type { Figure } from "./figures.ts";
import type { LoadProcess } from "./load-process.ts";
import { cpuMicros, memoryMb } from "./process-cost.ts";
import type { Target } from "./targets.ts";

/** What one target did in one round; what was not measured is not there. */
export interface Sample {
  p50?: number;
  p99?: number;
  /** Requests or MB a second. */
  rate?: number;
  /** Microseconds of the target's processor time, a request (or for all of it where there is one). */
  cpu?: number;
  /** Microseconds that the second scene took longer than the first. */
  cost?: number;
  idleMb?: number;
  peakMb?: number;
}

const LOOK_EVERY_MS = 50;

/** Has one target do the work of a figure once. */
export async function measure(figure: Figure, target: Target, load: LoadProcess): Promise<Sample> {
  const { pid, port, token } = target;
  const { work } = figure;
  const idleMb = pid === undefined ? undefined : memoryMb(pid);
  let peakMb = idleMb;
  const looking = setInterval(() => {
    if (pid !== undefined) peakMb = Math.max(peakMb ?? 0, memoryMb(pid));
  }, LOOK_EVERY_MS);
  const fromCpu = pid === undefined ? 0 : cpuMicros(pid);
  const medians: number[] = [];
  let sample: Sample = {};
  for (const scene of figure.scenes) {
    const { samples, rate } = await load.run({ ...work, port, token, path: `/${scene}/v1/chat/completions` });
    const p50 = percentile(samples, 50);
    medians.push(p50);
    sample = rate === undefined ? { p50, p99: percentile(samples, 99) } : { rate };
  }
  clearInterval(looking);
  const [clean = 0, other] = medians;
  if (other !== undefined) sample.cost = other - clean;
  if (pid === undefined || idleMb === undefined || peakMb === undefined) return sample;
  const requests = figure.scenes.length * (work.kind === "streams" || work.kind === "bulk" ? 1 : work.count);
  const cpu = (cpuMicros(pid) - fromCpu) / requests;
  return { ...sample, cpu, idleMb, peakMb };
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100));
  return sorted[at] ?? Number.NaN;
}
