import type { e2eMachine, Run, RunOptions } from "./machine.ts";

/** A run that was given an end: what it left, and whether it had to be ended. */
export interface BoundedRun extends Run {
  wasStopped: boolean;
}

export interface BoundedOptions extends RunOptions {
  limitMs: number;
}

type Machine = ReturnType<typeof e2eMachine>;

/** Runs orouter and kills it after a time: a run without end must fail its test, not hold up the others. */
export async function boundedRun(
  machine: Machine,
  args: readonly string[],
  options: BoundedOptions,
): Promise<BoundedRun> {
  const child = machine.startOrouter(args, options);
  let wasStopped = false;
  // orouter's guard ends opencode when orouter is gone, so that nothing of the run is left behind.
  const limit = setTimeout(() => {
    wasStopped = true;
    child.kill("SIGKILL");
  }, options.limitMs);
  try {
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { stdout, stderr: Bun.stripANSI(stderr), exitCode: child.exitCode, wasStopped };
  } finally {
    clearTimeout(limit);
  }
}
