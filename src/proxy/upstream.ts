import { fetchedReply } from "./fetched-reply.ts";
import { upstreamHeaders } from "./headers.ts";
import { sendPlain } from "./plain-http/plain-http.ts";
import type { Reply } from "./reply.ts";

/** One call to a provider. */
export interface UpstreamCall {
  url: string;
  method: string;
  headers: Headers;
  secret: string;
  body: Uint8Array<ArrayBuffer> | undefined;
}

/** How calls are made. */
export type Transport = (call: UpstreamCall & { isCrowdSmall: boolean }) => CallUnderWay;

/** A call that has gone out. */
export interface CallUnderWay {
  reply: Promise<Reply>;
  /** Breaks it off, at whatever point. */
  abort: () => void;
}

/** Through a proxy, and around it where NO_PROXY says so, Bun knows the way. */
const HAS_PROXY = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].some((name) => process.env[name]);

/**
 * Makes a call with the key in its one place. To a service without TLS, one on this machine as a rule, few calls go over
 * connections of our own: there the way to Bun's network thread and back is most of what a call costs. For many calls
 * that thread is a second pair of hands.
 */
export function startCall(call: UpstreamCall & { isCrowdSmall: boolean }): CallUnderWay {
  if (call.isCrowdSmall && call.url.startsWith("http://") && !HAS_PROXY) {
    const { url, method, headers, secret, body } = call;
    const exchange = sendPlain({ url, method, fields: upstreamHeaders(headers, secret), body });
    return { reply: exchange.reply, abort: () => exchange.abort() };
  }
  const controller = new AbortController();
  const reply = send({ ...call, signal: controller.signal }).then(fetchedReply);
  return { reply, abort: () => controller.abort() };
}

/** The same through `fetch`. Redirects come back as they are: a key is for its own origin only. */
export function send(call: UpstreamCall & { signal: AbortSignal }): Promise<Response> {
  return fetch(call.url, {
    method: call.method,
    headers: upstreamHeaders(call.headers, call.secret),
    body: call.body ?? null,
    redirect: "manual",
    signal: call.signal,
    // Bun's own limit of silence (6 minutes) would cut thinking models; ours are settings.
    timeout: false,
    // Bun would undo an encoding by itself, but it prints what it cannot undo, into the middle of opencode's screen.
    decompress: false,
  } as RequestInit);
}
