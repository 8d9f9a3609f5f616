import { asArray, asObject, isFilled, isObject, type JsonObject, parseJsonBytes } from "../../json.ts";
import { hasBytes } from "../../stream/bytes.ts";
import { sseText } from "../../stream/sse.ts";
import type { DialectSpec, ErrorWords } from "../dialect-spec.ts";
import { type Cleaning, EMPTY_HINTS, isBlank, withoutLeftOver } from "../history.ts";
import { MessagesReader, messagesEventsOf, messagesWholeOf, readMessagesUsage } from "./answer.ts";
import { MessagesContinuation, SentBlocks } from "./continuation.ts";
import { passMessages, repairReasoning } from "./passed.ts";
import { readMessagesRequest } from "./read-request.ts";
import { writeMessagesRequest } from "./write-request.ts";
import { MessagesWriter, stopReasonFor } from "./writer.ts";

/** Fewer characters per token than most text has: a count that is too small lets a conversation overflow. */
const CHARS_PER_TOKEN = 3.5;

/** An image of the largest size that is not scaled down. */
const IMAGE_TOKENS = 1600;

/** Data of files and images is not text, and marks and signatures are not read by the model. */
const UNREAD = new Set(["type", "cache_control", "signature", "id", "tool_use_id", "media_type"]);

/** About how many tokens the input of a request has. */
export function estimateTokens(body: JsonObject): number {
  const { system, messages, tools } = body;
  const counted = { chars: 0, images: 0 };
  for (const value of [system, messages, tools]) count(value, counted);
  return Math.ceil(counted.chars / CHARS_PER_TOKEN) + counted.images * IMAGE_TOKENS;
}

function count(value: unknown, counted: { chars: number; images: number }): void {
  if (typeof value === "string") counted.chars += value.length;
  else if (typeof value === "number" || typeof value === "boolean") counted.chars += String(value).length;
  else if (Array.isArray(value)) for (const one of value) count(one, counted);
  else if (isObject(value)) countFields(value, counted);
}

function countFields(value: JsonObject, counted: { chars: number; images: number }): void {
  const isData = asObject(value["source"])["type"] === "base64";
  if (value["type"] === "image" || isData) {
    counted.images++;
    return;
  }
  for (const [name, one] of Object.entries(value)) {
    if (UNREAD.has(name) && typeof one === "string") continue;
    counted.chars += name.length;
    count(one, counted);
  }
}

/** Anthropic's Messages, and the services that follow it. */
export const messages: DialectSpec = {
  title: "Messages",
  path: "messages",
  counting: { path: "messages/count_tokens", estimate: estimateTokens },
  sdk: "@ai-sdk/anthropic",
  requiredHeaders: { "anthropic-version": "2023-06-01" },
  ownHeaders: /^(?:anthropic-|x-stainless-|x-app$|x-claude-code-)/,
  readRequest: readMessagesRequest,
  writeRequest: writeMessagesRequest,
  passRequest: passMessages,
  repairReasoning,
  refuseRequest,
  outputLimits: ["max_tokens"],
  leastOutput: 1,
  history: {
    field: "messages",
    hints: EMPTY_HINTS,
    clean: cleanMessages,
    unfinished: (text) => ({ role: "assistant", content: [{ type: "text", text }] }),
  },
  reader: () => new MessagesReader(),
  writer: (names) => new MessagesWriter(names),
  endEvent: sseText({ type: "message_stop" }),
  eventsOf: messagesEventsOf,
  wholeOf: messagesWholeOf,
  usageOf: readMessagesUsage,
  errorBody,
  errorEvent: (words) => sseText(errorObject(words, "overloaded_error")),
  lastWord: { status: 402, type: "billing_error" },
  finishEvent: (hasCall) => ({
    type: "message_delta",
    delta: { stop_reason: hasCall ? "tool_use" : "end_turn", stop_sequence: null },
    usage: { output_tokens: 0 },
  }),
  withFinishes,
  wordFields: { text: ["text"], reasoning: ["thinking"], arguments: ["partial_json"] },
  continuation: (sent, takesCalls) => new MessagesContinuation(sent, takesCalls),
  sentRecord: (before) => new SentBlocks(before),
};

