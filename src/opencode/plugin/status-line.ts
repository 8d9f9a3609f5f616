import { formatClock } from "../../core/clock-text.ts";
import type { ControlState } from "../../core/routing/control-state.ts";
import { shortModel } from "./words.ts";

/** Beside opencode's own words on the line there is room for about this much. */
const MAX_MODEL = 24;

/** The quiet line beside the prompt: who answered last, and when the next rest ends. */
export function statusLine(state: ControlState | undefined): string {
  if (state === undefined) return "";
  const parts = state.last === null ? [] : [state.last.key, clipped(shortModel(state.last.model))];
  const end = nextEnd(state);
  if (end !== undefined) parts.push(`rest ends ${formatClock(end, state.now)}`);
  return parts.join(" · ");
}

/** When the first of the rests ends. */
export function nextEnd({ rests, now }: ControlState): number | undefined {
  const ends = rests.flatMap(({ untilMs }) => (untilMs !== null && untilMs > now ? [untilMs] : []));
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function clipped(model: string): string {
  return model.length > MAX_MODEL ? `${model.slice(0, MAX_MODEL - 1)}…` : model;
}
