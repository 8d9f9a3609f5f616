import type { Encoding } from "./reply.ts";

/** One thing to do on a connection. `reset`, `close`, `stall` and `end` are always the last. */
export type Step =
  | { do: "wait"; ms: number; keepAliveEveryMs?: number | undefined }
  | Head
  | { do: "send"; bytes: string | Uint8Array }
  | { do: "stall"; keepAliveEveryMs?: number | undefined }
  | { do: "reset" | "close" | "end" };

/** The head, and what happens to every byte behind it. */
export interface Head {
  do: "head";
  status: number;
  headers: Record<string, string>;
  encoding?: Encoding;
  splitBytes?: number;
}

/** A wait as a list, empty where there is nothing to wait for. */
export function waitSteps(ms: number | undefined, keepAliveEveryMs?: number): Step[] {
  return ms ? [{ do: "wait", ms, keepAliveEveryMs }] : [];
}

/** The headers of a body that is sent in one piece. */
export function bodyHeaders(type: string, body: string): Record<string, string> {
  return { "content-type": type, "content-length": String(Buffer.byteLength(body)) };
}
