import { firstChoice } from "../core/dialect/hub-answer.ts";
import { dialectSpec } from "../core/dialect/registry.ts";
import { streamOfWhole } from "../core/dialect/translate.ts";
import { asObject, parseJson } from "../core/json.ts";
import { ownWords, type ProviderWords, providerWords } from "../core/scrub.ts";
import { joined } from "../core/stream/bytes.ts";
import { hollowBody } from "../core/stream/choice-book.ts";
import { readField } from "../core/stream/rewrite.ts";
import { looksLikeEvents } from "../core/stream/sse.ts";
import { type GateFailure, StreamGate } from "../core/stream/stream-gate.ts";
import { classify } from "../core/verdict/classify.ts";
import { ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { Call, CallOptions, CallOutcome, ErrorReply } from "./attempt.ts";
import { askedOf, type ModelRequest, noteFlaw, wantsStream } from "./read-request.ts";
import { AnswerTooLong, type ByteReader, parsedLimit, type Reply } from "./transport.ts";

/** The first bytes of a body as text. */
export async function readHead(body: ByteReader | undefined, maxBytes: number): Promise<string> {
  if (body === undefined) return "";
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (bytes < maxBytes) {
      const { done, value } = await body.read();
      if (done) break;
      parts.push(value);
      bytes += value.length;
    }
  } catch {
    // A body that breaks off still has its beginning, and the status.
  }
  void body.cancel().catch(() => {});
  return new TextDecoder().decode(Buffer.concat(parts).subarray(0, maxBytes));
}

type Judging = Pick<CallOptions, "provider" | "rules" | "request" | "secrets" | "env">;

/** Undefined for a good answer. */
export function judgeReply(reply: ErrorReply, options: Judging, isWhole = false): Verdict | undefined {
  const { provider, rules, request, secrets, env } = options;
  const expectsAnswer = request.dialect !== undefined;
  const subject = { provider: provider.id, path: `/${request.endpoint}`, expectsAnswer, isWhole, ...reply };
  return classify(subject, { userRules: rules, secrets, nowMs: env.now() });
}

/**
 * The verdict on a failed stream; `reply` without its body. `isBehindHead`: the client already received part of the
 * answer.
 */
export function failureVerdict(
  failure: GateFailure,
  reply: ErrorReply,
  options: Judging,
  isBehindHead = false,
): Verdict {
  const words = (text: string): ProviderWords => providerWords(text, options.secrets);
  switch (failure.kind) {
    case "said":
      return (
        judgeReply({ ...reply, body: failure.text }, options) ??
        (isBehindHead
          ? ownVerdict.broken("error", words(failure.text))
          : ownVerdict.badStream(words(failure.text)))
      );
    case "flawed":
      return ownVerdict.badStream(words(failure.why));
    case "cut":
      return isBehindHead
        ? ownVerdict.broken("reset", words(failure.why))
        : ownVerdict.badStream(words(failure.why));
    case "hollow":
      return ownVerdict.hollow(words(failure.why));
    case "bad-call":
      return ownVerdict.badCall(words(failure.why));
    case "too-long":
      return ownVerdict.callTooLong(words(failure.why));
    case "mismatch":
      return ownVerdict.mismatch();
  }
}

/** A reply whose status says that it is not an answer. */
export async function refusal(response: Reply, options: CallOptions): Promise<CallOutcome> {
  const { status, headers } = response;
  const reply = { status, headers, body: await readHead(response.body, options.errorBodyBytes) };
  const verdict =
    status < 400
      ? ownVerdict.redirect(status, headers.get("location"), options.secrets)
      : (judgeReply(reply, options) ?? ownVerdict.unexplained(status));
  return { kind: "refused", verdict, reply };
}

/** A 200 that holds neither an answer nor a reason. */
export function noAnswer(response: Reply, why: ProviderWords): CallOutcome {
  const reply = { status: response.status, headers: response.headers, body: "" };
  return { kind: "refused", verdict: ownVerdict.badStream(why), reply };
}

/**
 * Reads the head of a stream until it is meaningful. Nothing is sent to the client before this returns, so an early
 * error is a plain rejection.
 */
