import type { ClientProfile } from "../core/client/client-profile.ts";
import type { ReasoningRepair } from "../core/dialect/dialect-spec.ts";
import { type Dialect, dialectAt, dialectSpec } from "../core/dialect/registry.ts";
import { formatModelRef, type ModelRef } from "../core/model-ref.ts";
import { conversationOf } from "../core/routing/conversation.ts";
import type { Session, SessionBook } from "../core/routing/session.ts";
import type { Kept } from "../core/routing/ties.ts";
import { choicesIn, hasToolsIn, mayAnswerNothing } from "../core/stream/asked.ts";
import { cleanHistory, refusesLastTurn } from "../core/stream/clean-history.ts";
import { findField, readField } from "../core/stream/rewrite.ts";
import type { Asked, GateFailure } from "../core/stream/stream-gate.ts";
import {
  type DestinationOptions,
  destinationOf,
  findModel,
  lanesFor,
  type NamedModel,
  type Unroutable,
} from "./destination.ts";
import type { RoutingSnapshot } from "./snapshot.ts";
import { overLimit } from "./transport.ts";

/** The methods that reach a provider. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

/** The response to a request form that no path supports; undefined for all others. */
export function refuseForm(req: Request): Response | undefined {
  const { method, headers } = req;
  if (!METHODS.has(method))
    return plainRefusal(405, `orouter does not serve ${method}.`, { allow: [...METHODS].join(", ") });
  // On this status a client that does not need WebSockets continues with POST; on others it retries.
  if (/\bwebsocket\b/i.test(headers.get("upgrade") ?? ""))
    return plainRefusal(426, "orouter has no WebSockets; send the request with POST.", {
      upgrade: "HTTP/1.1",
    });
  const encoding = headers.get("content-encoding") ?? "identity";
  if (hasBody(method) && encoding.trim().toLowerCase() !== "identity")
    return plainRefusal(
      415,
      "orouter reads no compressed request bodies; send it without Content-Encoding.",
      {
        "accept-encoding": "identity",
      },
    );
  return undefined;
}

function plainRefusal(status: number, message: string, headers: Record<string, string>): Response {
  return Response.json({ error: { message, type: "invalid_request_error" } }, { status, headers });
}

/**
 * The body, or why there is none: it is too long, or the client has left. If it declares its length, not a byte more
 * than needed is read.
 */
export async function readWithin(
  req: Request,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too-long" | "gone"> {
  const announced = req.headers.get("content-length");
  if (Number(announced) > maxBytes) return "too-long";
  try {
    if (announced !== null || req.body === null) return (await req.bytes()) as Uint8Array<ArrayBuffer>;
    return await readCounted(req.body, maxBytes);
  } catch {
    return "gone";
  }
}

async function readCounted(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too-long"> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > maxBytes) return "too-long";
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export interface ReadOptions extends DestinationOptions {
  search: string;
  /** Without the run's token. */
  headers: Headers;
  sessions: SessionBook;
  /** The named client whose token it carries; undefined for the owner. */
  client: string | undefined;
  nowMs: number;
}

const NO_MODEL: Unroutable = {
  status: 400,
  message: "The request names no model: its body must be a JSON object with a `model`.",
};

/** Reads a request as far as routing needs it: its model, its session, and the models that may answer it. */
export async function readRequest(
  req: Request,
  options: ReadOptions,
): Promise<ModelRequest | Unroutable | { isGone: true }> {
  const { sessions, settings, provider, rest, profile, nowMs } = options;
  const dialect = req.method === "POST" ? dialectAt(rest) : undefined;
  const raw = hasBody(req.method) ? await readWithin(req, settings.limits.bodyBytes) : undefined;
  if (raw === "gone") return { isGone: true };
  if (raw === "too-long") return tooLong(settings.limits.bodyBytes);
  const refused = refusedByDialect(raw, dialect);
  if (refused !== undefined) return refused;
  const body = cleaned(raw, dialect, profile);
  const model = body === undefined ? undefined : findModel(body, options.headers.get("content-type"));
  if (dialect !== undefined && model === undefined) return NO_MODEL;
  const destination = destinationOf(req.method, model?.value, options);
  if ("status" in destination) return destination;
  const { ref, path } = destination;
  const lanes = lanesFor(destination, { body, dialect }, options);
  if (!("targets" in lanes)) return lanes;
  const unroutable = whyNot(ref, lanes.targets, options);
  if (unroutable !== undefined) return unroutable;
  const conversation = conversationOf({
    headers: options.headers,
    body: dialect && body,
    client: profile,
  });
  return {
    // Ordered by time: with random ids every row of the ledger would touch another page of the index.
    id: Bun.randomUUIDv7(),
    method: req.method,
    endpoint: path + options.search,
    headers: options.headers,
    body,
    dialect,
    model,
    pathProvider: provider,
    asked: formatModelRef(ref),
    ...lanes,
    profile,
    client: options.client,
    sessionId: conversation.id,
    session: sessions.ofConversation(conversation),
    signal: req.signal,
    startedMs: nowMs,
  };
}

function cleaned(
  raw: Uint8Array<ArrayBuffer> | undefined,
  dialect: Dialect | undefined,
  { isAgent }: ClientProfile,
): Uint8Array<ArrayBuffer> | undefined {
  if (raw === undefined || dialect === undefined) return raw;
  return cleanHistory(raw, dialect, isAgent ? "left-over" : "empty");
}

/** The error for a request that no provider can be asked, in its own dialect. */
function refusedByDialect(
  body: Uint8Array | undefined,
  dialect: Dialect | undefined,
): Unroutable | undefined {
  if (body === undefined || dialect === undefined) return undefined;
  const { refuseRequest, errorBody } = dialectSpec(dialect);
  const refused = refuseRequest?.(body);
  return refused === undefined
    ? undefined
    : { status: 400, message: refused.message, body: errorBody(refused) };
}

function hasBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}

