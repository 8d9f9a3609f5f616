import { asObject, asText, type JsonObject } from "../../json.ts";
import { sseText } from "../../stream/sse.ts";
import type { DialectSpec, ErrorWords } from "../dialect-spec.ts";
import { type Cleaning, EMPTY_HINTS, type HistoryRules, isBlank, withoutLeftOver } from "../history.ts";
import { readUsage } from "../hub-answer.ts";
import { ResponsesContinuation, SentItems } from "./continuation.ts";
import { ResponsesReader } from "./reader.ts";
import { readResponsesRequest, writeResponsesRequest } from "./request.ts";
import { ResponsesWriter, responsesEventsOf, responsesWholeOf } from "./writer.ts";

export const responsesHistory: HistoryRules = {
  field: "input",
  hints: [...EMPTY_HINTS, '"type":"reasoning"', '"type": "reasoning"'],
  clean: cleanItems,
};

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

/** Reasoning must be followed by its item, or services reject it. */
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

export const responses: DialectSpec = {
  title: "Responses",
  path: "responses",
  storesAnswers: true,
  sdk: "@ai-sdk/openai",
  readRequest: readResponsesRequest,
  writeRequest: writeResponsesRequest,
  outputLimits: ["max_output_tokens"],
  leastOutput: 16,
  history: responsesHistory,
  reader: () => new ResponsesReader(),
  writer: (names) => new ResponsesWriter(names),
  endEvent: undefined,
  eventsOf: responsesEventsOf,
  wholeOf: responsesWholeOf,
  usageOf: readUsage,
  errorBody: (error) => ({ error }),
  errorEvent,
  continuation: (sent, takesCalls) => new ResponsesContinuation(sent, takesCalls),
  sentRecord: (before) => new SentItems(before),
};

/** Clients read either the fields of `error`, or those next to it, or `response.failed`. */
function errorEvent(words: ErrorWords): string {
  const { message, code } = words;
  const error = { ...words, param: null };
  const failed = { object: "response", status: "failed", error: { code, message }, output: [] };
  return (
    sseText({ type: "error", sequence_number: 0, code, message, param: null, error }) +
    sseText({ type: "response.failed", sequence_number: 1, response: failed })
  );
}
