import { formatClock } from "../../core/clock-text.ts";
import { counted } from "../../core/counted.ts";
import type { Key } from "../../core/key.ts";
import { keyTitle } from "../../core/key.ts";
import { keyReadiness, lastingRests } from "../../core/routing/readiness.ts";
import type { Rest } from "../../core/routing/rest.ts";
import { verdictWords } from "../../core/verdict/verdict-words.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";
import type { Patient } from "./patient.ts";

const CHECK = "keys";

/** Whether there is a key to work with, and which of them do not work at the moment. */
export function checkKeys({ keys }: Pick<Patient, "keys">, rests: readonly Rest[], nowMs: number): Finding[] {
  // Why they could not be read has been told.
  if (keys === undefined) return [];
  const usable = keys.filter((key) => key.enabled);
  if (keys.length === 0)
    return [
      wrong(CHECK, "There is no key anywhere.", "orouter keys add ollama-cloud (or nvidia, openrouter, …)"),
    ];
  if (usable.length === 0)
    return [wrong(CHECK, `All ${keys.length} keys are disabled.`, "orouter keys enable NAME")];
  const lasting = lastingRests(rests, nowMs);
  const dead: Finding[] = [];
  const resting: Finding[] = [];
  for (const key of usable) {
    const state = keyReadiness(key, lasting);
    if (state.kind === "dead") dead.push(deadFinding(key, state.rest));
    if (state.kind === "rests") {
      const until = formatClock(state.rest.untilMs, nowMs);
      const what = `${keyTitle(key)} rests until ${until}: ${verdictWords(state.rest.kind)}.`;
      resting.push(note(CHECK, what, `To try it at once: orouter keys reset ${keyTitle(key)}`));
    }
  }
  const ready = usable.length - dead.length - resting.length;
  const providers = new Set(usable.map((key) => key.provider)).size;
  const count = `${ready} of ${usable.length} ready, of ${counted(providers, "provider")}`;
  const overall =
    ready > 0
      ? ok(CHECK, `${count}; orouter keys test tries each`)
      : wrong(
          CHECK,
          `No key is ready: ${count}.`,
          "Add another one: orouter keys add PROVIDER; or see: orouter status",
        );
  return [overall, ...dead, ...resting];
}

function deadFinding(key: Key, rest: Rest): Finding {
  const title = keyTitle(key);
  return wrong(
    CHECK,
    `${title} is dead: ${verdictWords(rest.kind)}.`,
    `See what the provider says: orouter keys test ${title}; if the key is good: orouter keys reset ${title}; a new one: orouter keys add ${key.provider}`,
  );
}
