import { formatModelRef } from "../core/model-ref.ts";
import { exhaustionSummary } from "../core/routing/exhaustion.ts";
import { finalError } from "../core/routing/final-error.ts";
import { hasBytes } from "../core/stream/has-bytes.ts";
import { readField } from "../core/stream/rewrite.ts";
import { type Usage, usageOf } from "../core/stream/stream-events.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import { AnswerStream } from "./answer-stream.ts";
import type { AttemptOutcome, ErrorReply } from "./attempt-outcome.ts";
import { describeExhaustion } from "./give-up.ts";
import { clientHeaders, headerSafe } from "./headers.ts";
import type { Lease } from "./lease.ts";
import type { ModelRequest } from "./model-request.ts";
import { passThrough } from "./pass-through.ts";
import type { ByteReader } from "./reply.ts";
import type { Router } from "./router.ts";
import { Trail } from "./trail.ts";
import { Walk, type WalkOptions } from "./walk.ts";

/** Statuses that opencode would retry by itself, or take for something else. */
const NOT_FOR_OPENCODE = new Set([401, 404, 408, 409, 413, 429]);

export interface RespondOptions extends Omit<WalkOptions, "trail"> {
  /** Told once the request is over, its last byte included. */
  onClose: () => void;
  /** Told of a bug in us; the client only hears that there was one. */
  onBug: (error: unknown) => void;
}

/** Answers one request: the walk over keys and models, and then what goes back to the client. Never throws. */
export async function respond(request: ModelRequest, options: RespondOptions): Promise<Response> {
  const { router, onBug } = options;
  const trail = new Trail(request, router, options.onClose);
  const walk = new Walk(request, { ...options, trail });
  try {
    const arrival = await walk.go();
    switch (arrival.kind) {
      case "client-gone":
        trail.close("client-gone");
        return clientGone();
      case "exhausted":
        trail.close("exhausted");
        return signed(exhausted(walk, router), walk);
      case "refusal":
        trail.close("passed-error");
        return signed(refused(request, arrival.verdict, arrival.reply), walk);
      case "answer":
        return answered({ ...arrival, router, trail, walk, onBug });
    }
  } catch (error) {
    walk.abandon();
    trail.close("broken");
    onBug(error);
    return bugReply();
  }
}

/** Nobody is there to read it; the status is the one that servers log for this. */
export function clientGone(): Response {
  return new Response(null, { status: 499 });
}

/** What a client hears of a bug in us. */
export function bugReply(): Response {
  return lastWord("[orouter] orouter itself has failed on this request. See: orouter logs", "orouter_bug");
}

interface Answered {
  onBug: (error: unknown) => void;
  outcome: Extract<AttemptOutcome, { kind: "stream" | "body" }>;
  lease: Lease;
  router: Router;
  trail: Trail;
  walk: Walk;
}

function answered(answer: Answered): Response {
  const { outcome, lease, router, trail, walk, onBug } = answer;
  noteFit(walk.request);
  const { status, headers: theirs } = outcome.kind === "stream" ? outcome.stream : outcome;
  const headers = clientHeaders(theirs);
  Object.assign(headers, signature(lease, walk));
  const init = { status, headers };
  if (outcome.kind === "stream") {
    const { stream } = outcome;
    return new Response(new AnswerStream({ router, trail, walk, stream, lease, onBug }).body(), init);
  }
  const end = (isWhole: boolean): void => {
    if (isWhole) router.complete(lease);
    router.drop(lease);
    trail.close(
      isWhole ? "served" : walk.request.signal.aborted ? "client-gone" : "broken",
      usageIn(outcome),
    );
  };
  if (outcome.body instanceof Uint8Array) {
    end(true);
    return new Response(outcome.body, init);
  }
  // A client that has left before the first byte was asked for cancels nothing.
  walk.request.signal.addEventListener("abort", () => end(false), { once: true });
  return new Response(passThrough(outcome.body, end), init);
}

/** Of an error, too, it can be seen who was asked last, and after how many tries. */
function signed(response: Response, walk: Walk): Response {
  const headers = signature(walk.progress.attempts.at(-1), walk);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

/** Who answered or was asked last, and how many tries there were; nobody may have been asked. */
function signature(
  asked: Pick<Lease, "ref" | "key"> | undefined,
  { progress }: Walk,
): Record<string, string> {
  const who: Record<string, string> =
    asked === undefined
      ? {}
      : {
          "x-orouter-model": headerSafe(formatModelRef(asked.ref)),
          "x-orouter-key": headerSafe(asked.key.name),
        };
  return { ...who, "x-orouter-attempts": String(progress.attempts.length) };
}

function usageIn(outcome: { body: Uint8Array | ByteReader }): Usage | undefined {
  return outcome.body instanceof Uint8Array ? usageOf(readField(outcome.body, "usage")) : undefined;
}

/** A full turn that fitted: the next overflow may be handed to opencode's compaction again. */
function noteFit(request: ModelRequest): void {
  if (request.session.overflows > 0 && request.body !== undefined && hasTools(request.body))
    request.session.overflows = 0;
}

const TOOLS = new TextEncoder().encode('"tools"');

function hasTools(body: Uint8Array): boolean {
  return hasBytes(body, TOOLS);
}

function exhausted(walk: Walk, router: Router): Response {
  const exhaustion = describeExhaustion(walk.progress, walk.request, router);
  router.emit({ kind: "exhausted", exhaustion });
  return lastWord(exhaustionSummary(exhaustion));
}

/** The request itself is at fault: the provider's words go back, in a status that nobody retries. */
function refused(request: ModelRequest, verdict: Verdict, reply: ErrorReply | undefined): Response {
  if (verdict.kind === "overflow") return overflowed(request, verdict);
  if (reply === undefined || reply.status < 400) {
    // The words came in a good status, or in the middle of a stream: as an error they need a form of their own.
    const error = { message: verdict.message, type: "invalid_request_error" };
    return Response.json({ error }, { status: 400 });
  }
  const isChat = request.dialect !== undefined;
  const isFinal = !isChat || (reply.status < 500 && !NOT_FOR_OPENCODE.has(reply.status));
  return new Response(reply.body, {
    status: isFinal ? reply.status : 400,
    headers: clientHeaders(reply.headers),
  });
}

/**
 * opencode compacts on this form and asks again. Where even that did not help, a second one would have it compact
 * and ask for ever; so the second in a row is final.
 */
function overflowed(request: ModelRequest, verdict: Verdict): Response {
  request.session.overflows++;
  if (request.session.overflows > 1) {
    return lastWord(
      `[orouter] The conversation is longer than ${request.asked} takes, even after it was shortened. Start a new session, or choose a model with a larger window.`,
      "window_too_small",
    );
  }
  const error = { message: verdict.message, type: "invalid_request_error", code: "context_length_exceeded" };
  return Response.json({ error }, { status: 400 });
}

/** One error that opencode shows once and does not retry. */
export function lastWord(message: string, code?: string): Response {
  return Response.json(finalError(message, code), { status: 400, headers: { "x-should-retry": "false" } });
}
