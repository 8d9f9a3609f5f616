import { Problem } from "../../core/problem.ts";

/** The answer to a question. Whoever leaves one leaves setup, and nothing has been written by then. */
export function answered<T>(answer: T | undefined): T {
  if (answer !== undefined) return answer;
  throw setupLeft();
}

/** What is said to somebody who leaves before the end. */
export function setupLeft(): Problem {
  return new Problem({
    code: "setup-left",
    what: "You have left setup; nothing was written.",
    fix: "Begin again with: orouter setup",
  });
}
