import { wireModelId } from "../core/catalog/model-kinds.ts";
import { withoutFields } from "../core/routing/model-facts.ts";
import { withOutputLimit } from "../core/stream/asked.ts";
import { withPrefill } from "../core/stream/prefill.ts";
import { classifyFailure, ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { Call, CallOptions, CallOutcome } from "./attempt.ts";
import { bodyFor } from "./destination.ts";
import { noAnswer, openStream, readBody, readWhole, refusal } from "./read-reply.ts";
import { wantsStream } from "./read-request.ts";
import { type TranslatedCall, translateCall } from "./translated-call.ts";
import { AnswerTooLong, type Reply, unpacked } from "./transport.ts";

/** The watch over a call that has not said anything yet. */
export interface FirstTokenWatch {
  /** Sign of life that does not count as a token, but shows that one is on its way. */
  progressed: () => void;
  stop: () => void;
  /** Whether the call was given up for its silence. */
  hasFired: () => boolean;
}

/** How often, in parts of the limit, a silent call is looked at again while there is nowhere else to go. */
const LOOKS = 4;

/** A whole answer comes in one piece at its end: its silence is given so many times the limit. */
const WHOLE_ANSWER = 4;

/** Whether to ask elsewhere costs nothing but time: what an unknown endpoint has begun may be paid for twice. */
function mayAskElsewhere({ dialect, method }: CallOptions["request"]): boolean {
  return dialect !== undefined || method === "GET" || method === "HEAD";
}

/**
 * Gives up a silent call once its time is over and another lane is free. Without one it may take longer, but not for
 * ever: a connection that is dead without a word would never end by itself.
 */
export function watchFirstToken(options: CallOptions, giveUp: () => void): FirstTokenWatch {
  const { firstTokenMs, silenceLimitMs, env, request } = options;
  let hasFired = false;
  let sinceMs = env.now();
  const look = (): void => {
    const nowMs = env.now();
    // Not before there is a silence: to find out what was asked for means reading through the request.
    const times = wantsStream(request) ? 1 : WHOLE_ANSWER;
    const limitMs = firstTokenMs * times;
    // A clock that was set back would have it wait for the difference, too.
    sinceMs = Math.min(nowMs, Math.max(sinceMs, options.crowdedUntilMs()));
    const leftMs = sinceMs + limitMs - nowMs;
    const lastMs = sinceMs + Math.max(silenceLimitMs * times, limitMs) - nowMs;
    if (lastMs <= 0 || (leftMs <= 0 && mayAskElsewhere(request) && options.mayMoveOn())) {
      hasFired = true;
      giveUp();
      return;
    }
    stop = env.after(Math.min(lastMs, leftMs > 0 ? leftMs : limitMs / LOOKS), look);
  };
  let stop = env.after(firstTokenMs, look);
  return {
    progressed: () => {
      sinceMs = env.now();
    },
    stop: () => stop(),
    hasFired: () => hasFired,
  };
}

/** Makes one upstream call and finds out whether it is an answer. Nothing has gone to the client yet. */
export async function callProvider(options: CallOptions): Promise<CallOutcome> {
  const { request, provider, attempt } = options;
  if (request.signal.aborted) return { kind: "client-gone" };
  const model = wireModelId(attempt.ref.model, provider.baseUrl);
  const translated =
    options.dialect === undefined
      ? undefined
      : translateCall(request, { api: options.dialect, model }, options.env);
  if (translated?.kind === "untranslatable") {
    return { kind: "refused", verdict: ownVerdict.untranslatable(translated.why), reply: undefined };
  }
  const abort = (): void => attempt.abort();
  request.signal.addEventListener("abort", abort, { once: true });
  const watch = watchFirstToken(options, abort);
  try {
    const reply = await attempt.send(options.transport, {
      url: `${provider.baseUrl}/${translated?.endpoint ?? request.endpoint}`,
      method: request.method,
      headers: request.headers,
      dialect: options.dialect,
      body: prefilled(adapted(translated?.body ?? bodyFor(request, model), options), options),
    });
    return await understand(unpacked(reply), { options, progressed: watch.progressed }, translated);
  } catch (cause) {
    // Whatever went wrong, the rest of the reply is not read.
    abort();
    if (request.signal.aborted) return { kind: "client-gone" };
    const verdict = watch.hasFired() ? ownVerdict.silent() : failure(cause);
    return { kind: "refused", verdict, reply: undefined };
  } finally {
    watch.stop();
  }
}

/** The body as the model takes it, as far as its refusals have told. */
function adapted(
  body: Uint8Array<ArrayBuffer> | undefined,
  { outputLimit, without }: Pick<CallOptions, "outputLimit" | "without">,
): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  const taken = without === undefined ? body : withoutFields(body, without);
  return outputLimit === undefined ? taken : withOutputLimit(taken, outputLimit);
}

/** The body with the text that the model is to continue, if there is one and its dialect has a place for it. */
function prefilled(
  body: Uint8Array<ArrayBuffer> | undefined,
  { attempt, dialect, prefill, provider }: CallOptions,
): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined || dialect === undefined || prefill === undefined) return body;
  const begun = withPrefill(body, dialect, prefill, provider.unfinishedMark);
  if (begun === undefined) return body;
  attempt.prefill = prefill;
  return begun;
}

function failure(cause: unknown): Verdict {
  return cause instanceof AnswerTooLong ? ownVerdict.badStream(cause.message) : classifyFailure(cause);
}

function understand(
  response: Reply,
  call: Call,
  translated: TranslatedCall | undefined,
): CallOutcome | Promise<CallOutcome> {
  const { status, headers, body } = response;
  if (status >= 300) return refusal(response, call.options);
  if (call.options.request.dialect === undefined)
    return { kind: "body", status, headers, body: body ?? new Uint8Array() };
  const type = headers.get("content-type") ?? "";
  const isStream = type.includes("text/event-stream");
  if (!isStream && translated === undefined && !wantsStream(call.options.request))
    return readWhole(response, call);
  const reader = body && (translated?.reader(body, type, call.options.answerBytes) ?? body);
  if (isStream) {
    return reader === undefined
      ? noAnswer(response, "the stream was empty")
      : openStream(response, reader, call);
  }
  return readBody(response, reader, call);
}