function tooLong(maxBytes: number): Unroutable {
  return { status: 400, message: `[orouter] ${overLimit("request", maxBytes, "body_bytes")}` };
}

function whyNot(ref: ModelRef, targets: readonly ModelRef[], options: ReadOptions): Unroutable | undefined {
  const { settings, snapshot } = options;
  if (targets.length === 0) {
    const chains = Object.keys(settings.chains);
    const known = chains.length === 0 ? "there is none yet" : `known: ${chains.join(", ")}`;
    return { status: 400, message: `orouter has no chain named ${ref.model} (${known}).` };
  }
  if (targets.some((target) => snapshot.keysOf(target.provider).length > 0)) return undefined;
  const { provider } = targets[0] ?? ref;
  if (!snapshot.providers.has(provider)) {
    return {
      status: 400,
      message: `orouter knows no provider ${provider}. Add [providers.${provider}] with a base_url to config.toml.`,
    };
  }
  return {
    status: 400,
    message: `orouter has no key for ${provider}. Add one with: orouter keys add ${provider}`,
  };
}

/** How many useless answers of each kind this request has received. */
interface Flaws {
  hollow: number;
  badCalls: number;
}

/** One request of a client, as far as routing needs it. */
export interface ModelRequest {
  id: string;
  method: string;
  /** The endpoint after `/v1/`, with its query. */
  endpoint: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer> | undefined;
  /** Undefined for endpoints whose streams are not read. */
  dialect: Dialect | undefined;
  /** Where the model's name stands in the body, and what it is. */
  model: NamedModel | undefined;
  /** The provider that the path itself names: its dialect is the client's own choice. */
  pathProvider: string | undefined;
  /** As the client would write it: `provider/model`, or a chain's name. */
  asked: string;
  targets: readonly ModelRef[];
  profile: ClientProfile;
  /** The named client whose token it carries; undefined for the owner. */
  client?: string | undefined;
  sessionId: string | undefined;
  session: Session;
  /** What an account keeps and the request names. */
  kept?: Kept | undefined;
  snapshot: RoutingSnapshot;
  /** Aborted when the client hangs up. */
  signal: AbortSignal;
  startedMs: number;
  /** Whether a stream was requested; computed when first needed. */
  isStreamWanted?: boolean;
  /** How many answers were requested; computed when first needed. */
  choices?: number;
  /** Models that have refused the earlier reasoning, and what to do about it. */
  reasoningRepairs?: Map<string, ReasoningRepair>;
  /** Answers that ended well but were useless. */
  flaws?: Flaws;
}

/**
 * After a rejection of the history's end: removes what may be left of a broken answer. Returns whether there was
 * anything to remove, so that a retry makes sense.
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

/** Signatures of another model, and reasoning that a budget requires. */
const REFUSES_REASONING =
  /signature.{0,40}(?:thinking|field required)|invalid.{0,3}signature|bound to a different conversation|expected .{0,3}thinking/i;
const NEEDS_REASONING = /thinking.{0,60}must be passed back|reasoning_content is missing/i;

/** After a refusal of earlier reasoning: the model gets the request without it. Returns whether that is worth a call. */
export function repairAfter(request: ModelRequest, model: string, reply: { body: string }): boolean {
  const repairs = request.reasoningRepairs ?? new Map<string, ReasoningRepair>();
  if (repairs.has(model)) return false;
  const needs = NEEDS_REASONING.test(reply.body);
  if (!needs && !REFUSES_REASONING.test(reply.body)) return false;
  request.reasoningRepairs = repairs.set(model, needs ? "empty" : "without");
  return true;
}

/** Computed only when needed, since it means searching the body. */
export function wantsStream(request: ModelRequest): boolean {
  request.isStreamWanted ??= request.body !== undefined && readField(request.body, "stream") === true;
  return request.isStreamWanted;
}

/**
 * How many empty answers are retried for a request without tools: if two providers have nothing to say, accept it. An
 * agent never means an empty turn.
 */
const BELIEVED_EMPTY = 1;

/**
 * How many invalid tool calls are retried before one is passed on: the model cannot do better, and the agent can report
 * it.
 */
const BELIEVED_BAD_CALLS = 2;

/** The ends that are valid for this request. */
export function askedOf(request: ModelRequest): Asked {
  const { body, profile } = request;
  const hasTools = (): boolean => body !== undefined && hasToolsIn(body);
  return {
    choices: () => {
      request.choices ??= body === undefined ? 1 : choicesIn(body);
      return request.choices;
    },
    mayBeEmpty: () =>
      body === undefined ||
      mayAnswerNothing(body) ||
      (!profile.isAgent && (request.flaws?.hollow ?? 0) >= BELIEVED_EMPTY && !hasTools()),
    mayHaveBadCalls: () => (request.flaws?.badCalls ?? 0) >= BELIEVED_BAD_CALLS,
    takesCalls: hasTools,
  };
}

/** Counts empty answers and invalid tool calls. */
export function noteFlaw(request: ModelRequest, kind: GateFailure["kind"]): void {
  if (kind !== "hollow" && kind !== "bad-call") return;
  const { hollow, badCalls } = request.flaws ?? { hollow: 0, badCalls: 0 };
  request.flaws = kind === "hollow" ? { hollow: hollow + 1, badCalls } : { hollow, badCalls: badCalls + 1 };
}
