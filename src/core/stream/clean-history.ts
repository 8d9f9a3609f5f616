import { hasBytes } from "./has-bytes.ts";

const encoder = new TextEncoder();
const MESSAGES_HINT = encoder.encode('"assistant"');
const EMPTY_HINTS = ['"content":""', '"content": ""'].map((hint) => encoder.encode(hint));

/** In both of them: most bodies have no empty text at all, and are read through only once. */
const EMPTY_TEXT = encoder.encode('""');

/**
 * An answer that broke in mid-stream leaves an empty assistant message in opencode's history, which strict upstreams
 * refuse. It is taken out on the way up; a body without one comes back as the same bytes.
 */
export function withoutEmptyTurns(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (!mayHaveEmptyTurn(body)) return body;
  let request: unknown;
  try {
    request = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return body;
  }
  const messages = (request as { messages?: unknown } | null)?.messages;
  if (!Array.isArray(messages)) return body;
  const kept = messages.filter((message) => !isEmptyTurn(message));
  if (kept.length === messages.length) return body;
  return encoder.encode(JSON.stringify({ ...(request as object), messages: kept }));
}

function mayHaveEmptyTurn(body: Uint8Array): boolean {
  return (
    hasBytes(body, EMPTY_TEXT) &&
    EMPTY_HINTS.some((hint) => hasBytes(body, hint)) &&
    hasBytes(body, MESSAGES_HINT)
  );
}

function isEmptyTurn(message: unknown): boolean {
  if (typeof message !== "object" || message === null) return false;
  const { role, content, ...rest } = message as { [key: string]: unknown };
  if (role !== "assistant" || content !== "") return false;
  return !Object.values(rest).some((value) => value !== undefined && value !== null && value !== "");
}
