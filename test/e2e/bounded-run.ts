import type { e2eMachine, Run, RunOptions } from "./machine.ts";

/** The result of a run with a time limit, and whether the limit ended it. */
export interface BoundedRun extends Run {
  wasStopped: boolean;
}

export interface BoundedOptions extends RunOptions {
  limitMs: number;
}

type Machine = ReturnType<typeof e2eMachine>;

/** Kills orouter after a time: an endless run must fail its own test, not delay the others. */
export async function boundedRun(
  machine: Machine,
  args: readonly string[],
  options: BoundedOptions,
): Promise<BoundedRun> {
  const child = machine.startOrouter(args, options);
  let wasStopped = false;
  // orouter's guard ends opencode when orouter is gone, so that nothing is left running.
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
