import { asArray, asObject, isFilled, isObject, type JsonObject } from "../../json.ts";
import {
  type Continuation,
  type Continued,
  type MatchState,
  type SentAnswer,
  TextMatch,
} from "../../stream/continuation.ts";
import { DONE_EVENT, sseBytes, sseText } from "../../stream/sse.ts";
import type { DialectSpec } from "../dialect-spec.ts";
import { type Cleaning, EMPTY_HINTS, type HistoryRules, isBlank, withoutLeftOver } from "../history.ts";
import { type HubChoice, readUsage } from "../hub-answer.ts";
import { ChatWriter, chatEventsOf, chatReader, chatWholeOf } from "./answer.ts";
import { REASONING_FIELDS, readChatRequest, writeChatRequest } from "./request.ts";

export const chatHistory: HistoryRules = {
  field: "messages",
  hints: EMPTY_HINTS,
  clean: cleanMessages,
  unfinished: (content) => ({ role: "assistant", content }),
};

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

/** OpenAI's chat completions, in all the variants of other services. */
export const chat: DialectSpec = {
  title: "chat completions",
  path: "chat/completions",
  sdk: "@ai-sdk/openai-compatible",
  readRequest: readChatRequest,
  writeRequest: writeChatRequest,
  outputLimits: ["max_tokens", "max_completion_tokens"],
  leastOutput: 1,
  history: chatHistory,
  reader: () => chatReader,
  writer: (names) => new ChatWriter(names),
  endEvent: DONE_EVENT,
  eventsOf: chatEventsOf,
  wholeOf: chatWholeOf,
  usageOf: readUsage,
  errorBody: (error) => ({ error }),
  errorEvent: (error) => sseText({ error }),
  withFinishes,
  wordFields: { text: ["content"], reasoning: REASONING_FIELDS, arguments: ["arguments"] },
  continuation: (sent, takesCalls) => new ChatContinuation(sent, takesCalls),
};

function withFinishes(event: JsonObject, finishes: ReadonlyMap<number, string>): JsonObject {
  const choices = asArray(event["choices"]).map((choice, at) => {
    const reason = finishes.get(at);
    return reason === undefined ? choice : { ...asObject(choice), finish_reason: reason };
  });
  return { ...event, choices };
}

/** Chunks do not refer to each other, so unwanted content is simply removed. */
class ChatContinuation implements Continuation {
  readonly record = undefined;
  readonly #match: TextMatch;

  constructor(sent: SentAnswer, takesCalls: boolean) {
    this.#match = new TextMatch(sent, { takesCalls, mayGrow: true });
  }

  get state(): MatchState {
    return this.#match.state;
  }

  admit(event: JsonObject, bytes: Uint8Array, choice: HubChoice | undefined): Continued {
    // For example usage.
    if (choice === undefined) return { bytes, text: "" };
    const text = this.#match.newIn(choice.text);
    if (choice.calls.length > 0 || choice.hasOther || choice.index !== 0) this.#match.diverge();
    if (this.state === "on" && text === choice.text && !choice.hasReasoning && !choice.isSealed)
      return { bytes, text };
    const isWanted = text !== "" || choice.calls.length > 0 || choice.finish !== undefined;
    return { bytes: isWanted ? sseBytes(withDelta(event, { content: text })) : undefined, text };
  }
}

function withDelta(chunk: JsonObject, { content }: { content: string }): JsonObject {
  const [choice] = asArray(chunk["choices"]).map(asObject);
  const { tool_calls: calls, function_call: old, role } = asObject(choice?.["delta"]);
  const delta = {
    ...(role === undefined ? {} : { role }),
    ...(content === "" ? {} : { content }),
    ...(calls === undefined ? {} : { tool_calls: calls }),
    ...(isObject(old) ? { function_call: old } : {}),
  };
  return { ...chunk, choices: [{ ...choice, delta }] };
}
