import type { Upstream } from "../../src/demo/upstream.ts";
import { parsed, readEvents, readUntilBroken, textOf } from "../demo/read-events.ts";
import type { Rig } from "../proxy/rig.ts";

/** What the caller of one scenario saw, and what its upstream did. Times are those of the scenario, not of the test. */
export interface Observation {
  status: number;
  text: string;
  /** Whether the answer ends like a complete one. */
  looksWhole: boolean;
  /** The message of the SSE error event, if there was one. */
  error: string | undefined;
  hasUsage: boolean;
  hasGarbage: boolean;
  /** The model in the answer's last event. */
  model: string | undefined;
  body: string;
  wallMs: number;
  /** When the primary and the fallback were called, since the request was sent. */
  primaryMs: number[];
  fallbackMs: number[];
}

/** Sends one request and records everything that the scenarios are judged by. */
export async function observe(
  rig: Rig,
  upstream: Upstream,
  options: { id: string; speed: number; session?: string },
): Promise<Observation> {
  const { id, speed, session } = options;
  const startMs = Date.now();
  const before = upstream.calls.length;
  const response = await rig.ask({ model: id, ...(session === undefined ? {} : { session }) });
  const { text: body, error: broken } = await readUntilBroken(response);
  const wallMs = (Date.now() - startMs) * speed;
  const events = readEvents(body).filter((event) => event.data !== "");
  const data = events.map((event) => parsed(event.data));
  const finish = data.some((one) => typeof one?.choices?.[0]?.finish_reason === "string");
  const callsOf = (model: string): number[] =>
    upstream.calls
      .slice(before)
      .filter((call) => call.model === model)
      .map((call) => (call.atMs - startMs) * speed);
  return {
    status: response.status,
    text: textOf(events),
    looksWhole: broken === undefined && finish && events.at(-1)?.data === "[DONE]",
    error: data.find((one) => one?.error !== undefined)?.error?.message,
    hasUsage: data.some((one) => one?.usage !== undefined && one.usage !== null),
    hasGarbage: events.some((event) => event.data !== "[DONE]" && parsed(event.data) === undefined),
    model: (data.findLast((one) => one !== undefined) as { model?: string } | undefined)?.model,
    body,
    wallMs,
    primaryMs: callsOf(`${id}-primary`),
    fallbackMs: callsOf(`${id}-fallback`),
  };
}
