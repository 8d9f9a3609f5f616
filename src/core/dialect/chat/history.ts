import { asArray, asObject, isFilled, type JsonObject } from "../../json.ts";
import { type Cleaning, EMPTY_HINTS, type HistoryRules, isBlank, withoutLeftOver } from "../history.ts";

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
