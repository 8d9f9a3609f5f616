import { formatClock } from "../../core/clock-text.ts";
import type { ControlState } from "../../core/routing/control-state.ts";
import type { Exhaustion } from "../../core/routing/exhaustion.ts";
import { NEVER_MS } from "../../core/routing/rest.ts";
import type { RouterEvent } from "../../core/routing/router-event.ts";
import { verdictWords } from "../../core/verdict/verdict-words.ts";
import { shortKey, shortModel } from "./words.ts";

/** One change that a person may want to hear of. */
export interface Notice {
  kind: "rotated" | "fell-back" | "back" | "exhausted" | "settings" | "proxy";
  variant: "info" | "success" | "warning" | "error";
  title: string;
  message: string;
  /** What holds after it, for the line that sums up several. */
  now: string;
}

/** The proxy has gone from under opencode. */
export const LOST: Notice = {
  kind: "proxy",
  variant: "warning",
  title: "orouter does not answer",
  message: "Its proxy is gone, so no model can be reached. It is tried again from time to time.",
  now: "",
};

export const FOUND: Notice = {
  kind: "proxy",
  variant: "success",
  title: "orouter is back",
  message: "Its proxy answers again.",
  now: "",
};

/** opencode has been asked to read its models again. */
export const MODELS_READ: Notice = {
  kind: "settings",
  variant: "info",
  title: "Models have changed",
  message: "opencode has read its list of models again.",
  now: "",
};

/** What an event has to say to a person, if anything. */
export function noticeOf(event: RouterEvent): Notice | undefined {
  switch (event.kind) {
    case "rotated":
      return {
        kind: "rotated",
        variant: "info",
        title: "Key changed",
        message: `${event.from}: ${verdictWords(event.why)}. Now on ${event.to}, for ${shortModel(event.model)}.`,
        now: `now on ${event.to}`,
      };
    case "fell-back":
      return fellBack(event);
    case "exhausted":
      return exhausted(event.exhaustion);
    case "settings-refused":
      return {
        kind: "settings",
        variant: "warning",
        title: "A changed file is not taken",
        message: event.what,
        now: event.what,
      };
    case "rested":
    case "cleared":
    case "key-changed":
    case "settings-taken":
    case "models-changed":
    case "finished":
      return undefined;
  }
}

function fellBack({ from, to, why }: Extract<RouterEvent, { kind: "fell-back" }>): Notice {
  const provider = providerOf(to);
  // The same model of two providers has the same name, or nearly.
  const now = `now on ${shortModel(to)}${provider === providerOf(from) ? "" : ` of ${provider}`}`;
  return {
    kind: "fell-back",
    variant: "warning",
    title: "Another model answers",
    message: `${shortModel(from)}: ${verdictWords(why)}. ${now.replace("n", "N")}.`,
    now,
  };
}

function providerOf(model: string): string {
  return model.slice(0, model.indexOf("/"));
}

/** The keys whose rests are over, by the states before and after: by time, by an answer, or by another hand than ours. */
export function backNotices(before: ControlState | undefined, after: ControlState): Notice[] {
  const still = new Set(after.rests.map(({ id }) => id));
  const usable = new Set(after.keys.flatMap((key) => (key.enabled ? key.fingerprint : [])));
  return (before?.rests ?? []).flatMap(({ id, key, fingerprint, model }) => {
    if (still.has(id) || key === null || fingerprint === null || !usable.has(fingerprint)) return [];
    const who = model === null ? shortKey(key) : `${shortKey(key)} for ${shortModel(model)}`;
    return {
      kind: "back",
      variant: "success",
      title: "Key is back",
      message: `${who}: the rest is over.`,
      now: who,
    } as const;
  });
}

function exhausted({ asked, atMs, keys }: Exhaustion): Notice {
  const ends = keys.flatMap(({ freeAtMs }) =>
    freeAtMs !== undefined && freeAtMs > atMs && freeAtMs < NEVER_MS ? [freeAtMs] : [],
  );
  const next =
    ends.length === 0
      ? "No key frees itself."
      : `The first is free again at ${formatClock(Math.min(...ends), atMs)}.`;
  return {
    kind: "exhausted",
    variant: "error",
    title: "All keys exhausted",
    message: `Nobody can answer for ${shortModel(asked)}. ${next}`,
    now: `nobody can answer for ${shortModel(asked)}`,
  };
}
