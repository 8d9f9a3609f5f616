import { TOKEN_HEADER } from "../core/client/token-header.ts";
import type { ReplyHeaders } from "../core/http/reply-headers.ts";

/** Hop-by-hop headers (RFC 9110 §7.6.1) and what Bun sets by itself. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
  "content-length",
  "expect",
];

/** What tells of the client or its machine and is no business of an upstream. */
const PRIVATE = [
  "authorization",
  "cookie",
  "origin",
  "forwarded",
  "via",
  "x-real-ip",
  // The token, or a key of the user's own that is for its own provider only.
  TOKEN_HEADER,
  "x-api-key",
  "api-key",
  "x-goog-api-key",
];

/** What must not come back: encodings that are undone, cookies, and waits that opencode would sit out. */
const NOT_DOWN = [
  "content-encoding",
  "set-cookie",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "alt-svc",
];

const NOTHING: readonly string[] = [];
const NOT_UP_SET = new Set([...HOP_BY_HOP, ...PRIVATE]);
const NOT_DOWN_SET = new Set([...HOP_BY_HOP, ...NOT_DOWN]);

/** The headers of a call to the upstream: the client's, less what is private or per hop, with the key. */
export function upstreamHeaders(client: Headers, secret: string): Record<string, string> {
  const headers = kept(client, NOT_UP_SET);
  headers["authorization"] = `Bearer ${secret}`;
  // What is looked into has to be plain; an upstream that packs all the same is unpacked.
  headers["accept-encoding"] = "identity";
  return headers;
}

/** The headers without any that holds the token, whatever its name; the very same where there is none. */
export function withoutToken(given: Headers, token: string): Headers {
  const all = given.toJSON();
  const holders = Object.keys(all).filter((name) => !NOT_UP_SET.has(name) && all[name]?.includes(token));
  if (holders.length === 0) return given;
  const kept = new Headers(given);
  for (const name of holders) kept.delete(name);
  return kept;
}

/** A query, with its question mark, without any value that holds the token. */
export function withoutTokenIn(search: string, token: string): string {
  if (search === "") return search;
  const holdsToken = (part: string): boolean =>
    [...new URLSearchParams(part)].some(([name, value]) => name.includes(token) || value.includes(token));
  const kept = search
    .slice(1)
    .split("&")
    .filter((part) => !holdsToken(part));
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}

/** The headers of an answer to the client. */
export function clientHeaders(upstream: ReplyHeaders): Record<string, string> {
  return kept(upstream, NOT_DOWN_SET);
}

/** One pass over a plain copy: Bun's own iteration costs three times as much, taking names out a call each. */
function kept(given: ReplyHeaders, dropped: ReadonlySet<string>): Record<string, string> {
  const all = given.toJSON();
  const named = namedByConnection(all["connection"]);
  const headers: Record<string, string> = {};
  for (const name in all) {
    const value = all[name];
    if (value === undefined || dropped.has(name) || name.startsWith("x-forwarded-") || named.includes(name))
      continue;
    headers[name] = value;
  }
  return headers;
}

/** Bun itself refuses a longer head than this. */
const BUN_HEAD_BYTES = 16 * 1024;

/** Whether the characters in the head of a request are more than allowed; counted only where Bun allows more. */
export function isHeadTooLong(headers: Headers, maxBytes: number): boolean {
  if (maxBytes >= BUN_HEAD_BYTES) return false;
  const all = headers.toJSON();
  let bytes = 0;
  for (const name in all) bytes += name.length + (all[name]?.length ?? 0);
  return bytes > maxBytes;
}

/** `Connection: close, X-Foo` makes X-Foo hop-by-hop too. */
function namedByConnection(connection: string | undefined): readonly string[] {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return NOTHING;
  return connection.split(",").map((name) => name.trim().toLowerCase());
}

const VISIBLE = /^[\x20-\x7e]*$/;

/** A header value may hold visible ASCII only; names of keys are the user's and may hold anything. */
export function headerSafe(text: string): string {
  if (VISIBLE.test(text)) return text;
  return text.toWellFormed().replace(/[^\x20-\x7e]/gu, (char) => encodeURIComponent(char));
}
