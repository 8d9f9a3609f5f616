import type { Router } from "./router.ts";

const encoder = new TextEncoder();

/** A comment now and then, so that a listener can tell a quiet router from one that is gone. */
const HEARTBEAT_MS = 15_000;

/** Events kept for a listener that is slow to read them; one that does not read at all is let go. */
const UNREAD_EVENTS = 1_000;

/** Everything that happens in the router, as it happens. */
export function eventFeed(router: Router, signal: AbortSignal): Response {
  let stop = (): void => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string): void => {
        controller.enqueue(encoder.encode(text));
        if ((controller.desiredSize ?? 0) > -UNREAD_EVENTS) return;
        stop();
        controller.close();
      };
      const unsubscribe = router.subscribe((event) => send(`data: ${JSON.stringify(event)}\n\n`));
      const heartbeat = setInterval(() => send(": still here\n\n"), HEARTBEAT_MS);
      stop = () => {
        clearInterval(heartbeat);
        unsubscribe();
      };
      signal.addEventListener("abort", stop, { once: true });
      send(": orouter\n\n");
    },
    cancel: () => stop(),
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}
