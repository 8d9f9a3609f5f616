/** Clock and dice, so that a test can hold them. */
export interface Chance {
  nowMs: () => number;
  random: () => number;
  /** Calls back once after that time; what it returns calls it off. The usual timer when left out. */
  after?: (ms: number, call: () => void) => () => void;
}

/** The longest time a timer takes; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The process's own timer. */
export function realAfter(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
  return () => clearTimeout(timer);
}
