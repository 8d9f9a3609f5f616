import { sseText } from "../../stream/sse.ts";
import type { DialectSpec, ErrorWords } from "../dialect-spec.ts";
import { readUsage } from "../hub-answer.ts";
import { ResponsesContinuation, SentItems } from "./continuation.ts";
import { responsesHistory } from "./history.ts";
import { ResponsesReader } from "./reader.ts";
import { readResponsesRequest, writeResponsesRequest } from "./request.ts";
import { ResponsesWriter, responsesEventsOf, responsesWholeOf } from "./writer.ts";

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
