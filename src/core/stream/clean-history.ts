import type { Cleaning } from "../dialect/history.ts";
import { DIALECT_NAMES, type Dialect, dialectSpec } from "../dialect/registry.ts";
import { isObject, type JsonObject, parseJsonBytes } from "../json.ts";
import { hasBytes } from "./bytes.ts";

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);

const ASSISTANT = bytesOf('"assistant"');
const ROLE = bytesOf('"role"');

const hintBytes = new Map<Dialect, Uint8Array[]>(
  DIALECT_NAMES.map((dialect) => [dialect, dialectSpec(dialect).history.hints.map(bytesOf)]),
);

/** Returns the same bytes if nothing has to change. */
export function cleanHistory(
  body: Uint8Array<ArrayBuffer>,
  dialect: Dialect,
  cleaning: Cleaning,
): Uint8Array<ArrayBuffer> {
  if (!mayNeedCleaning(body, dialect, cleaning)) return body;
  const request = parseJsonBytes(body);
  if (!isObject(request) || isContinuedOnPurpose(request)) return body;
  const { field, clean } = dialectSpec(dialect).history;
  const turns = request[field];
  if (!Array.isArray(turns)) return body;
  const cleaned = clean(turns, cleaning);
  const isSame = cleaned.length === turns.length && cleaned.every((turn, at) => turn === turns[at]);
  // Without any turn there would be no request.
  if (isSame || cleaned.length === 0) return body;
  return encoder.encode(JSON.stringify({ ...request, [field]: cleaned }));
}

function mayNeedCleaning(body: Uint8Array, dialect: Dialect, cleaning: Cleaning): boolean {
  const hints = hintBytes.get(dialect) ?? [];
  return hints.some((hint) => hasBytes(body, hint)) || (cleaning === "left-over" && mayEndInAnswer(body));
}

/** Quotes within a text are escaped, so the name only occurs before a role or in a tool's schema. */
function mayEndInAnswer(body: Uint8Array): boolean {
  if (!hasBytes(body, ASSISTANT)) return false;
  const at = Buffer.prototype.lastIndexOf.call(body, ROLE);
  const behind = Buffer.prototype.toString.call(body, "latin1", at + ROLE.length, at + ROLE.length + 16);
  return !/^\s*:\s*"(?:user|tool|system|developer)"/.test(behind);
}

/** Services that continue a last turn have their own fields for it. */
function isContinuedOnPurpose(request: JsonObject): boolean {
  return request["continue_final_message"] === true || request["add_generation_prompt"] === false;
}

/** Whether the error says that the history must not end like this. */
export function refusesLastTurn(words: string): boolean {
  return LAST_TURN.some((pattern) => pattern.test(words));
}

const LAST_TURN = [
  /last (?:message )?role|last message|final (?:message|turn|position)|(?:end|ends|ending) with (?:a |an )?[`'"]?(?:user|tool|assistant)/i,
  /assistant (?:message )?prefill|prefill(?:ing)? (?:is|of)|cannot (?:be|have) .{0,20}assistant .{0,20}(?:last|end)/i,
  /add_generation_prompt|continue_final_message/,
];
