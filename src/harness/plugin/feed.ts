import type { RouterEvent } from "../../core/routing/router-event.ts";
import type { RouterClient } from "./router-client.ts";

/** What a listener hears. */
export interface FeedListener {
  /** Connected, for the first time or again: what happened meanwhile is not told. */
  onOpen: () => void;
  onEvent: (event: RouterEvent) => void;
  /** The proxy has been away for this long already, at the try that has just failed. */
  onLost: () => void;
}

/** Pauses between the tries, the last for good: a proxy that is gone costs next to nothing. */
const PAUSES_MS = [300, 1000, 2000, 5000, 10_000, 30_000];

/** The proxy says something every 15 seconds; three times that without a byte is a connection that is dead. */
const SILENCE_MS = 45_000;

/** It is on the same machine: what has not answered by now is stuck. */
const OPENING_MS = 5000;

/** Listens to the proxy's events until the signal ends it, however often the proxy goes and comes back. */
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
      // Whatever broke it: the pause below, and another try.
    }
    // A connection that breaks once and is there again at the next try is nobody's news.
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
        const event = eventIn(block);
        if (event !== undefined) listener.onEvent(event);
      }
    }
  } finally {
    clearTimeout(silence);
  }
}

/** Our own feed has one line of data in an event; comments have none. */
function eventIn(block: string): RouterEvent | undefined {
  return block.startsWith("data: ") ? (JSON.parse(block.slice("data: ".length)) as RouterEvent) : undefined;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
