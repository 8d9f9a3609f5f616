import { wireModelId } from "../core/catalog/model-kinds.ts";
import { traitsOf } from "../core/dialect/model-traits.ts";
import { dialectSpec } from "../core/dialect/registry.ts";
import { formatModelRef } from "../core/model-ref.ts";
import { withoutFields } from "../core/routing/model-facts.ts";
import { ownWords, providerWords } from "../core/scrub.ts";
import { withOutputLimit } from "../core/stream/asked.ts";
import { withPrefill } from "../core/stream/prefill.ts";
import { classifyFailure, ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { Call, CallOptions, CallOutcome } from "./attempt.ts";
import { bodyFor } from "./destination.ts";
import { noAnswer, openStream, readBody, readWhole, refusal } from "./read-reply.ts";
import { wantsStream } from "./read-request.ts";
import { type TranslatedCall, translateCall } from "./translated-call.ts";
import { AnswerTooLong, framingFault, parsedLimit, type Reply, unpacked } from "./transport.ts";

/** Watches a call that has not sent a token yet. */
export interface FirstTokenWatch {
  /** A sign of life that is not a token, but shows that one will follow. */
  progressed: () => void;
  stop: () => void;
  /** Whether the call was abandoned because of its silence. */
  hasFired: () => boolean;
}

/** How often, in parts of the limit, a silent call is checked again while no other lane is free. */
const LOOKS = 4;

/** A complete answer arrives in one piece, so its silence may last this many times the limit. */
const WHOLE_ANSWER = 4;

/** Whether a second call costs only time: a call to an unknown endpoint might be charged twice. */
function mayAskElsewhere({ dialect, method }: CallOptions["request"]): boolean {
  return dialect !== undefined || method === "GET" || method === "HEAD";
}

/**
 * Abandons a silent call after its timeout if another lane is free. Without one it may take longer, but not forever: a
 * silently dead connection would never end by itself.
 */
export function watchFirstToken(options: CallOptions, giveUp: () => void): FirstTokenWatch {
  const { firstTokenMs, silenceLimitMs, env, request } = options;
  let hasFired = false;
  let sinceMs = env.now();
  const look = (): void => {
    const nowMs = env.now();
    // Only after a silence: detecting a stream means searching the request.
    const times = wantsStream(request) ? 1 : WHOLE_ANSWER;
    const limitMs = firstTokenMs * times;
    // After the clock was set back, do not wait for the difference, too.
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

/** Makes one upstream call and decides whether it is an answer. Nothing has been sent to the client yet. */
export async function callProvider(options: CallOptions): Promise<CallOutcome> {
  const { request, provider, attempt } = options;
  if (request.signal.aborted) return { kind: "client-gone" };
  const model = wireModelId(attempt.ref.model, provider.baseUrl);
  const translated =
    options.dialect === undefined
      ? undefined
      : translateCall(
          request,
          { api: options.dialect, model, provider, outputLimit: options.outputLimit },
          options.env,
        );
  if (translated?.kind === "untranslatable") {
    return {
      kind: "refused",
      verdict: ownVerdict.untranslatable(providerWords(translated.why, options.secrets)),
      reply: undefined,
    };
  }
  const abort = (): void => attempt.abort();
  request.signal.addEventListener("abort", abort, { once: true });
  const watch = watchFirstToken(options, abort);
  try {
    const reply = await attempt.send(options.transport, {
      url: `${provider.baseUrl}/${translated?.endpoint ?? request.endpoint}`,
      method: request.method,
      isAlone: options.isAlone,
      headers: request.headers,
      auth: provider.auth,
      dialect: options.dialect,
      isTranslated: translated !== undefined,
      body: prefilled(adapted(translated?.body ?? passed(model, options), options), options),
    });
    return await understand(unpacked(reply), { options, progressed: watch.progressed }, translated);
  } catch (cause) {
    // After a failure the rest of the reply is not read.
    abort();
    if (request.signal.aborted) return { kind: "client-gone" };
    const verdict = watch.hasFired() ? ownVerdict.silent() : failure(cause, options.secrets);
    return { kind: "refused", verdict, reply: undefined };
  } finally {
    watch.stop();
  }
}

/** The client's own body, without what only models of another family accept. */
function passed(model: string, options: CallOptions): Uint8Array<ArrayBuffer> | undefined {
  const { request, provider, dialect, familyOfSeal } = options;
  const body = bodyFor(request, model);
  if (body === undefined || dialect === undefined) return body;
  return dialectSpec(dialect).passRequest?.(body, traitsOf(provider, model), familyOfSeal) ?? body;
}

/** The body without what the model has rejected before. */
function adapted(
  body: Uint8Array<ArrayBuffer> | undefined,
  { outputLimit, without, dialect, request, attempt }: CallOptions,
): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  const kept = without === undefined ? body : withoutFields(body, without);
  const repair = request.reasoningRepairs?.get(formatModelRef(attempt.ref));
  const taken =
    dialect === undefined || repair === undefined
      ? kept
      : (dialectSpec(dialect).repairReasoning?.(kept, repair) ?? kept);
  return outputLimit === undefined ? taken : withOutputLimit(taken, outputLimit);
}

/** Adds the text for the model to continue, if its dialect supports that. */
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

function failure(cause: unknown, secrets: readonly string[]): Verdict {
  return cause instanceof AnswerTooLong
    ? ownVerdict.badStream(providerWords(cause.message, secrets))
    : classifyFailure(cause);
}

function understand(
  response: Reply,
  call: Call,
  translated: TranslatedCall | undefined,
): CallOutcome | Promise<CallOutcome> {
  const { status, headers, body } = response;
  const fault = framingFault(headers);
  if (fault !== undefined) {
    call.options.attempt.abort();
    return noAnswer(response, providerWords(fault, call.options.secrets));
  }
  if (status >= 300) return refusal(response, call.options);
  if (call.options.request.dialect === undefined)
    return { kind: "body", status, headers, body: body ?? new Uint8Array() };
  const type = headers.get("content-type") ?? "";
  const isStream = type.includes("text/event-stream");
  if (!isStream && translated === undefined && !wantsStream(call.options.request))
    return readWhole(response, call);
  const reader = body && (translated?.reader(body, type, parsedLimit(call.options.answerBytes)) ?? body);
  if (isStream) {
    return reader === undefined
      ? noAnswer(response, ownWords("the stream was empty"))
      : openStream(response, reader, call);
  }
  return readBody(response, reader, call);
}
