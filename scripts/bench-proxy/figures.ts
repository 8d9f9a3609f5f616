import type { Job } from "./job.ts";

/** What one figure has every target do in every round. */
export interface Figure {
  about: string;
  work: Omit<Job, "port" | "token" | "path">;
  /** The scenes asked of each target, in turn; with two of them the figure is what the second costs over the first. */
  scenes: readonly string[];
  /** Targets that have no part in it. */
  without?: readonly string[];
  /** Rounds that do not count: connections, caches and the compiler of the JavaScript warm up in them. */
  warmUps: number;
  /** Every round has targets that were just started: memory and not speed is measured. */
  fresh?: boolean;
}

const MB = 1_000_000;
const ONE_BY_ONE = { kind: "sequence", connections: 1, freshModels: false, stream: true } as const;
const SMALL = {
  kind: "crowd",
  connections: 32,
  count: 5000,
  bodyBytes: 100,
  stream: false,
  freshModels: false,
} as const;
const STREAMS = {
  kind: "streams",
  connections: 100,
  count: 200,
  bodyBytes: 1000,
  stream: true,
  freshModels: false,
} as const;
const FAILOVER = { ...ONE_BY_ONE, count: 40, bodyBytes: 1000, freshModels: true };

/** The table of what is measured, by name. */
export const FIGURES: Readonly<Record<string, Figure>> = {
  "first-byte": {
    about: "time to the first byte of a streamed answer, requests of 30 KB one by one",
    work: { ...ONE_BY_ONE, count: 100, bodyBytes: 30_720 },
    scenes: ["first"],
    warmUps: 5,
  },
  small: { about: "small JSON answers, 32 at a time", work: SMALL, scenes: ["small"], warmUps: 2 },
  chunks: {
    about: "100 streams of 200 chunks, one every 10 ms: how late a chunk is",
    work: STREAMS,
    scenes: ["chunks"],
    warmUps: 1,
  },
  bulk: {
    about: "one answer of 64 MB in events of 200 bytes",
    work: { ...ONE_BY_ONE, kind: "bulk", count: 64 * MB, bodyBytes: 1000 },
    scenes: ["bulk"],
    warmUps: 2,
  },
  limited: {
    about: "first key answers 429, second serves: first byte, over a clean request",
    work: FAILOVER,
    scenes: ["clean", "limited"],
    warmUps: 2,
    without: ["direct", "relay"],
  },
  unplanned: {
    about: "first key has no plan for the model, second serves: first byte, over a clean request",
    work: FAILOVER,
    scenes: ["clean", "unplanned"],
    warmUps: 2,
    without: ["direct", "relay"],
  },
  memory: {
    about: "memory after the start, and the most of it during the 100 streams",
    work: STREAMS,
    scenes: ["chunks"],
    warmUps: 0,
    fresh: true,
  },
  many: {
    about: "small JSON answers with 1 000 keys a provider and 10 000 lanes at rest, against 3 keys",
    work: SMALL,
    scenes: ["small"],
    warmUps: 2,
  },
};
