/** The calls of one key in this process, for pacing and concurrency limits. */
export interface Load {
  inFlight: number;
  /** Learned from concurrency rejections; undefined until the first one. */
  cap: number | undefined;
  capChangedMs: number;
  /** When the calls of the last minute were sent, oldest first; only for paced keys. */
  sentMs: number[];
  lastUsedMs: number;
  /** True while a call asks the store for a slot: until it has its answer, no other call asks. */
  isClaiming: boolean;
  /** Until when other processes have used up the key's limit. */
  heldUntilMs: number;
}

export interface KeyLimits {
  rpm: number | undefined;
  concurrency: number | undefined;
}

const MINUTE_MS = 60_000;

/** A limit that was lowered by a rejection grows by one after each such time without another one. */
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

/** When the key can take one more call: now, at a time, or when a call ends. */
export type Slot = { kind: "now" } | { kind: "at"; atMs: number } | { kind: "on-release" };

/** Pacing uses a sliding minute, so that no burst exceeds a per-minute limit. */
export function slotFor(load: Load | undefined, limits: KeyLimits, nowMs: number): Slot {
  if (load === undefined) return { kind: "now" };
  if (load.isClaiming) return { kind: "on-release" };
  // Ignore a time that is too far ahead: the clock was set back.
  if (load.heldUntilMs > nowMs && load.heldUntilMs <= nowMs + MINUTE_MS)
    return { kind: "at", atMs: load.heldUntilMs };
  const cap = currentCap(load, limits, nowMs);
  if (cap !== undefined && load.inFlight >= cap) return { kind: "on-release" };
  if (limits.rpm === undefined) return { kind: "now" };
  const recent = lastMinute(load, nowMs);
  if (recent.length < limits.rpm) return { kind: "now" };
  return { kind: "at", atMs: (recent[recent.length - limits.rpm] ?? nowMs) + MINUTE_MS };
}

export function take(load: Load, limits: KeyLimits, nowMs: number): void {
  load.inFlight++;
  load.lastUsedMs = nowMs;
  if (limits.rpm === undefined) return;
  load.sentMs = lastMinute(load, nowMs);
  load.sentMs.push(nowMs);
}

/** The call was not sent: the store has no slot before that time. */
export function untake(load: Load, sentMs: number, heldUntilMs: number): void {
  const at = load.sentMs.lastIndexOf(sentMs);
  if (at >= 0) load.sentMs.splice(at, 1);
  load.heldUntilMs = heldUntilMs;
}

/** Times in the future come from before the clock was set back; they would block all calls. */
function lastMinute({ sentMs }: Load, nowMs: number): number[] {
  return sentMs.filter((ms) => ms > nowMs - MINUTE_MS && ms <= nowMs);
}

export function release(load: Load): void {
  load.inFlight = Math.max(0, load.inFlight - 1);
}

/** Call after the rejected call was released: the remaining calls were accepted. Never below one. */
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
