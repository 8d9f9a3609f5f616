import { formatClock } from "../../core/clock-text.ts";
import type { ControlState } from "../../core/routing/control-state.ts";
import { shortModel } from "./words.ts";

/** Fewer letters of a model than these say nothing. */
const LEAST_OF_MODEL = 8;

const BETWEEN = " · ";

/**
 * The quiet line beside the prompt: who answered last, and when the next rest ends. Where the room is short the model is
 * what gives way: opencode names the one that was asked on the same line.
 */
export function statusLine(state: ControlState | undefined, room: number): string {
  if (state === undefined) return "";
  const end = nextEnd(state);
  const ending = end === undefined ? [] : [`rest ends ${formatClock(end, state.now)}`];
  if (state.last === null) return ending.join(BETWEEN);
  const { key, model } = state.last;
  const left = room - [key, "", ...ending].join(BETWEEN).length;
  const shown = left < LEAST_OF_MODEL ? [] : [clipped(shortModel(model), left)];
  return [key, ...shown, ...ending].join(BETWEEN);
}

/** opencode's prompt is no wider than this at home, its sidebar takes this much of a wide session. */
const HOME_PROMPT = 75;
const SIDEBAR = 42;
const WIDE = 120;

/** The frame of the prompt, and opencode's own words on the line: agent, model and provider. */
const TAKEN = 46;

/** About how many letters there is room for beside opencode's own words. */
export function lineRoom(place: "home" | "session", columns: number): number {
  const session = columns > WIDE ? columns - SIDEBAR : columns;
  return (place === "home" ? Math.min(columns, HOME_PROMPT) : session) - TAKEN;
}

/** When the first of the rests ends; those of keys that are no longer there are nobody's. */
export function nextEnd({ rests, now }: ControlState): number | undefined {
  const ours = rests.filter(({ fingerprint, key }) => fingerprint === null || key !== null);
  const ends = ours.flatMap(({ untilMs }) => (untilMs !== null && untilMs > now ? [untilMs] : []));
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function clipped(model: string, length: number): string {
  return model.length > length ? `${model.slice(0, length - 1)}…` : model;
}
