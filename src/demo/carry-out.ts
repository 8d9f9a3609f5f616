import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type BodyWriter, openBody } from "./body-writer.ts";
import type { Step } from "./step.ts";

/** A reset can overtake the bytes before it in the reader's kernel; this much later it does not. */
const SETTLE_MS = 20;

const KEEP_ALIVE = ": keep-alive\n\n";

export interface Connection {
  response: ServerResponse;
  /** Fires when the connection is gone, whoever ended it. */
  signal: AbortSignal;
  /** Called right before the script itself ends the answer, so that its own breaks are no hang-ups. */
  onEnding: () => void;
}

/** Does the steps on one connection. It rejects with the signal's reason when the caller has gone. */
export async function carryOut(steps: Step[], { response, signal, onEnding }: Connection): Promise<void> {
  let body: BodyWriter | undefined;
  for (const step of steps) {
    signal.throwIfAborted();
    switch (step.do) {
      case "head":
        body = openBody(response, step);
        break;
      case "send":
        await body?.send(step.bytes);
        break;
      case "wait":
        await silence(step.ms, step.keepAliveEveryMs, body, signal);
        break;
      case "stall":
        await silence(Number.POSITIVE_INFINITY, step.keepAliveEveryMs, body, signal);
        break;
      case "end":
        await body?.finish();
        onEnding();
        response.end();
        break;
      case "close":
      case "reset":
        if (body) await sleep(SETTLE_MS, undefined, { signal });
        onEnding();
        breakOff(response, step.do);
    }
  }
}

/** A FIN inside the body, or an RST: the two ways a provider's machine drops a caller. */
function breakOff(response: ServerResponse, how: "close" | "reset"): void {
  if (how === "close") response.destroy();
  else response.socket?.resetAndDestroy();
}

/** The longest nap a timer can take; a stall is one nap after another until the caller leaves. */
const LONGEST_NAP_MS = 2 ** 31 - 1;

async function silence(
  ms: number,
  everyMs: number | undefined,
  body: BodyWriter | undefined,
  signal: AbortSignal,
): Promise<void> {
  let leftMs = ms;
  while (leftMs > 0) {
    const napMs = Math.min(leftMs, everyMs ?? LONGEST_NAP_MS, LONGEST_NAP_MS);
    await sleep(napMs, undefined, { signal });
    leftMs -= napMs;
    if (leftMs > 0 && everyMs !== undefined) await body?.send(KEEP_ALIVE);
  }
}
