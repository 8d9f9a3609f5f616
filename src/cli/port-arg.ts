import { usageFault } from "./usage-problem.ts";

const MAX_PORT = 65_535;

/** A port as `--port` names it; undefined where it was left out. */
export function portArg(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= MAX_PORT) return port;
  throw usageFault(`--port ${text} is no port.`, `Use a number from 0 (a free one) to ${MAX_PORT}.`);
}
