/** What one key is carrying in this process: the base of pacing and of concurrency caps. */
export interface Load {
  inFlight: number;
  /** Learned from concurrency refusals; undefined until the first one. */
  cap: number | undefined;
  capChangedMs: number;
  /** Send times of the last minute, oldest first; kept only for paced keys. */
  sentMs: number[];
  lastUsedMs: number;
  /** Whether a call asks the store for room: until it has its answer, no other call asks. */
  isClaiming: boolean;
  /** Until when other processes have used up the key's limit. */
  heldUntilMs: number;
}

/** The limits a provider's settings put on each of its keys. */
export interface KeyLimits {
  rpm: number | undefined;
  concurrency: number | undefined;
}

const MINUTE_MS = 60_000;

/** A cap that a refusal shrank grows by one in each such time without another refusal. */
const CAP_GROWS_EVERY_MS = 60_000;

export function emptyLoad(): Load {
  return {
    inFlight: 0,
    cap: undefined,
    capChangedMs: 0,
    sentMs: [],
    lastUsedMs: 0,
    isClaiming: false,
    heldUntilMs: 0,
  };
}

/** When the key can take one more call: `now`, a time, or once a call ends. */
export type Slot = { kind: "now" } | { kind: "at"; atMs: number } | { kind: "on-release" };

/** Whether a key has room now. Pacing looks at a sliding minute, so no burst can pass a per-minute limit. */
export function slotFor(load: Load | undefined, limits: KeyLimits, nowMs: number): Slot {
  if (load === undefined) return { kind: "now" };
  if (load.isClaiming) return { kind: "on-release" };
  // After a clock was set back, a time that is too far away does not count.
  if (load.heldUntilMs > nowMs && load.heldUntilMs <= nowMs + MINUTE_MS)
    return { kind: "at", atMs: load.heldUntilMs };
  const cap = currentCap(load, limits, nowMs);
  if (cap !== undefined && load.inFlight >= cap) return { kind: "on-release" };
  if (limits.rpm === undefined) return { kind: "now" };
  const recent = lastMinute(load, nowMs);
  if (recent.length < limits.rpm) return { kind: "now" };
  return { kind: "at", atMs: (recent[recent.length - limits.rpm] ?? nowMs) + MINUTE_MS };
}

/** Notes that a call is sent. */
export function take(load: Load, limits: KeyLimits, nowMs: number): void {
  load.inFlight++;
  load.lastUsedMs = nowMs;
  if (limits.rpm === undefined) return;
  load.sentMs = lastMinute(load, nowMs);
  load.sentMs.push(nowMs);
}

/** The call was not sent after all: the store has no room for it before that time. */
export function untake(load: Load, sentMs: number, heldUntilMs: number): void {
  const at = load.sentMs.lastIndexOf(sentMs);
  if (at >= 0) load.sentMs.splice(at, 1);
  load.heldUntilMs = heldUntilMs;
}

/** Times to come are of a clock that was set back: they would hold up all calls until it is there again. */
function lastMinute({ sentMs }: Load, nowMs: number): number[] {
  return sentMs.filter((ms) => ms > nowMs - MINUTE_MS && ms <= nowMs);
}

/** Notes that a call has ended. */
export function release(load: Load): void {
  load.inFlight = Math.max(0, load.inFlight - 1);
}

/** A concurrency refusal, once the refused call is released: what is still in flight was accepted. Never less than one. */
export function shrinkCap(load: Load, limits: KeyLimits, nowMs: number): void {
  const accepted = Math.min(load.inFlight, currentCap(load, limits, nowMs) ?? load.inFlight);
  load.cap = Math.max(1, accepted);
  load.capChangedMs = nowMs;
}

function currentCap(load: Load, limits: KeyLimits, nowMs: number): number | undefined {
  if (load.cap === undefined) return limits.concurrency;
  const grown = load.cap + Math.floor((nowMs - load.capChangedMs) / CAP_GROWS_EVERY_MS);
  return limits.concurrency === undefined ? grown : Math.min(grown, limits.concurrency);
}
