/** The middle of several measurements, and how far they lie apart. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** What a benchmark has found out about one model. It is kept, and shown wherever models are chosen. */
export interface BenchResult {
  /** `provider/model`. */
  model: string;
  /** When it was measured. */
  atMs: number;
  /** Runs that were answered. */
  runs: number;
  /** Runs that were not. */
  failed: number;
  /** From the call to the first token, of text or of reasoning. */
  firstTokenMs: Spread;
  /** Undefined where the answers were too short, or came in one piece. */
  tokensPerSecond: Spread | undefined;
  /** Whether tokens were counted by characters, since the provider did not tell. */
  isEstimated: boolean;
}
