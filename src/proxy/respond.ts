import type {
  ErrorReply as ClientError,
  ClientProfile,
  FinalFailure,
} from "../core/client/client-profile.ts";
import type { Usage } from "../core/dialect/hub-answer.ts";
import { DEFAULT_DIALECT, type Dialect, dialectSpec } from "../core/dialect/registry.ts";
import { formatModelRef } from "../core/model-ref.ts";
import { exhaustedEvent, exhaustionSummary, firstFreeMs } from "../core/routing/exhaustion.ts";
import { finderOf, type ProviderWords, providerBody } from "../core/scrub.ts";
import { hasBytes } from "../core/stream/bytes.ts";
import { readField } from "../core/stream/rewrite.ts";
import { AnswerStream, KEEP_ALIVE } from "./answer-stream.ts";
import type { Attempt, CallOutcome } from "./attempt.ts";
import { type ModelRequest, wantsStream } from "./read-request.ts";
import { describeExhaustion, RequestRun, type RequestRunOptions, type RunResult } from "./request-run.ts";
import type { Router } from "./router.ts";
import { type ByteReader, clientHeaders, headerSafe, passThrough, withoutSecrets } from "./transport.ts";

export interface RespondOptions extends RequestRunOptions {
  /** Called for a bug of ours; the client only gets a general message. */
  onBug: (error: unknown) => void;
}

/** Answers one request: tries keys and models, then sends the result. Never throws. */
export async function respond(request: ModelRequest, options: RespondOptions): Promise<Response> {
  const { router, onBug } = options;
  const run = new RequestRun(request, options);
  try {
    const going = run.go();
    const early = isHeldOpen(request) ? await Promise.race([going, run.held]) : await going;
    if (early === undefined) return heldResponse({ going, run, router, onBug });
    const result = early;
    switch (result.kind) {
      case "client-gone":
        run.close("client-gone");
        return clientGone();
      case "exhausted":
        run.close("exhausted");
        return signed(exhausted(run, router), run);
      case "refusal":
        run.close("passed-error");
        return signed(refused(request, result, router.secrets), run);
      case "answer":
        return answered({ ...result, router, run, onBug });
    }
  } catch (error) {
    run.close("broken");
    onBug(error);
    return bugReply(request.profile);
  }
}

/** Whether the client can wait: a stream may begin with keep-alives. */
function isHeldOpen(request: ModelRequest): boolean {
  return request.dialect !== undefined && request.snapshot.policy.holdMs > 0 && wantsStream(request);
}

interface Held {
  going: Promise<RunResult>;
  run: RequestRun;
  router: Router;
  onBug: (error: unknown) => void;
}

/** Below the idle limits of clients and proxies. */
const KEEP_ALIVE_MS = 10_000;

/** Sends the head now, then keep-alives until the answer comes. A later failure is reported within the stream. */
function heldResponse(held: Held): Response {
  const { signal } = held.run.request;
  const body = new ReadableStream<Uint8Array>({
    type: "direct",
    pull: async (client) => {
      client.write(KEEP_ALIVE);
      client.flush();
      const beat = setInterval(() => {
        client.write(KEEP_ALIVE);
        client.flush();
      }, KEEP_ALIVE_MS);
      let last: string | undefined;
      try {
        const result = await held.going.finally(() => clearInterval(beat));
        if (result.kind === "answer" && result.outcome.kind === "stream") {
          const { attempt, outcome } = result;
          noteFit(held.run.request);
          await new AnswerStream({ ...held, stream: outcome.stream, attempt }).pour(client);
          return;
        }
        last = endOfHeld(result, held);
      } catch (error) {
        held.run.close("broken");
        held.onBug(error);
        last = finalEventOf(held.run.request, "[orouter] orouter itself has failed on this request.");
      }
      if (signal.aborted) return;
      client.write(last);
      client.end();
    },
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
  });
}

/** The last event of a held request without a stream. */
function endOfHeld(result: RunResult, { run, router }: Held): string {
  switch (result.kind) {
    case "client-gone":
      run.close("client-gone");
      return "";
    case "exhausted": {
      run.close("exhausted");
      const exhaustion = describeExhaustion(run.progress, run.request, router);
      router.emit(exhaustedEvent(exhaustion));
      return finalEventOf(run.request, exhaustionSummary(exhaustion));
    }
    case "refusal":
      run.close("passed-error");
      return finalEventOf(run.request, result.verdict.message);
    case "answer":
      result.attempt.abort();
      run.close("broken");
      return finalEventOf(run.request, "[orouter] The provider did not answer with a stream.");
  }
}

function finalEventOf({ profile, dialect = DEFAULT_DIALECT }: ModelRequest, message: string): string {
  return profile.finalEvent(message, dialect);
}

/** The client will not read it; servers log 499 for this. */
export function clientGone(): Response {
  return new Response(null, { status: 499 });
}