export async function openStream(response: Reply, reader: ByteReader, call: Call): Promise<CallOutcome> {
  const { attempt, request, continues } = call.options;
  const { dialect, profile } = request;
  if (dialect === undefined) return noAnswer(response, ownWords("an unrequested stream"));
  const { settleFinish } = profile;
  const onSeal = call.options.learnSeal;
  const sent =
    continues && attempt.prefill ? { ...continues, withheld: attempt.prefill.withheld } : continues;
  const gate = new StreamGate({ dialect, settleFinish, asked: askedOf(request), continues: sent, onSeal });
  for (;;) {
    const { done, value } = await reader.read();
    const head = readOn(gate, done ? undefined : value);
    if (head.failure !== undefined) {
      attempt.abort();
      return refusedBy(head.failure, response, call);
    }
    // A continuation repeats known text for long before its first new token.
    if (continues !== undefined && head.progressed) call.progressed();
    if (!head.isWhole && !gate.isOpen) continue;
    const { status, headers } = response;
    const { pass: first, isWhole } = head;
    return { kind: "stream", stream: { status, headers, gate, reader, first, isWhole } };
  }
}

interface Head {
  pass?: Uint8Array | undefined;
  failure?: GateFailure | undefined;
  progressed?: boolean;
  isWhole: boolean;
}

/** One step of the head: what may pass, whether it failed, whether it ended. */
function readOn(gate: StreamGate, chunk: Uint8Array | undefined): Head {
  const step = chunk === undefined ? undefined : gate.push(chunk);
  if (step?.failure !== undefined) return { failure: step.failure, isWhole: false };
  if (chunk !== undefined && !gate.isDone) {
    return { pass: step?.pass, progressed: step?.progressed ?? false, isWhole: false };
  }
  const end = gate.end();
  if (end.kind === "broken") return { failure: end.failure, isWhole: false };
  return { pass: joined(step?.pass, end.tail), isWhole: true };
}

function refusedBy(failure: GateFailure, { status, headers }: Reply, { options }: Call): CallOutcome {
  noteFlaw(options.request, failure.kind);
  if (failure.kind === "mismatch")
    return { kind: "refused", verdict: ownVerdict.mismatch(), reply: undefined };
  const verdict = failureVerdict(failure, { status, headers, body: "" }, options);
  const body = failure.kind === "said" ? failure.text : "";
  return { kind: "refused", verdict, reply: { status, headers, body } };
}

const decoder = new TextDecoder();

/**
 * A reply that is not labelled as a stream: JSON, a page, or a mislabelled stream, which its first bytes reveal, so
 * that it is not buffered.
 */
export async function readBody(
  response: Reply,
  reader: ByteReader | undefined,
  call: Call,
): Promise<CallOutcome> {
  const isStreamWanted = wantsStream(call.options.request);
  const { answerBytes } = call.options;
  const maxBytes = isStreamWanted ? parsedLimit(answerBytes) : answerBytes;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    if (isStreamWanted && bytes === 0 && looksLikeEvents(decoder.decode(value.subarray(0, HEAD_BYTES))))
      return openStream(asEvents(response), replay(value, reader), call);
    bytes += value.length;
    if (bytes > maxBytes) throw new AnswerTooLong(maxBytes, isStreamWanted);
    parts.push(value);
  }
  const large = bytes > LARGE_BYTES && !isStreamWanted ? largeBody(response, parts, call) : undefined;
  if (large !== undefined) return large;
  if (bytes > parsedLimit(answerBytes)) throw new AnswerTooLong(parsedLimit(answerBytes), true);
  return wholeBody(response, Buffer.concat(parts.splice(0)), call);
}

/** So much of a body tells whether it is a stream. */
const HEAD_BYTES = 1024;

/** A body of more than this is neither copied nor read as text in one piece. */
const LARGE_BYTES = 1024 * 1024;

/** As much of the beginning and of the end of a large body tells whether it is an answer. */
const END_BYTES = 64 * 1024;

