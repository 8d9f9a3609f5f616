import { coarseAfter } from "./coarse-timer.ts";

/** Clock and dice, so that a test can hold them. */
export interface Chance {
  nowMs: () => number;
  random: () => number;
  /** Calls back once after that time; what it returns calls it off. The usual timer when left out. */
  after?: (ms: number, call: () => void) => () => void;
}

/** The longest time a timer takes; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** From here on a twentieth of a second more or less is nobody's concern, and the timers are those of silences. */
const COARSE_FROM_MS = 3000;

/** The process's own timer. */
export function realAfter(ms: number, call: () => void): () => void {
  if (ms >= COARSE_FROM_MS) return coarseAfter(Math.min(ms, LONGEST_TIMER_MS), call);
  const timer = setTimeout(call, Math.max(0, ms));
  return () => clearTimeout(timer);
}