/** The response after a bug of ours. */
export function bugReply(profile: ClientProfile): Response {
  const message = "[orouter] orouter itself has failed on this request. See: orouter logs";
  return finalReply(profile, { why: "bug", message });
}

interface Answered {
  onBug: (error: unknown) => void;
  outcome: Extract<CallOutcome, { kind: "stream" | "body" }>;
  attempt: Attempt;
  router: Router;
  run: RequestRun;
}

function answered(answer: Answered): Response {
  const { outcome, attempt, router, run, onBug } = answer;
  noteFit(run.request);
  const { status, headers: theirs } = outcome.kind === "stream" ? outcome.stream : outcome;
  const headers = clientHeaders(theirs, router.secrets);
  Object.assign(headers, signature(attempt, run));
  const init = { status, headers };
  if (outcome.kind === "stream") {
    const { stream } = outcome;
    return new Response(new AnswerStream({ router, run, stream, attempt, onBug }).body(), init);
  }
  const end = (isWhole: boolean): void => {
    run.close(
      isWhole ? "served" : run.request.signal.aborted ? "client-gone" : "broken",
      usageIn(outcome, run.request.dialect),
    );
  };
  const finder = finderOf(router.secrets);
  if (outcome.body instanceof Uint8Array) {
    end(true);
    return new Response(finder.cleanBytes(outcome.body), init);
  }
  // A client that leaves before the first read does not cancel the stream.
  run.request.signal.addEventListener("abort", () => end(false), { once: true });
  return new Response(passThrough(withoutSecrets(outcome.body, finder), end), init);
}

/** Errors also name the last lane and the number of attempts. */
function signed(response: Response, run: RequestRun): Response {
  const headers = signature(run.attempts.at(-1), run);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

/** The lane that answered or was tried last, if any, and the number of attempts. */
function signature(asked: Attempt | undefined, { attempts }: RequestRun): Record<string, string> {
  const who: Record<string, string> =
    asked === undefined
      ? {}
      : {
          "x-orouter-model": headerSafe(formatModelRef(asked.ref)),
          "x-orouter-key": headerSafe(asked.key.name),
        };
  return { ...who, "x-orouter-attempts": String(attempts.length) };
}

function usageIn(
  outcome: { body: Uint8Array | ByteReader; usage?: Usage | undefined },
  dialect: Dialect = DEFAULT_DIALECT,
): Usage | undefined {
  return outcome.body instanceof Uint8Array
    ? dialectSpec(dialect).usageOf(readField(outcome.body, "usage"))
    : outcome.usage;
}

/** A full turn fitted: the client may compact again at the next overflow. */
function noteFit(request: ModelRequest): void {
  if (request.session.overflows > 0 && request.body !== undefined && hasTools(request.body))
    request.session.overflows = 0;
}

const TOOLS = new TextEncoder().encode('"tools"');

function hasTools(body: Uint8Array): boolean {
  return hasBytes(body, TOOLS);
}

function exhausted(run: RequestRun, router: Router): Response {
  const exhaustion = describeExhaustion(run.progress, run.request, router);
  router.emit(exhaustedEvent(exhaustion));
  const { profile, dialect } = run.request;
  const firstMs = firstFreeMs(exhaustion);
  const freeInMs = firstMs === undefined ? undefined : firstMs - exhaustion.atMs;
  const message = exhaustionSummary(exhaustion) + keptWords(run.request);
  return finalReply(profile, { why: "exhausted", message, freeInMs }, dialect);
}

/** Why no other key could help. */
function keptWords({ kept }: ModelRequest): string {
  return kept?.tie === undefined ? "" : `\nOnly the key that made ${kept.ids.join(", ")} can use it.`;
}

/** The request itself is at fault: the provider's words go back. */
function refused(
  request: ModelRequest,
  { verdict, reply }: Extract<RunResult, { kind: "refusal" }>,
  secrets: readonly string[],
): Response {
  const { profile, dialect } = request;
  const { message } = verdict;
  if (verdict.kind === "overflow") {
    const inARow = ++request.session.overflows;
    return errorResponse(profile.overflow({ message, asked: request.asked, inARow }, dialect));
  }
  // With a 2xx status, or in the middle of a stream, the words need an error form of their own.
  if (reply === undefined || reply.status < 400)
    return finalReply(profile, { why: "refused", message }, dialect);
  return passedOn(providerBody(reply.body, secrets), {
    status: dialect === undefined ? reply.status : profile.passedStatus(reply.status),
    headers: clientHeaders(reply.headers, secrets),
  });
}

/** A provider's error as it is. */
function passedOn(body: ProviderWords, init: { status: number; headers: Record<string, string> }): Response {
  return new Response(body, init);
}

/** The one error that ends a request, in the client's form. */
export function finalReply(profile: ClientProfile, failure: FinalFailure, dialect?: Dialect): Response {
  return errorResponse(profile.finalError(failure, dialect));
}

function errorResponse({ status, headers, body }: ClientError): Response {
  return Response.json(body, { status, headers });
}
