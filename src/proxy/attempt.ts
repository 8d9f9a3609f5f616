import { classify } from "../core/classify.ts";
import { classifyFailure } from "../core/classify-failure.ts";
import { completionEvents } from "../core/completion-events.ts";
import type { UserRule } from "../core/error-rule.ts";
import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import { ownVerdict } from "../core/own-verdict.ts";
import type { Provider } from "../core/provider.ts";
import { MISMATCH, StreamGate } from "../core/stream-gate.ts";
import type { Verdict } from "../core/verdict.ts";
import { bodyFor, type ModelRequest, wantsStream } from "./model-request.ts";
import { readHead, send } from "./upstream.ts";

/** An upstream reply that was no answer, kept for the case that it goes back to the client as it is. */
export interface ErrorReply {
  status: number;
  headers: Headers;
  body: string;
}

/** What is used of a reader; Bun's own type asks for more. */
export type ByteReader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** A stream whose head has shown that it is an answer. */
export interface OpenStream {
  status: number;
  headers: Headers;
  gate: StreamGate;
  reader: ByteReader;
  /** What the gate has let through so far. */
  first: Uint8Array | undefined;
  /** Whether the stream has already ended, and well. */
  isWhole: boolean;
  /** How it has already failed, behind the bytes in `first`. */
  error: string | undefined;
  abort: () => void;
}

export type AttemptOutcome =
  | { kind: "stream"; stream: OpenStream }
  /** A whole body, or one that is passed on unread. */
  | {
      kind: "body";
      status: number;
      headers: Headers;
      body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
    }
  | { kind: "refused"; verdict: Verdict; reply: ErrorReply | undefined }
  | { kind: "client-gone" };

export interface AttemptOptions {
  request: ModelRequest;
  provider: Provider;
  key: Key;
  ref: ModelRef;
  /** Silence allowed before the first token; undefined for the last model, which is never timed out. */
  firstTokenMs: number | undefined;
  /** The text that a resumed answer has to begin with. */
  resumeAfter?: string;
  rules: readonly UserRule[];
  errorBodyBytes: number;
  nowMs: () => number;
}

/** Makes one upstream call and finds out whether it is an answer. Nothing has gone to the client yet. */
export async function makeAttempt(options: AttemptOptions): Promise<AttemptOutcome> {
  const { request, provider, key, ref } = options;
  const controller = new AbortController();
  let isSilent = false;
  const hangUp = (): void => controller.abort();
  request.signal.addEventListener("abort", hangUp, { once: true });
  if (request.signal.aborted) return { kind: "client-gone" };
  const timer =
    options.firstTokenMs === undefined
      ? undefined
      : setTimeout(() => {
          // A whole JSON answer comes in one piece at its end: only a stream can be silent.
          if (!wantsStream(request)) return;
          isSilent = true;
          controller.abort();
        }, options.firstTokenMs);
  try {
    const response = await send({
      url: `${provider.baseUrl}/${request.endpoint}`,
      method: request.method,
      headers: request.headers,
      secret: key.secret,
      body: bodyFor(request, ref),
      signal: controller.signal,
    });
    return await understand(response, options, () => controller.abort());
  } catch (cause) {
    if (request.signal.aborted) return { kind: "client-gone" };
    return {
      kind: "refused",
      verdict: isSilent ? ownVerdict.silent() : classifyFailure(cause),
      reply: undefined,
    };
  } finally {
    clearTimeout(timer);
  }
}

async function understand(
  response: Response,
  options: AttemptOptions,
  abort: () => void,
): Promise<AttemptOutcome> {
  if (response.status >= 300) return refusal(response, options);
  const type = response.headers.get("content-type") ?? "";
  const { request } = options;
  if (request.dialect === undefined) {
    const body = response.body ?? new Uint8Array();
    return { kind: "body", status: response.status, headers: response.headers, body };
  }
  if (type.includes("text/event-stream")) return openStream(response, options, abort);
  return wholeBody(response, options);
}

async function refusal(response: Response, options: AttemptOptions): Promise<AttemptOutcome> {
  const body = await readHead(response, options.errorBodyBytes);
  const reply = { status: response.status, headers: response.headers, body };
  if (response.status < 400)
    return {
      kind: "refused",
      verdict: ownVerdict.redirect(response.status, response.headers.get("location")),
      reply,
    };
  return {
    kind: "refused",
    verdict: judge(reply, options) ?? ownVerdict.unexplained(response.status),
    reply,
  };
}

