import { asArray, asObject, asText, isFilled, isObject, type JsonObject } from "../dialect/json-object.ts";
import type { Dialect } from "../routing/route.ts";
import { hasBytes } from "./has-bytes.ts";
import { parseJson } from "./written-calls.ts";

/**
 * What a broken answer leaves behind in an agent's history, and how much of it is taken out of the copy that is sent up.
 * `empty`: turns that say nothing, which strict services refuse. `left-over`: also a last turn that the model did not
 * finish, and calls that were never answered. Only an agent's history ends so by accident; other clients may mean it.
 */
export type Cleaning = "empty" | "left-over";

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);

const ASSISTANT = bytesOf('"assistant"');
const ROLE = bytesOf('"role"');

/** In most bodies there is no empty text at all, and they are read through only once. */
const EMPTY_HINTS = ['"content":""', '"content": ""', '"content":[]', '"text":""', '"content":null'].map(
  bytesOf,
);
const REASONING_HINTS = ['"type":"reasoning"', '"type": "reasoning"'].map(bytesOf);

/** A body that needs nothing comes back as the same bytes. */
export function cleanHistory(
  body: Uint8Array<ArrayBuffer>,
  dialect: Dialect,
  cleaning: Cleaning,
): Uint8Array<ArrayBuffer> {
  if (!mayNeedCleaning(body, dialect, cleaning)) return body;
  const request = parseJson(new TextDecoder().decode(body));
  if (!isObject(request) || isContinuedOnPurpose(request)) return body;
  const field = dialect === "chat" ? "messages" : "input";
  const turns = request[field];
  if (!Array.isArray(turns)) return body;
  const cleaned = dialect === "chat" ? cleanMessages(turns, cleaning) : cleanItems(turns, cleaning);
  const isSame = cleaned.length === turns.length && cleaned.every((turn, at) => turn === turns[at]);
  // With nothing left there would be no request.
  if (isSame || cleaned.length === 0) return body;
  return encoder.encode(JSON.stringify({ ...request, [field]: cleaned }));
}

function mayNeedCleaning(body: Uint8Array, dialect: Dialect, cleaning: Cleaning): boolean {
  const hints = dialect === "chat" ? EMPTY_HINTS : [...EMPTY_HINTS, ...REASONING_HINTS];
  return hints.some((hint) => hasBytes(body, hint)) || (cleaning === "left-over" && mayEndInAnswer(body));
}

/** Quotes within a text are escaped, so the name stands nowhere but in front of a role or in a tool's schema. */
function mayEndInAnswer(body: Uint8Array): boolean {
  if (!hasBytes(body, ASSISTANT)) return false;
  const at = Buffer.prototype.lastIndexOf.call(body, ROLE);
  const behind = Buffer.prototype.toString.call(body, "latin1", at + ROLE.length, at + ROLE.length + 16);
  return !/^\s*:\s*"(?:user|tool|system|developer)"/.test(behind);
}

/** Services that continue a last turn are told so by fields of their own. */
function isContinuedOnPurpose(request: JsonObject): boolean {
  return request["continue_final_message"] === true || request["add_generation_prompt"] === false;
}

function cleanMessages(messages: unknown[], cleaning: Cleaning): unknown[] {
  const kept = messages.filter((message) => !isEmptyMessage(asObject(message)));
  return cleaning === "empty" ? kept : withoutLeftOver(withoutOpenCalls(kept), isLeftOverMessage);
}

function isEmptyMessage(message: JsonObject): boolean {
  const { role, content, tool_calls: calls, function_call: old, refusal, audio } = message;
  if (role !== "assistant" || message["prefix"] === true || message["partial"] === true) return false;
  return isBlank(content) && ![calls, old, refusal, audio].some(isFilled);
}

function isLeftOverMessage(message: JsonObject): boolean {
  const { role, tool_calls: calls, function_call: old } = message;
  if (role !== "assistant" || message["prefix"] === true || message["partial"] === true) return false;
  return !isFilled(calls) && !isFilled(old);
}

