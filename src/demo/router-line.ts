import { formatWait } from "../core/clock-text.ts";
import type { AttemptRecord, RequestRecord } from "../core/routing/request-record.ts";
import { NEVER_MS, type Rest } from "../core/routing/rest.ts";
import { restParty } from "../core/routing/rest-party.ts";
import type { RouterEvent } from "../core/routing/router-event.ts";
import { verdictWords } from "../core/verdict/verdict.ts";

/** What the router did about a call, in one line of the story; undefined where it says nothing new. */
export function routerLine(event: RouterEvent, nowMs: number): string | undefined {
  switch (event.kind) {
    case "rested":
      return event.rest.untilMs > nowMs ? restLine(event.rest, event.keyName, nowMs) : undefined;
    case "exhausted":
      return "nothing is left to try: opencode is told why, once";
    case "finished":
      return endLine(event.record);
    // Told at the end of a request, when its calls have been told already.
    case "waiting":
    case "wait-ended":
    case "writing-call":
    case "rotated":
    case "fell-back":
    case "cleared":
    case "key-changed":
    case "settings-taken":
    case "models-changed":
    case "settings-refused":
      return undefined;
  }
}

function restLine(rest: Rest, keyName: string, nowMs: number): string {
  const { fingerprint, model, provider } = restParty(rest);
  const key = fingerprint === undefined ? undefined : `key ${keyName}`;
  const who = key ?? (model === undefined ? `all of ${provider}` : modelOf(model));
  const onWhat = key === undefined || model === undefined ? "" : ` on ${modelOf(model)}`;
  const howLong = rest.untilMs >= NEVER_MS ? "until it changes" : `for ${formatWait(rest.untilMs - nowMs)}`;
  return `${who} rests ${howLong}${onWhat}: ${verdictWords(rest.kind)}`;
}

function endLine({ outcome, served, keyName, attempts }: RequestRecord): string | undefined {
  switch (outcome) {
    case "served":
      return `answered by ${modelOf(served ?? "")} with key ${keyName}${hopsText(attempts)}`;
    case "broken":
      return "the answer broke off: opencode is asked to try again";
    case "passed-error":
      return "the provider's own refusal goes to opencode";
    case "client-gone":
      return "opencode went away before the answer was over";
    case "exhausted":
      return undefined;
  }
}

function hopsText(attempts: readonly AttemptRecord[]): string {
  return attempts.length < 2 ? "" : `, at try ${attempts.length}`;
}

/** There is one provider in a demo: its name in front of every model would only be noise. */
function modelOf(model: string): string {
  return model.slice(model.indexOf("/") + 1);
}