/** Reads the head of a stream until it means something. */
async function openStream(
  response: Response,
  options: AttemptOptions,
  abort: () => void,
): Promise<AttemptOutcome> {
  const { dialect } = options.request;
  const reader: ByteReader | undefined = response.body?.getReader();
  if (dialect === undefined || reader === undefined) return emptyAnswer(response);
  const { resumeAfter } = options;
  const gate = new StreamGate({ dialect, ...(resumeAfter === undefined ? {} : { resumeAfter }) });
  for (;;) {
    const { done, value } = await reader.read();
    const head = readOn(gate, done ? undefined : value);
    if (head.error !== undefined && !gate.isOpen) {
      abort();
      return inBandRefusal(response, options, head.error);
    }
    if (head.isWhole || gate.isOpen) {
      const { status, headers } = response;
      return {
        kind: "stream",
        stream: {
          status,
          headers,
          gate,
          reader,
          first: head.pass,
          isWhole: head.isWhole,
          error: head.error,
          abort,
        },
      };
    }
  }
}

/** One step of the head: what may pass, whether it failed, whether that was all. An error behind an open gate waits its turn. */
function readOn(
  gate: StreamGate,
  chunk: Uint8Array | undefined,
): { pass?: Uint8Array | undefined; error?: string | undefined; isWhole: boolean } {
  const step = chunk === undefined ? undefined : gate.push(chunk);
  if (step?.error !== undefined) return { pass: step.pass, error: step.error, isWhole: false };
  if (chunk !== undefined && !gate.isDone) return { pass: step?.pass, isWhole: false };
  const end = gate.end();
  if (end.kind === "cut") return { pass: step?.pass, error: end.why, isWhole: false };
  return { pass: joined(step?.pass, end.tail), isWhole: true };
}

/** An answer that came in one piece: JSON, or something that is no answer at all. */
async function wholeBody(response: Response, options: AttemptOptions): Promise<AttemptOutcome> {
  const body = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder().decode(body);
  const reply = { status: response.status, headers: response.headers, body: text };
  const isStreamWanted = wantsStream(options.request);
  const verdict = judge(reply, options, true);
  if (verdict !== undefined) return { kind: "refused", verdict, reply };
  if (!isStreamWanted) return { kind: "body", status: response.status, headers: response.headers, body };
  const events = options.request.dialect === "chat" ? completionEvents(parseJson(text)) : undefined;
  const asStream = events ?? (looksLikeEvents(text) ? text : undefined);
  if (asStream === undefined) return emptyAnswer(response);
  const headers = new Headers(response.headers);
  headers.set("content-type", "text/event-stream");
  return openStream(new Response(asStream, { status: 200, headers }), options, () => {});
}

function inBandRefusal(response: Response, options: AttemptOptions, text: string): AttemptOutcome {
  const reply = { status: response.status, headers: response.headers, body: text };
  if (text === MISMATCH) return { kind: "refused", verdict: ownVerdict.mismatch(), reply: undefined };
  // An event's own words are judged; that the stream just ended is ours to say.
  const verdict = text.startsWith("{") ? judge(reply, options) : undefined;
  return { kind: "refused", verdict: verdict ?? ownVerdict.badStream(text), reply };
}

function judge(reply: ErrorReply, options: AttemptOptions, isWhole = false): Verdict | undefined {
  const { provider, rules, request } = options;
  const expectsAnswer = request.dialect !== undefined;
  const subject = { provider: provider.id, path: request.endpoint, expectsAnswer, isWhole, ...reply };
  return classify(subject, { userRules: rules, nowMs: options.nowMs() });
}

function emptyAnswer(response: Response): AttemptOutcome {
  const reply = { status: response.status, headers: response.headers, body: "" };
  return {
    kind: "refused",
    verdict: ownVerdict.badStream("the answer was no stream, and no completion either"),
    reply,
  };
}

function looksLikeEvents(text: string): boolean {
  return /^(?:data|event|id|retry)?:/.test(text.trimStart());
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function joined(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Buffer.concat([a, b]);
}
