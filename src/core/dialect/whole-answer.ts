import type { Dialect } from "../routing/route.ts";
import { carriesError } from "../verdict/reply-body.ts";
import { type AnswerEvent, DONE, type TranslatorOptions } from "./answer-event.ts";
import { asArray, asObject, asText, isObject, type JsonObject } from "./json-object.ts";
import { createStreamTranslator } from "./stream-translator.ts";

/**
 * A whole answer as the events of the other dialect: it is taken for a stream of one event, so that there is one
 * translation and not two. Undefined for what is no finished answer, an error among them: that is judged as it came.
 */
export function wholeAnswerEvents(
  from: Dialect,
  answer: unknown,
  options: TranslatorOptions,
): AnswerEvent[] | undefined {
  if (!isObject(answer) || carriesError({ event: "", value: answer })) return undefined;
  const event = from === "chat" ? chatEvent(answer) : responsesEvent(answer);
  if (event === undefined) return undefined;
  const translator = createStreamTranslator(from, options);
  const events = [...translator.push(event), ...translator.end()];
  return translator.isFinished ? events : undefined;
}

/** A whole answer as the other dialect has it. */
export function translateWholeAnswer(
  from: Dialect,
  answer: unknown,
  options: TranslatorOptions,
): JsonObject | undefined {
  const events = wholeAnswerEvents(from, answer, { ...options, wantsUsage: true });
  if (events === undefined) return undefined;
  return from === "chat" ? responseIn(events) : completionIn(events);
}

/** In a stream every tool call has its index. */
function chatEvent(completion: JsonObject): JsonObject | undefined {
  const choice = asObject(asArray(completion["choices"])[0]);
  const { message } = choice;
  if (!isObject(message)) return undefined;
  const calls = asArray(message["tool_calls"]).map((call, index) => ({ ...asObject(call), index }));
  const delta = { ...message, tool_calls: calls };
  return { ...completion, choices: [{ index: 0, delta, finish_reason: choice["finish_reason"] ?? "stop" }] };
}

function responsesEvent(response: JsonObject): JsonObject | undefined {
  const status = response["status"] ?? "completed";
  const isEnded = status === "completed" || status === "incomplete";
  return isEnded && Array.isArray(response["output"]) ? { type: `response.${status}`, response } : undefined;
}

/** The answer in the last event, or the error that it turned out to be. */
function responseIn(events: readonly AnswerEvent[]): JsonObject | undefined {
  const last = events.at(-1);
  if (last === undefined || last === DONE) return undefined;
  return isObject(last["response"]) ? last["response"] : { error: last["error"] };
}

/** Puts the chunks of a chat together again. */
function completionIn(events: readonly AnswerEvent[]): JsonObject {
  const chunks = events.filter((event) => event !== DONE);
  const deltas = chunks.map((chunk) => asObject(choiceOf(chunk)["delta"]));
  const joined = (field: string): string => deltas.map((delta) => asText(delta[field])).join("");
  const calls = toolCallsIn(deltas);
  const reasoning = joined("reasoning_content");
  const refusal = joined("refusal");
  const message = {
    role: "assistant",
    content: joined("content") === "" && calls.length > 0 ? null : joined("content"),
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(refusal === "" ? {} : { refusal }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  const finish = chunks.map((chunk) => choiceOf(chunk)["finish_reason"]).findLast((reason) => reason);
  const { id, created, model } = chunks[0] ?? {};
  const usage = chunks.map((chunk) => chunk["usage"]).findLast(isObject);
  return {
    id,
    object: "chat.completion",
    created,
    model,
    choices: [{ index: 0, message, finish_reason: finish }],
    ...(usage === undefined ? {} : { usage }),
  };
}

function choiceOf(chunk: JsonObject): JsonObject {
  return asObject(asArray(chunk["choices"])[0]);
}

function toolCallsIn(deltas: readonly JsonObject[]): JsonObject[] {
  const pieces = deltas.flatMap((delta) => asArray(delta["tool_calls"]).map(asObject));
  const heads = pieces.filter((piece) => asText(piece["id"]) !== "");
  return heads.map(({ index, id, type, function: described }) => {
    const given = pieces
      .filter((piece) => piece["index"] === index)
      .map((piece) => asText(asObject(piece["function"])["arguments"]));
    return { id, type, function: { name: asObject(described)["name"], arguments: given.join("") } };
  });
}
