import type { ClientProfile } from "../core/client/client-profile.ts";
import type { ModelRef } from "../core/model-ref.ts";
import type { Dialect } from "../core/routing/route.ts";
import type { Session } from "../core/routing/session.ts";
import { cleanHistory, refusesLastTurn } from "../core/stream/clean-history.ts";
import { findField, readField, type Span, spliceValue } from "../core/stream/rewrite.ts";
import type { Terms } from "./terms.ts";

/** Answers of each kind that one request has got, and that were asked for again elsewhere. */
interface Flaws {
  hollow: number;
  badCalls: number;
}

/** One request of a client, read as far as routing needs it. */
export interface ModelRequest {
  id: string;
  method: string;
  /** The endpoint behind `/v1/`, with its query. */
  endpoint: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer> | undefined;
  /** Undefined for endpoints whose streams we do not look into. */
  dialect: Dialect | undefined;
  /** Where the model's name stands in the body, and what it is. */
  model: { span: Span; value: string } | undefined;
  /** The provider that the path itself names: its dialect is the client's own choice. */
  pathProvider: string | undefined;
  /** As the client would write it: `provider/model`, or a chain's name. */
  asked: string;
  targets: readonly ModelRef[];
  /** How the client wants to be spoken to. */
  profile: ClientProfile;
  sessionId: string | undefined;
  session: Session;
  terms: Terms;
  /** Fires when the client hangs up. */
  signal: AbortSignal;
  startedMs: number;
  /** Whether a stream was asked for, once somebody had to know. */
  isStreamWanted?: boolean;
  /** How many answers were asked for, once somebody had to know. */
  choices?: number;
  /** Answers that ended well and were of no use. */
  flaws?: Flaws;
}

/** The body for one target: the same bytes where the model stays, else with only its name replaced. */
export function bodyFor(request: ModelRequest, wireModel: string): Uint8Array<ArrayBuffer> | undefined {
  const { body, model } = request;
  if (body === undefined || model === undefined || model.value === wireModel) return body;
  return spliceValue(body, model.span, wireModel);
}

/**
 * After a refusal of the history's end: takes out what may be the left-over of a broken answer. Returns whether there is
 * such a thing, so that the request is worth asking again.
 */
export function cleanAfter(request: ModelRequest, reply: { body: string }): boolean {
  const { body, dialect, model } = request;
  if (body === undefined || dialect === undefined || model === undefined) return false;
  if (!refusesLastTurn(reply.body)) return false;
  const cleaned = cleanHistory(body, dialect, "left-over");
  const span = cleaned === body ? undefined : findField(cleaned, "model");
  if (span === undefined) return false;
  request.body = cleaned;
  request.model = { ...model, span };
  return true;
}

/** Whether a stream was asked for. Looked up only where it matters, since it means reading through the body. */
export function wantsStream(request: ModelRequest): boolean {
  request.isStreamWanted ??= request.body !== undefined && readField(request.body, "stream") === true;
  return request.isStreamWanted;
}
