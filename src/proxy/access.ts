import { TOKEN_HEADER } from "../core/client/client-profile.ts";

/** Random enough that a plain hash of a token cannot be reversed. */
const TOKEN_BYTES = 32;

export function newToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))).toString("base64url");
}

/** Host names of this machine; any other one in `Host` means that a foreign name led a browser here. */
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

export interface AccessOptions {
  token: string;
  /** Further names on which the proxy listens (`--host`). */
  hosts: readonly string[];
  /** The name of the client that has a token of its own; absent: there are none. */
  clientOf?: ((token: string) => string | undefined) | undefined;
}

/** Who calls: the owner of this run, or a client with a token of its own. */
export interface Caller {
  token: string;
  client: string | undefined;
}

export interface AccessRefusal {
  status: 401 | 403;
  message: string;
}

/**
 * Headers that may contain the token, and the prefix before it. A client may send its user's own key in one of them:
 * one right value is enough, and the others are ignored.
 */
const TOKEN_FIELDS = [
  ["authorization", "Bearer "],
  [TOKEN_HEADER, ""],
  ["x-api-key", ""],
] as const;

/** Rejects foreign hosts (DNS rebinding), browser pages, and requests without this run's token. */
export function createAccess(options: AccessOptions): (headers: Headers) => AccessRefusal | Caller {
  const fields = TOKEN_FIELDS.map(([name, scheme]) => [name, scheme + options.token] as const);
  const hosts = new Set([...LOOPBACK, ...options.hosts.map(bracketed)]);
  const isForAll = options.hosts.some((host) => host === "0.0.0.0" || host === "::");
  const isOurs = (host: string): boolean => {
    const name = hostName(host);
    return hosts.has(name) || (isForAll && isAddress(name));
  };
  const owner: Caller = { token: options.token, client: undefined };
  const { clientOf } = options;
  // A client sends the same host with every request.
  let knownHost: string | undefined;
  return (headers) => {
    const host = headers.get("host");
    if (host === null || (host !== knownHost && !isOurs(host))) {
      return { status: 403, message: "orouter answers only under the name of this machine." };
    }
    knownHost = host;
    if (headers.has("origin")) return { status: 403, message: "orouter does not answer web pages." };
    if (fields.some(([name, expected]) => matches(headers.get(name), expected))) return owner;
    const client = clientOf === undefined ? undefined : callerIn(headers, clientOf);
    return client ?? { status: 401, message: "orouter: the token is missing or is not this run's." };
  };
}

function callerIn(headers: Headers, clientOf: (token: string) => string | undefined): Caller | undefined {
  for (const [name, scheme] of TOKEN_FIELDS) {
    const value = headers.get(name);
    if (value === null || !value.startsWith(scheme)) continue;
    const token = value.slice(scheme.length);
    const client = clientOf(token);
    if (client !== undefined) return { token, client };
  }
  return undefined;
}

/** As in a `Host` header. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host.toLowerCase()}]` : host.toLowerCase();
}

/** A foreign name cannot resolve to a numeric Host header. */
function isAddress(host: string): boolean {
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/.test(host);
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/** In constant time, so that the token cannot be guessed byte by byte; its length is not secret. */
function matches(given: string | null, expected: string): boolean {
  if (given === null || given.length !== expected.length) return false;
  let difference = 0;
  for (let at = 0; at < expected.length; at++) difference |= given.charCodeAt(at) ^ expected.charCodeAt(at);
  return difference === 0;
}