/** Calls that the last turn made and that have no result. */
function withoutOpenCalls(messages: unknown[]): unknown[] {
  const at = messages.findLastIndex((message) => isFilled(asObject(message)["tool_calls"]));
  const behind = messages.slice(at + 1).map(asObject);
  if (at < 0 || behind.some((message) => message["role"] !== "tool")) return messages;
  const turn = asObject(messages[at]);
  const answered = new Set(behind.map((message) => message["tool_call_id"]));
  const calls = asArray(turn["tool_calls"]);
  const kept = calls.filter((call) => answered.has(asObject(call)["id"]));
  if (kept.length === calls.length) return messages;
  const { tool_calls: _, ...others } = turn;
  const mended = kept.length > 0 ? { ...turn, tool_calls: kept } : others;
  return [...messages.slice(0, at), mended, ...messages.slice(at + 1)].filter(
    (message) => !isEmptyMessage(asObject(message)),
  );
}

function cleanItems(items: unknown[], cleaning: Cleaning): unknown[] {
  const kept = items.filter((item) => !isEmptyItem(asObject(item)));
  const ended = cleaning === "empty" ? kept : withoutLeftOver(withoutUnansweredCalls(kept), isLeftOverItem);
  return withoutLooseReasoning(ended);
}

function isEmptyItem({ role, type = "message", content }: JsonObject): boolean {
  return role === "assistant" && type === "message" && isBlank(content);
}

function isLeftOverItem({ role, type }: JsonObject): boolean {
  return role === "assistant" || type === "reasoning";
}

function withoutUnansweredCalls(items: unknown[]): unknown[] {
  const from = items.findLastIndex((item) => asObject(item)["role"] === "user");
  const outputs = items.map(asObject).filter((item) => asText(item["type"]).endsWith("_output"));
  const answered = new Set(outputs.map((item) => item["call_id"]));
  return items.filter((value, at) => {
    const { type, call_id: id } = asObject(value);
    return at < from || type !== "function_call" || answered.has(id);
  });
}

/** Reasoning belongs to the item behind it; without one a service refuses it. */
function withoutLooseReasoning(items: unknown[]): unknown[] {
  const kept: unknown[] = [];
  let hasOwner = false;
  for (const item of items.toReversed()) {
    const { type = "message", role } = asObject(item);
    if (type === "reasoning" && !hasOwner) continue;
    if (type !== "reasoning")
      hasOwner = role === "assistant" || (role === undefined && !asText(type).endsWith("_output"));
    kept.push(item);
  }
  return kept.reverse();
}

/** opencode's own last words to a model that has used up its steps: they are no left-over, but an order. */
const ORDER = /^CRITICAL - MAXIMUM STEPS REACHED/;

function withoutLeftOver(turns: unknown[], isLeftOver: (turn: JsonObject) => boolean): unknown[] {
  const last = asObject(turns.at(-1));
  if (turns.length < 2 || !isLeftOver(last)) return turns;
  // From the user it means the same to a model, and no service refuses it.
  if (ORDER.test(textOf(last["content"])))
    return [...turns.slice(0, -1), { role: "user", content: textOf(last["content"]) }];
  return withoutLeftOver(turns.slice(0, -1), isLeftOver);
}

function isBlank(content: unknown): boolean {
  if (typeof content === "string") return content.trim() === "";
  if (!Array.isArray(content)) return content === undefined || content === null;
  return content.every((value) => {
    const part = asObject(value);
    return typeof part["text"] === "string" && part["text"].trim() === "";
  });
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return asArray(content)
    .map((part) => asText(asObject(part)["text"]))
    .join("");
}

/** Whether a service says that it does not take a history with this end. */
export function refusesLastTurn(words: string): boolean {
  return LAST_TURN.some((pattern) => pattern.test(words));
}

const LAST_TURN = [
  /last (?:message )?role|last message|final (?:message|turn|position)|(?:end|ends|ending) with (?:a |an )?[`'"]?(?:user|tool|assistant)/i,
  /assistant (?:message )?prefill|prefill(?:ing)? (?:is|of)|cannot (?:be|have) .{0,20}assistant .{0,20}(?:last|end)/i,
  /add_generation_prompt|continue_final_message/,
];
