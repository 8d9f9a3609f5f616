import type { KeyLimits } from "./limits.ts";

/** A request for room on a key whose limits are shared by several processes. */
export interface ClaimRequest {
  /** The call that would be made: its lease is known by this name. */
  id: string;
  /** The request that makes the call: it keeps its place in line under this name until it is served or leaves. */
  waiter: string;
  /** The key's fingerprint. */
  key: string;
  limits: KeyLimits;
}

/** The answer to a claim. `unknown`: the store cannot tell now, so the limits of this process alone hold. */
export type Claim = { kind: "granted" } | { kind: "wait"; afterMs: number } | { kind: "unknown" };

/** A request in line for a key. */
export interface WaitingClaim {
  id: string;
  sinceMs: number;
  /** When it was told to ask again. */
  dueMs: number;
}

/** What all processes together have taken of a key. */
export interface SharedUse {
  /** When the calls of the last minute began, oldest first. */
  startsMs: readonly number[];
  /** Calls whose leases are in force. */
  leases: number;
  /** All that wait, in any order. */
  waiting: readonly WaitingClaim[];
}

/** A minute, and what a call may take longer than the one before it on its way to the provider. */
export const CALL_WINDOW_MS = 60_400;

/** A lease that its process does not renew ends after this time: the process has died. */
export const LEASE_MS = 10_000;

/** Leases are renewed this often, so that one late renewal costs nothing. */
export const LEASE_RENEW_MS = 3_000;

/** The end of another process's call is noticed this soon. */
export const RELEASE_POLL_MS = 25;

/** A request that has not asked again this long after it was due has lost its place in line. */
export const PLACE_KEPT_MS = 1_000;

/** Whether a key has room for one more call of this request; requests that came earlier go first. */
export function decideClaim(
  use: SharedUse,
  { waiter, limits }: Pick<ClaimRequest, "waiter" | "limits">,
  nowMs: number,
): Exclude<Claim, { kind: "unknown" }> {
  const ahead = requestsAhead(use.waiting, waiter, nowMs);
  const afterMs = Math.max(
    rpmWaitMs(use, limits.rpm, ahead, nowMs),
    leaseWaitMs(use, limits.concurrency, ahead),
  );
  return afterMs > 0 ? { kind: "wait", afterMs } : { kind: "granted" };
}

/** Whether a request in line has asked again in time. */
export function isInLine({ dueMs }: WaitingClaim, nowMs: number): boolean {
  return dueMs + PLACE_KEPT_MS >= nowMs;
}

/** When a request is expected to ask again. Polls are noted as a longer wait, so that not each of them writes. */
export function dueAfter(afterMs: number, nowMs: number): number {
  return nowMs + Math.max(afterMs, PLACE_KEPT_MS / 2);
}

function requestsAhead(waiting: readonly WaitingClaim[], waiter: string, nowMs: number): number {
  const own = waiting.find(({ id }) => id === waiter);
  return waiting.filter(
    (other) => other.id !== waiter && isInLine(other, nowMs) && (own === undefined || isBefore(other, own)),
  ).length;
}

function isBefore(one: WaitingClaim, other: WaitingClaim): boolean {
  return one.sinceMs < other.sinceMs || (one.sinceMs === other.sinceMs && one.id < other.id);
}

/** Until the minute of the call leaves the window that makes room for those ahead and this one. */
function rpmWaitMs({ startsMs }: SharedUse, rpm: number | undefined, ahead: number, nowMs: number): number {
  if (rpm === undefined) return 0;
  const recent = startsMs.filter((ms) => ms > nowMs - CALL_WINDOW_MS);
  const place = recent.length - rpm + ahead;
  if (place < 0) return 0;
  const freedBy = recent[Math.min(place, recent.length - 1)] ?? nowMs;
  return Math.max(1, freedBy + CALL_WINDOW_MS - nowMs);
}

function leaseWaitMs({ leases }: SharedUse, concurrency: number | undefined, ahead: number): number {
  if (concurrency === undefined) return 0;
  return leases + ahead < concurrency ? 0 : RELEASE_POLL_MS;
}