/** An answer that is plainly good by both its ends; undefined for one that has to be read as a whole. */
function largeBody(
  { status, headers }: Reply,
  parts: readonly Uint8Array[],
  { options }: Call,
): CallOutcome | undefined {
  const { dialect } = options.request;
  const head = decoder.decode(endOf(parts, "head"));
  const tail = decoder.decode(endOf(parts, "tail"));
  const body = head + tail;
  if (dialect === undefined || judgeReply({ status, headers, body }, options, true) !== undefined)
    return undefined;
  if (hollowBody(dialect, body) !== undefined) return undefined;
  const usage = new TextEncoder().encode(`{${tail.slice(tail.lastIndexOf('"usage"'))}`);
  return {
    kind: "body",
    status,
    headers,
    body: replay(parts),
    usage: dialectSpec(dialect).usageOf(readField(usage, "usage")),
  };
}

/** The first or the last bytes of a body that came in parts. */
function endOf(parts: readonly Uint8Array[], end: "head" | "tail"): Uint8Array {
  const taken: Uint8Array[] = [];
  let bytes = 0;
  for (const part of end === "head" ? parts : parts.toReversed()) {
    if (bytes >= END_BYTES) break;
    taken.push(end === "head" ? part.subarray(0, END_BYTES) : part.subarray(-END_BYTES));
    bytes += part.length;
  }
  return Buffer.concat(end === "head" ? taken : taken.toReversed());
}

/**
 * A body that should not be a stream: reading it in one piece is cheaper if its length is known and small. A compressed
 * body's length says nothing.
 */
export async function readWhole(response: Reply, call: Call): Promise<CallOutcome> {
  const { body, headers } = response;
  const announced = Number(headers.get("content-length") ?? Number.NaN);
  const isKnown = announced <= LARGE_BYTES && !headers.has("content-encoding");
  if (!isKnown || body === undefined) return readBody(response, body, call);
  return wholeBody(response, await body.bytes(), call);
}

function wholeBody(
  response: Reply,
  body: Uint8Array<ArrayBuffer>,
  call: Call,
): CallOutcome | Promise<CallOutcome> {
  const { request } = call.options;
  const { status, headers } = response;
  const reply = { status, headers, body: decoder.decode(body) };
  const verdict = judgeReply(reply, call.options, true);
  if (verdict !== undefined) return { kind: "refused", verdict, reply };
  learnSeals(reply.body, call.options);
  if (!wantsStream(request)) return hollowIn(reply, request) ?? { kind: "body", status, headers, body };
  const events =
    request.dialect === undefined ? undefined : streamOfWhole(request.dialect, parseJson(reply.body));
  if (events === undefined)
    return noAnswer(response, ownWords("the answer was no stream, and no completion either"));
  return openStream(asEvents(response), replay(new TextEncoder().encode(events)), call);
}

/** Notes the signatures in an answer in one piece. */
function learnSeals(body: string, { request, learnSeal }: CallOptions): void {
  if (request.dialect === undefined || !SEAL.test(body)) return;
  const spec = dialectSpec(request.dialect);
  const reader = spec.reader();
  for (const event of spec.eventsOf(asObject(parseJson(body))) ?? []) {
    const { seal } = firstChoice(reader.read(event));
    if (seal !== undefined) learnSeal(seal);
  }
}

const SEAL = /"signature"|"redacted_thinking"/;

/** The failure of a complete answer that is empty. */
function hollowIn(reply: ErrorReply, request: ModelRequest): CallOutcome | undefined {
  const why = request.dialect === undefined ? undefined : hollowBody(request.dialect, reply.body);
  if (why === undefined || askedOf(request).mayBeEmpty()) return undefined;
  noteFlaw(request, "hollow");
  return { kind: "refused", verdict: ownVerdict.hollow(providerWords(why, [])), reply };
}

function asEvents({ status, headers }: Reply): Reply {
  const typed = new Headers(headers);
  typed.set("content-type", "text/event-stream");
  return { status, headers: typed, body: undefined };
}

/** A reader that first returns what was already read. */
function replay(read: Uint8Array | readonly Uint8Array[], reader?: ByteReader): ByteReader {
  const parts = (read instanceof Uint8Array ? [read] : [...read]).reverse();
  return {
    read: async () => {
      const value = parts.pop();
      if (value !== undefined) return { done: false, value };
      return (await reader?.read()) ?? { done: true, value: undefined };
    },
    cancel: async (reason) => reader?.cancel(reason),
  };
}