function withFinishes(event: JsonObject, finishes: ReadonlyMap<number, string>): JsonObject {
  const reason = finishes.get(0);
  if (reason === undefined) return event;
  return { ...event, delta: { ...asObject(event["delta"]), stop_reason: stopReasonFor(reason) } };
}

/** Error types of this dialect for those of the OpenAI dialects. */
const TYPES: Readonly<Record<string, string>> = {
  server_error: "api_error",
  insufficient_quota: "billing_error",
  rate_limit_exceeded: "rate_limit_error",
  not_routable: "invalid_request_error",
};

function errorBody(words: ErrorWords): object {
  return { ...errorObject(words, "api_error"), request_id: null };
}

/** `serverError`: the type of an error that the client may ask again on. */
function errorObject({ message, type, code }: ErrorWords, serverError: string): JsonObject {
  const isTooLong = code === "context_length_exceeded";
  const error = {
    type: type === "server_error" ? serverError : (TYPES[type] ?? type),
    message: isTooLong ? overflowWords(message) : message,
  };
  return { type: "error", error: code === null ? error : { ...error, details: { error_code: code } } };
}

/** The words on which clients of this dialect shorten a conversation. */
function overflowWords(message: string): string {
  if (/prompt is too long/i.test(message)) return message;
  const plain = message.replace(/(\d),(?=\d{3}\b)/g, "$1");
  const numbers = [...plain.matchAll(/\d{4,}/g)].map(Number).sort((a, b) => a - b);
  const [window] = numbers;
  const length = numbers.at(-1);
  if (window === undefined || length === undefined || window === length)
    return `prompt is too long: ${message}`;
  return `prompt is too long: ${length} tokens > ${window} maximum`;
}

const THREAD = new TextEncoder().encode('"thread"');

/** A thread keeps the conversation at one provider, and the request holds only its end. */
function refuseRequest(body: Uint8Array): ErrorWords | undefined {
  if (!hasBytes(body, THREAD)) return undefined;
  const { thread } = asObject(parseJsonBytes(body));
  const isContinued =
    thread === "continue" ||
    asObject(thread)["type"] === "continue" ||
    isObject(asObject(thread)["continue"]);
  if (!isContinued) return undefined;
  return {
    message: "orouter does not continue threads: send the whole conversation.",
    type: "invalid_request_error",
    code: "thread_unsupported_request",
  };
}

function cleanMessages(turns: unknown[], cleaning: Cleaning): unknown[] {
  const kept = turns.filter((turn) => !isEmptyTurn(asObject(turn)));
  return cleaning === "empty" ? kept : withoutLeftOver(withoutOpenCalls(kept), isLeftOverTurn);
}

function isEmptyTurn({ role, content }: JsonObject): boolean {
  return role === "assistant" && isBlank(content);
}

function blocksOf(turn: JsonObject, type: string): JsonObject[] {
  return asArray(turn["content"])
    .map(asObject)
    .filter((block) => block["type"] === type);
}

function isLeftOverTurn(turn: JsonObject): boolean {
  return turn["role"] === "assistant" && blocksOf(turn, "tool_use").length === 0;
}

/** Calls that the last turn of the model made and that have no result. */
function withoutOpenCalls(turns: unknown[]): unknown[] {
  const at = turns.findLastIndex((turn) => asObject(turn)["role"] === "assistant");
  const turn = asObject(turns[at]);
  const calls = blocksOf(turn, "tool_use");
  const answered = new Set(
    turns
      .slice(at + 1)
      .flatMap((one) => blocksOf(asObject(one), "tool_result").map((block) => block["tool_use_id"])),
  );
  const open = new Set(calls.map((call) => call["id"]).filter((id) => !answered.has(id)));
  if (open.size === 0) return turns;
  const content = asArray(turn["content"]).filter((block) => !open.has(asObject(block)["id"]));
  // Reasoning alone is not a turn.
  const isSpoken = content.some((block) => !/thinking/.test(String(asObject(block)["type"])));
  const mended = isSpoken && isFilled(content) ? [{ ...turn, content }] : [];
  return [...turns.slice(0, at), ...mended, ...turns.slice(at + 1)];
}
