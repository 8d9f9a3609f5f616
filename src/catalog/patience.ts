/** How fresh a catalogue has to be, and how long that may take. */
export interface Patience {
  mustAsk: (list: { isFresh: boolean; refreshOnList: boolean }) => boolean;
  /** 0: what comes is for the cache only. */
  waitMs: (isCached: boolean) => number;
  /** When every question ends. */
  limitMs: number;
}

const SECOND = 1000;

/** One for each occasion. */
export const PATIENCE = {
  /** Nobody wants to know how it is now. */
  never: { mustAsk: () => false, waitMs: () => 0, limitMs: 0 },
  /** Nobody waits for a list while an old one will do; what comes late is there the next time. */
  launch: {
    mustAsk: ({ isFresh }) => !isFresh,
    waitMs: (isCached) => (isCached ? 0 : SECOND),
    limitMs: 30 * SECOND,
  },
  /** Somebody wants to see it as it is. */
  list: {
    mustAsk: ({ isFresh, refreshOnList }) => refreshOnList || !isFresh,
    waitMs: () => 5 * SECOND,
    limitMs: 5 * SECOND,
  },
  /** Somebody wants to know about one model. */
  info: { mustAsk: ({ isFresh }) => !isFresh, waitMs: () => 5 * SECOND, limitMs: 5 * SECOND },
  /** Somebody has said so. */
  refresh: { mustAsk: () => true, waitMs: () => 15 * SECOND, limitMs: 15 * SECOND },
} as const satisfies Record<string, Patience>;
