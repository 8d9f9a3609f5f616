import type { Problem } from "../core/problem.ts";

/** A failure as it is told to a person: what happened, then what to do next. */
export function problemText(problem: Problem): string {
  const head = `orouter: ${problem.message}`;
  return problem.fix === undefined ? head : `${head}\n${problem.fix}`;
}

/** A bug keeps its stack; nothing else does. */
export function bugText(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `orouter: this is a bug in orouter, please report it.\n${stack}`;
}
