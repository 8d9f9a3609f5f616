import { EXIT, Problem } from "../core/problem.ts";

/** A failure as it is told to a person: what happened, then what to do next. A bug keeps its stack; nothing else does. */
export function failureText(error: unknown): string {
  if (error instanceof Problem) {
    // Many a message begins with the command it is about: it says whose it is by itself.
    const head = error.message.startsWith("orouter ") ? error.message : `orouter: ${error.message}`;
    return error.fix === undefined ? head : `${head}\n${error.fix}`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `orouter: this is a bug in orouter, please report it.\n${stack}`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof Problem ? error.exit : EXIT.failed;
}
