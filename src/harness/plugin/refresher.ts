import type { ControlState } from "../../core/routing/control-state.ts";
import { nextEnd } from "./status-line.ts";

/** Looks again at how everything stands. */
export interface Refresher {
  now: (isOwnDoing: boolean) => Promise<void>;
  /** A moment from now: changes come in bursts, and one look after them is enough. */
  soon: () => void;
}

export interface RefresherOptions {
  look: () => Promise<ControlState>;
  /** Given what was seen, and whether what has changed was done from here. */
  take: (state: ControlState, isOwnDoing: boolean) => void;
  signal: AbortSignal;
}

const SOON_MS = 100;

/** A timer for longer than this is set anew in between: a machine may have slept. */
const LONGEST_MS = 10 * 60_000;

export function refresher({ look, take, signal }: RefresherOptions): Refresher {
  let isDue = false;
  let atEnd: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(atEnd), { once: true });

  const now = async (isOwnDoing: boolean): Promise<void> => {
    const state = await look();
    if (signal.aborted) return;
    take(state, isOwnDoing);
    // The end of a rest is no event: the proxy has nothing to do then.
    clearTimeout(atEnd);
    const end = nextEnd(state);
    if (end !== undefined) atEnd = setTimeout(soon, Math.min(end - state.now, LONGEST_MS));
  };
  const soon = (): void => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      // Whoever does not answer here is missed by the feed as well, and that tells of it.
      now(false).catch(() => {});
    }, SOON_MS);
  };
  return { now, soon };
}
