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
const PRIVATE = ["authorization", "cookie", "origin", "forwarded", "via", "x-api-key", "x-real-ip"];

/** What must not come back: encodings that are undone, cookies, and waits that opencode would sit out. */
const NOT_DOWN = [
  "content-encoding",
  "set-cookie",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "alt-svc",
];

/** The headers of a call to the upstream: the client's, less what is private or per hop, with the key. */
export function upstreamHeaders(client: Headers, secret: string): Headers {
  const headers = new Headers(client);
  dropNamedByConnection(headers);
  for (const name of HOP_BY_HOP) headers.delete(name);
  for (const name of PRIVATE) headers.delete(name);
  for (const name of [...headers.keys()]) if (name.startsWith("x-forwarded-")) headers.delete(name);
  headers.set("authorization", `Bearer ${secret}`);
  // What is looked into has to be plain; an upstream that packs all the same is unpacked.
  headers.set("accept-encoding", "identity");
  return headers;
}

/** The headers of an answer to the client, with who served it. */
export function clientHeaders(upstream: Headers, served: Record<string, string>): Headers {
  const headers = new Headers(upstream);
  dropNamedByConnection(headers);
  for (const name of HOP_BY_HOP) headers.delete(name);
  for (const name of NOT_DOWN) headers.delete(name);
  for (const [name, value] of Object.entries(served)) headers.set(name, value);
  return headers;
}

/** `Connection: close, X-Foo` makes X-Foo hop-by-hop too. */
function dropNamedByConnection(headers: Headers): void {
  for (const name of (headers.get("connection") ?? "").split(",")) {
    const trimmed = name.trim().toLowerCase();
    if (/^[a-z0-9-]+$/.test(trimmed)) headers.delete(trimmed);
  }
}

/** A header value may hold visible ASCII only; names of keys are the user's and may hold anything. */
export function headerSafe(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x7e]/gu, (char) => encodeURIComponent(char));
}
