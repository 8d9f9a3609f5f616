import { newsIn, type RouterClient, type RouterNews, type RouterState } from "./router-client.ts";
import { nextEnd } from "./words.ts";

export interface FeedListener {
  /** Connected, for the first time or again; events in between are lost. */
  onOpen: () => void;
  /** Undefined if the event only says that the state has changed. */
  onEvent: (news: RouterNews | undefined) => void;
  /** The proxy cannot be reached: the first reconnect has failed. */
  onLost: () => void;
}

/** Pauses between reconnects; the last one repeats, so that a dead proxy costs next to nothing. */
const PAUSES_MS = [300, 1000, 2000, 5000, 10_000, 30_000];

/** The proxy sends something every 15 seconds; three times that without a byte means a dead connection. */
const SILENCE_MS = 45_000;

/** The proxy is on the same machine, so a slower answer means that it is stuck. */
const OPENING_MS = 5000;

/** Reads the proxy's events until the signal ends it, and reconnects as often as needed. */
export async function follow(
  client: RouterClient,
  listener: FeedListener,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await listen(client, signal, {
        ...listener,
        onOpen: () => {
          failures = 0;
          listener.onOpen();
        },
      });
    } catch {
      // Every failure leads to a pause and another attempt.
    }
    // Do not report a connection that is back at the next attempt.
    if (failures === 1 && !signal.aborted) listener.onLost();
    await pause(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 0, signal);
  }
}

async function listen(client: RouterClient, signal: AbortSignal, listener: FeedListener): Promise<void> {
  const broken = new AbortController();
  let silence = setTimeout(() => broken.abort(), OPENING_MS);
  try {
    const bytes = await client.events(AbortSignal.any([signal, broken.signal]));
    listener.onOpen();
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of bytes) {
      clearTimeout(silence);
      silence = setTimeout(() => broken.abort(), SILENCE_MS);
      const blocks = (text + decoder.decode(chunk, { stream: true })).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        // The feed writes one line of data per event; comments have none.
        if (block.startsWith("data: ")) listener.onEvent(newsIn(block.slice("data: ".length)));
      }
    }
  } finally {
    clearTimeout(silence);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}

export interface Refresher {
  now: (isOwnDoing: boolean) => Promise<void>;
  /** After a short delay: events come in bursts, and one fetch after a burst is enough. */
  soon: () => void;
}

export interface RefresherOptions {
  look: () => Promise<RouterState>;
  /** Gets the new state, and whether this plugin caused the change. */
  take: (state: RouterState, isOwnDoing: boolean) => void;
  signal: AbortSignal;
}

const SOON_MS = 100;

/** Split longer timers: the machine may have slept. */
const LONGEST_MS = 10 * 60_000;

export function refresher({ look, take, signal }: RefresherOptions): Refresher {
  let isDue = false;
  let atEnd: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(atEnd), { once: true });

  const now = async (isOwnDoing: boolean): Promise<void> => {
    const state = await look();
    if (signal.aborted) return;
    take(state, isOwnDoing);
    // The proxy sends no event when a cooldown ends.
    clearTimeout(atEnd);
    const end = nextEnd(state);
    if (end !== undefined) atEnd = setTimeout(soon, Math.min(end - state.now, LONGEST_MS));
  };
  const soon = (): void => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      // The feed reports a proxy that does not answer.
      now(false).catch(() => {});
    }, SOON_MS);
  };
  return { now, soon };
}
