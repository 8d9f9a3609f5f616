import { EXIT, Problem } from "../core/problem.ts";
import { looksLikeSecret } from "./looks-like-secret.ts";

/** A command called in a way it does not know; the help page is named. */
export function usageProblem(what: string, path: readonly string[]): Problem {
  return new Problem({ code: "usage", what, fix: `See: ${path.join(" ")} --help`, exit: EXIT.usage });
}

/** The same where it can be said what to do instead. */
export function usageFault(what: string, fix: string): Problem {
  return new Problem({ code: "usage", what, fix, exit: EXIT.usage });
}

/** A key among the words. It is told why that is bad, and never repeated. */
export function secretInWords(): Problem {
  return new Problem({
    code: "secret-in-arguments",
    what: "A key is never taken as an argument: it would stay in your shell's history and in the list of processes.",
    fix: [
      "Let orouter ask for it:   orouter keys add PROVIDER",
      "or pipe it, one a line:   orouter keys add PROVIDER --stdin < FILE",
      "or name a variable:       orouter keys add PROVIDER --env NAME",
      "If this was a real key, delete that line from your history.",
    ].join("\n"),
    exit: EXIT.usage,
  });
}

/** Whether one of the words, or the value behind its `=`, may be a key. */
export function holdsSecret(words: readonly string[]): boolean {
  return words.some((word) => word.split("=").some(looksLikeSecret) || looksLikeSecret(word));
}
