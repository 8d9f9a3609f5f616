import { wireModelId } from "../core/catalog/model-kinds.ts";
import { withOutputLimit } from "../core/stream/output-limit.ts";
import { withoutFields } from "../core/stream/refused-fields.ts";
import { classifyFailure, ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import { AnswerTooLong } from "./answer-too-long.ts";
import type { AttemptOptions, AttemptOutcome, Call } from "./attempt-outcome.ts";
import { watchFirstToken } from "./first-token.ts";
import { noAnswer, refusal } from "./judge-reply.ts";
import { bodyFor, wantsStream } from "./model-request.ts";
import { openStream } from "./open-stream.ts";
import { readBody, readWhole } from "./read-body.ts";
import type { Reply } from "./reply.ts";
import { type TranslatedCall, translateCall } from "./translated-call.ts";
import { unpacked } from "./unpacked.ts";
import type { CallUnderWay } from "./upstream.ts";

/** Makes one upstream call and finds out whether it is an answer. Nothing has gone to the client yet. */
export async function makeAttempt(options: AttemptOptions): Promise<AttemptOutcome> {
  const { request, provider, key, ref } = options;
  if (request.signal.aborted) return { kind: "client-gone" };
  const model = wireModelId(ref.model, provider.baseUrl);
  const translated =
    options.dialect === undefined
      ? undefined
      : translateCall(request, { api: options.dialect, model }, options.chance);
  if (translated?.kind === "untranslatable") {
    return { kind: "refused", verdict: ownVerdict.untranslatable(translated.why), reply: undefined };
  }
  let call: CallUnderWay | undefined;
  const abort = (): void => call?.abort();
  request.signal.addEventListener("abort", abort, { once: true });
  const watch = watchFirstToken(options, abort);
  try {
    call = options.transport({
      url: `${provider.baseUrl}/${translated?.endpoint ?? request.endpoint}`,
      method: request.method,
      headers: request.headers,
      secret: key.secret,
      body: adapted(translated?.body ?? bodyFor(request, model), options),
      isCrowdSmall: options.isCrowdSmall,
    });
    return await understand(
      unpacked(await call.reply),
      { options, abort, progressed: watch.progressed },
      translated,
    );
  } catch (cause) {
    // Whatever went wrong, nobody reads the rest of it.
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
  { outputLimit, without }: Pick<AttemptOptions, "outputLimit" | "without">,
): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  const taken = without === undefined ? body : withoutFields(body, without);
  return outputLimit === undefined ? taken : withOutputLimit(taken, outputLimit);
}

function failure(cause: unknown): Verdict {
  return cause instanceof AnswerTooLong ? ownVerdict.badStream(cause.message) : classifyFailure(cause);
}

function understand(
  response: Reply,
  call: Call,
  translated: TranslatedCall | undefined,
): AttemptOutcome | Promise<AttemptOutcome> {
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
