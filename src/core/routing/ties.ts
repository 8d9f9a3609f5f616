import { asText } from "../json.ts";
import { hasBytes, indexOfBytes } from "../stream/bytes.ts";
import { findField, readField } from "../stream/rewrite.ts";

/** The account that keeps a file or a stored answer: no other one knows it. */
export interface Tie {
  provider: string;
  fingerprint: string;
}

/** Ids remembered at a time; the oldest go first. */
const MAX_TIES = 20_000;

/** Longer ids are not remembered. */
const MAX_ID = 300;

/** Which key made what a client may name again, least recently used first. */
export class TieBook {
  readonly #ties = new Map<string, Tie>();

  get(id: string): Tie | undefined {
    const tie = this.#ties.get(id);
    if (tie !== undefined) this.set(id, tie);
    return tie;
  }

  set(id: string, tie: Tie): void {
    if (id === "" || id.length > MAX_ID) return;
    this.#ties.delete(id);
    this.#ties.set(id, tie);
    if (this.#ties.size <= MAX_TIES) return;
    for (const oldest of this.#ties.keys()) {
      this.#ties.delete(oldest);
      return;
    }
  }
}

/** What a request names that an account keeps. */
export interface Kept {
  ids: readonly string[];
  /** Undefined where this process has not seen who made it: then each key is asked in turn. */
  tie: Tie | undefined;
}

const encoder = new TextEncoder();
const PREVIOUS = encoder.encode('"previous_response_id"');
const FILE_ID = encoder.encode('"file_id"');
const STORE = encoder.encode('"store"');

/** The ids of stored answers and files that the body of a request names. */
export function keptIdsIn(body: Uint8Array): string[] {
  const ids = new Set<string>();
  if (hasBytes(body, PREVIOUS)) ids.add(asText(readField(body, "previous_response_id")));
  for (let at = indexOfBytes(body, FILE_ID); at >= 0; at = indexOfBytes(body, FILE_ID, at + 1)) {
    const value = latin1At(body, at + FILE_ID.length);
    ids.add(/^\s*:\s*"([^"\\]+)"/.exec(value)?.[1] ?? "");
  }
  ids.delete("");
  return [...ids];
}

function latin1At(body: Uint8Array, at: number): string {
  return Buffer.from(body.subarray(at, at + MAX_ID + 20)).toString("latin1");
}

/** Whether the body says by itself if the answer is to be stored. */
export function storesAnswer(body: Uint8Array): boolean | undefined {
  const store = hasBytes(body, STORE) ? readField(body, "store") : undefined;
  return typeof store === "boolean" ? store : undefined;
}

const DATA = encoder.encode("data:");
const NEWLINE = encoder.encode("\n");

/** The id of an answer or a file, in a body or in the first event of a stream. */
export function idIn(bytes: Uint8Array): string {
  const data = indexOfBytes(bytes, DATA);
  const isStream = data >= 0 && !isObjectStart(bytes);
  const from = isStream ? data + DATA.length : 0;
  const end = isStream ? indexOfBytes(bytes, NEWLINE, from) : bytes.length;
  const json = bytes.subarray(from, end < 0 ? bytes.length : end);
  const within = findField(json, "response");
  const object = within === undefined ? json : json.subarray(within.start, within.end);
  return asText(readField(object, "id"));
}

function isObjectStart(bytes: Uint8Array): boolean {
  return /^\s*\{/.test(latin1At(bytes, 0));
}

/** Why a request cannot be sent at all: what it names is kept by more than one key, or by one that is not there. */
export function tieOf(ids: readonly string[], book: TieBook): Tie | "apart" | undefined {
  const [first, ...others] = ids.flatMap((id) => book.get(id) ?? []);
  if (first === undefined) return undefined;
  const isApart = others.some(
    (tie) => tie.provider !== first.provider || tie.fingerprint !== first.fingerprint,
  );
  return isApart ? "apart" : first;
}

/** So long a provider whose replies came out of order gets a connection of its own for each call. */
const DOUBT_MS = 10 * 60_000;

/** Ids of answers remembered for each provider. */
const MAX_IDS = 256;

/** Shorter ids are drawn from so few that two answers may have the same. */
const UNIQUE_ID_CHARS = 16;

/**
 * Whether replies fit the requests they came for. A provider that sends one reply too many answers the next request on
 * the same connection with it. The runtime does not show that, so the answers themselves are looked at: the same answer
 * twice, or one that is none, costs the provider the reuse of its connections for a while.
 */
export class ReplyTrust {
  readonly #doubtedUntilMs = new Map<string, number>();
  readonly #ids = new Map<string, Set<string>>();
  /** Providers that give several answers one id, as caches do: it says nothing there. */
  readonly #repeating = new Set<string>();

  /** Whether a call may use a connection that has carried another one. */
  mayReuse(provider: string, nowMs: number): boolean {
    return (this.#doubtedUntilMs.get(provider) ?? 0) <= nowMs;
  }

  doubt(provider: string, nowMs: number): void {
    this.#doubtedUntilMs.set(provider, nowMs + DOUBT_MS);
  }

  /** Whether an answer with this id has already been given to another request. It is noted from now on. */
  isForeign(provider: string, id: string, nowMs: number): boolean {
    if (id.length < UNIQUE_ID_CHARS || this.#repeating.has(provider)) return false;
    const ids = this.#ids.get(provider) ?? new Set();
    this.#ids.set(provider, ids);
    const isKnown = ids.has(id);
    ids.add(id);
    if (ids.size > MAX_IDS) this.#ids.set(provider, new Set([...ids].slice(1 - MAX_IDS / 2)));
    if (!isKnown) return false;
    if (this.mayReuse(provider, nowMs)) {
      this.doubt(provider, nowMs);
      return true;
    }
    // No other reply can have come on a connection of its own.
    this.#repeating.add(provider);
    this.#ids.delete(provider);
    return false;
  }
}
