import type { Fault, Verdict } from "../verdict/verdict.ts";
import type { BenchResult } from "./bench-result.ts";

/** How far the benchmark of one model has come. */
export type BenchState =
  | { kind: "waiting" }
  | { kind: "running"; run: number; keyName: string; firstTokenMs: number | undefined; tokens: number }
  | { kind: "measured"; result: BenchResult }
  /** No run was answered; the refusals say why. */
  | { kind: "failed" }
  /** Nothing was sent. */
  | { kind: "skipped"; why: string }
  /** Stopped by the person before any run was over. */
  | { kind: "interrupted" };

/** A call that was not answered, with the name of its key. */
export interface Refusal {
  keyName: string;
  verdict: Verdict;
}

/** One model in a benchmark, with what went wrong on the way, the oldest first. */
export interface ModelBench {
  model: string;
  state: BenchState;
  refusals: readonly Refusal[];
  /** Keys that were left alone, since they rest. */
  skippedKeys: readonly SkippedKey[];
}

export interface SkippedKey {
  keyName: string;
  why: string;
}

/** What a refusal means for the runs that are left: whether another key, or another try, may do better. */
export function afterRefusal(fault: Fault): "other-key" | "next-run" | "give-up" {
  switch (fault) {
    case "lane":
    case "key":
      return "other-key";
    case "attempt":
      return "next-run";
    case "request":
    case "path":
    case "model":
    case "provider":
      return "give-up";
  }
}
