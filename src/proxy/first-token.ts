import type { AttemptOptions } from "./attempt-outcome.ts";
import { wantsStream } from "./model-request.ts";

/** The watch over a call that has not said anything yet. */
export interface FirstTokenWatch {
  /** Sign of life that does not count as a token, but shows that one is on its way. */
  progressed: () => void;
  stop: () => void;
  /** Whether the call was given up for its silence. */
  hasFired: () => boolean;
}

/** How often, in parts of the limit, a silent call is looked at again while there is nowhere else to go. */
const LOOKS = 4;

/** A whole answer comes in one piece at its end: its silence is given so many times the limit. */
const WHOLE_ANSWER = 4;

/** Whether to ask elsewhere costs nothing but time: what an unknown endpoint has begun may be paid for twice. */
function mayAskElsewhere({ dialect, method }: AttemptOptions["request"]): boolean {
  return dialect !== undefined || method === "GET" || method === "HEAD";
}

/**
 * Gives up a silent call once its time is over and another lane is free. Without one it may take longer, but not for
 * ever: a connection that is dead without a word would never end by itself.
 */
export function watchFirstToken(options: AttemptOptions, giveUp: () => void): FirstTokenWatch {
  const { firstTokenMs, silenceLimitMs, chance, request } = options;
  let hasFired = false;
  let sinceMs = chance.nowMs();
  const look = (): void => {
    const nowMs = chance.nowMs();
    // Not before there is a silence: to find out what was asked for means reading through the request.
    const times = wantsStream(request) ? 1 : WHOLE_ANSWER;
    const limitMs = firstTokenMs * times;
    // A clock that was set back would have it wait for the difference, too.
    sinceMs = Math.min(nowMs, Math.max(sinceMs, options.crowdedUntilMs()));
    const leftMs = sinceMs + limitMs - nowMs;
    const lastMs = sinceMs + Math.max(silenceLimitMs * times, limitMs) - nowMs;
    if (lastMs <= 0 || (leftMs <= 0 && mayAskElsewhere(request) && options.mayMoveOn())) {
      hasFired = true;
      giveUp();
      return;
    }
    stop = chance.after(Math.min(lastMs, leftMs > 0 ? leftMs : limitMs / LOOKS), look);
  };
  let stop = chance.after(firstTokenMs, look);
  return {
    progressed: () => {
      sinceMs = chance.nowMs();
    },
    stop: () => stop(),
    hasFired: () => hasFired,
  };
}
