import type { Fault, VerdictKind } from "./verdict.ts";

/** Cloudflare's own: 522 and 524 are its timeouts, the rest of 52x and 530 an origin it could not use. */
const TIMEOUTS = new Set([408, 504, 522, 524]);
const OVERLOADS = new Set([425, 503, 529]);
/** The client is told to come again, was sent to the wrong server, or met a failure further back: nothing is wrong with what it asked. */
const RETRYABLE = new Set([409, 421, 423, 424, 499]);
/** A proxy on the way, or the law: no key of ours is meant. */
const EDGE_REFUSALS = new Set([407, 451]);

const KINDS: ReadonlyMap<number, VerdictKind> = new Map([
  [401, "auth"],
  [402, "payment"],
  [403, "forbidden"],
  [404, "model-not-found"],
  [410, "model-not-found"],
  [413, "overflow"],
  [429, "rate-limit"],
]);

/** What a status alone means, when the body has said nothing that is known. */
export function statusVerdict(
  status: number,
  expectsAnswer: boolean,
): { kind: VerdictKind; fault: Fault | undefined } {
  // A file or a job that is not there says nothing about a model.
  if (!expectsAnswer && (status === 404 || status === 410)) return { kind: "bad-request", fault: undefined };
  if (EDGE_REFUSALS.has(status)) return { kind: "forbidden", fault: "provider" };
  return { kind: KINDS.get(status) ?? familyOf(status), fault: undefined };
}

function familyOf(status: number): VerdictKind {
  if (TIMEOUTS.has(status)) return "timeout";
  if (OVERLOADS.has(status)) return "overloaded";
  if (RETRYABLE.has(status)) return "server-error";
  return status >= 400 && status < 500 ? "bad-request" : "server-error";
}
