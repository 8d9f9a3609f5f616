import { asArray, asObject, asText, isFilled, isObject, parseJson, parseJsonBytes } from "../json.ts";
import { hasBytes } from "../stream/bytes.ts";
import { elementsOf, findField, readField } from "../stream/rewrite.ts";
import type { ConversationName } from "./session.ts";

interface Headers {
  get(name: string): string | null;
}

/** What is looked at of a request. */
export interface ConversationSource {
  headers: Headers;
  /** The body of a request for an answer; undefined for everything else. */
  body: Uint8Array | undefined;
  /** The agents that orouter knows name every conversation: what they leave unnamed is no part of one. */
  client: { readonly isAgent: boolean; sessionId(headers: Headers): string | undefined };
}

/** The name of the conversation that a request belongs to: prompt caches live with the account that served it before. */
export function conversationOf({ headers, body, client }: ConversationSource): ConversationName {
  const id = client.sessionId(headers) ?? (body === undefined ? undefined : idInBody(body));
  const isNamed = id !== undefined || client.isAgent;
  return { id, guess: isNamed || body === undefined ? undefined : beginningOf(body) };
}

const encoder = new TextEncoder();
const CACHE_KEY = encoder.encode('"prompt_cache_key"');
const METADATA = encoder.encode('"metadata"');
const SYSTEM = encoder.encode('"system"');
const INSTRUCTIONS = encoder.encode('"instructions"');

function idInBody(body: Uint8Array): string | undefined {
  // To look for a name is far quicker than to read through the body.
  const key = hasBytes(body, CACHE_KEY) ? asText(readField(body, "prompt_cache_key")) : "";
  if (key !== "") return key;
  const metadata = hasBytes(body, METADATA) ? asObject(readField(body, "metadata")) : {};
  return sessionInUserId(asText(metadata["user_id"])) || undefined;
}

/** Claude Code puts its session into the id of the user: as JSON, in older versions behind a word. */
function sessionInUserId(userId: string): string {
  const named = asText(asObject(parseJson(userId))["session_id"]);
  return named || (/_session_([\w-]{8,})$/.exec(userId)?.[1] ?? "");
}

/** A hash of the system prompt and the first words of the user, which stay the same for a whole conversation. */
function beginningOf(body: Uint8Array): string | undefined {
  const hash = new Bun.CryptoHasher("sha256");
  if (hasBytes(body, SYSTEM)) hash.update(textIn(readField(body, "system")));
  if (hasBytes(body, INSTRUCTIONS)) hash.update(textIn(readField(body, "instructions")));
  const turns = findField(body, "messages") ?? findField(body, "input");
  if (turns === undefined) return undefined;
  const only = parseText(body.subarray(turns.start, turns.end));
  if (only !== undefined) return hash.update(`user\n${only}`).digest("hex");
  for (const bytes of elementsOf(body, turns)) {
    const turn = parseJsonBytes(bytes);
    if (!isObject(turn)) return undefined;
    const role = asText(turn["role"]);
    hash.update(`${role}\n${textIn(turn["content"])}\n`);
    if (role === "user") return hash.digest("hex");
  }
  return undefined;
}

const QUOTE = 0x22;

function parseText(bytes: Uint8Array): string | undefined {
  const text = bytes[0] === QUOTE ? parseJsonBytes(bytes) : undefined;
  return typeof text === "string" ? text : undefined;
}

/** The words of a content, without its cache marks: these move on with each turn. */
function textIn(content: unknown): string {
  if (!isFilled(content)) return "";
  if (typeof content === "string") return content;
  return asArray(content)
    .map((part) => asText(asObject(part)["text"]))
    .join("\n");
}
