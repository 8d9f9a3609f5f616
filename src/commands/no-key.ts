import type { Key } from "../core/key.ts";
import { EXIT, Problem } from "../core/problem.ts";

/** Stops where no key is switched on. */
export function requireKey(keys: readonly Key[]): void {
  if (!keys.some((key) => key.enabled)) throw noKey(keys.length);
}

/** Without a key there is nothing to route; the way to the first one is named. */
export function noKey(disabled: number): Problem {
  if (disabled > 0) {
    return new Problem({
      code: "no-key",
      what: `All ${disabled} keys are disabled.`,
      fix: "See them with: orouter keys list; and take one back with: orouter keys enable NAME",
      exit: EXIT.noKey,
    });
  }
  return new Problem({
    code: "no-key",
    what: "There is no key anywhere.",
    fix: [
      "In a terminal, be asked for all there is to know:  orouter setup",
      "Or pipe keys in, one a line:                       orouter keys add ollama-cloud --stdin < FILE",
      "Or set a variable that is known:                   export OLLAMA_API_KEY=…",
      "To see it work without any account:                orouter demo",
    ].join("\n"),
    exit: EXIT.noKey,
  });
}
