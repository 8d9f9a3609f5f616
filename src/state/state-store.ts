import type { BenchResult } from "../core/bench/results.ts";
import type { Problem } from "../core/problem.ts";
import type { Rest } from "../core/routing/rest.ts";
import type { RouterEvent } from "../core/routing/router-event.ts";
import type { LedgerEntry, LedgerFilter } from "./ledger.ts";
import type { KeyUsage } from "./usage.ts";

/** Where the state is kept, and how much of it. */
export interface StateOptions {
  file: string;
  ledgerDays: number;
  ledgerRows: number;
  /** Every secret of this run: none of them is ever written, whoever repeats it. Asked for anew at each writing. */
  readonly secrets: readonly string[];
  /** Told once of each kind of trouble with the file. Nothing else comes of it. */
  onTrouble: (problem: Problem) => void;
  nowMs?: () => number;
}

/** What other processes have learned since the last time. */
export interface OthersNews {
  rests: Rest[];
  cleared: string[];
}

/** What all orouter processes of a user know together, and the ledger of their requests. No method throws. */
export interface StateStore {
  /** The rests known when the store was opened. */
  rests(): Rest[];
  /** Keeps what matters of an event. It is written a moment later, not now. */
  note(event: RouterEvent): void;
  /** Tells what other processes write, until the returned function is called. */
  watch(onNews: (news: OthersNews) => void): () => void;
  /** Requests of all processes, the newest first. */
  requests(filter: LedgerFilter): LedgerEntry[];
  /** What each key has done in requests that began since then, the busiest first. */
  usageSince(sinceMs: number): KeyUsage[];
  /** Keeps what a benchmark has found, in place of what it found the last time. */
  saveBench(result: BenchResult): void;
  /** The last result of each model, by the models' names. */
  benches(): BenchResult[];
  /** Writes what is waiting, now. */
  flush(): void;
  /** Writes what is waiting and lets go of the file. */
  close(): void;
}
