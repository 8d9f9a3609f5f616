/** Timers that are due within the same step fire together. */
const STEP_MS = 50;

/** Callbacks by the step they are due in. Each has its own set, so that cancelling is cheap. */
const steps = new Map<number, Set<() => void>>();
let armedFor = Number.POSITIVE_INFINITY;
let timer: ReturnType<typeof setTimeout> | undefined;

/**
 * May fire one step late, but is nearly free: every request sets timers against silence and cancels nearly all of them.
 * The process's timers cost several microseconds each.
 */
export function coarseAfter(ms: number, call: () => void): () => void {
  const step = Math.ceil((performance.now() + ms) / STEP_MS);
  // A separate function per call, even if the same callback is passed twice.
  const own = (): void => call();
  const calls = steps.get(step) ?? new Set();
  steps.set(step, calls.add(own));
  if (step < armedFor) arm(step);
  return () => {
    calls.delete(own);
  };
}

function arm(step: number): void {
  clearTimeout(timer);
  armedFor = step;
  timer = setTimeout(fire, Math.max(0, step * STEP_MS - performance.now()));
  // Cancelled callbacks leave the timer running; it must not keep the process alive.
  timer.unref();
}

function fire(): void {
  armedFor = Number.POSITIVE_INFINITY;
  const nowStep = Math.floor(performance.now() / STEP_MS);
  // In the order in which they are due; new ones are in the future.
  const due = [...steps.keys()].filter((step) => step <= nowStep).sort((a, b) => a - b);
  for (const step of due) {
    const calls = steps.get(step) ?? [];
    steps.delete(step);
    for (const call of calls) call();
  }
  armNext();
}

/** No timer is left for steps whose callbacks were all cancelled. */
function armNext(): void {
  let next = Number.POSITIVE_INFINITY;
  for (const [step, calls] of steps) {
    if (calls.size === 0) steps.delete(step);
    else next = Math.min(next, step);
  }
  if (next < armedFor) arm(next);
}

/** Clock, random numbers and timers, so that a test can control them. */
export interface Env {
  now: () => number;
  random: () => number;
  /** Calls back once after this time; the returned function cancels it. Default: the usual timer. */
  after?: (ms: number, call: () => void) => () => void;
}

/** The longest delay of a timer; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** From this delay on 50 ms more do not matter; nearly all of these timers watch for silence and are cancelled. */
const COARSE_FROM_MS = 3000;

export function realAfter(ms: number, call: () => void): () => void {
  if (ms >= COARSE_FROM_MS) return coarseAfter(Math.min(ms, LONGEST_TIMER_MS), call);
  const timer = setTimeout(call, Math.max(0, ms));
  return () => clearTimeout(timer);
}
