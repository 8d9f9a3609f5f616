import { asArray, asObject, asText, isFilled, isObject, type JsonObject } from "../../json.ts";
import { DONE } from "../../stream/sse.ts";
import {
  type AnswerEnd,
  type AnswerHead,
  type AnswerNames,
  type AnswerWriter,
  type CallPiece,
  type EventReader,
  fullUsage,
  type HubChoice,
  type HubEvent,
  isMeaningful,
  NOTHING,
  readUsage,
  type Usage,
  type WireEvent,
} from "../hub-answer.ts";
import { reasoningIn } from "./request.ts";

/** Chunks do not refer to each other, so the reader has no state. */
export const chatReader: EventReader = { read: readChunk };

function readChunk(event: JsonObject): HubEvent {
  if (event["error"] !== undefined && event["error"] !== null) return { ...NOTHING, error: event };
  const choices = asArray(event["choices"]).map(readChoice);
  return {
    choices,
    error: undefined,
    usage: readUsage(event["usage"]),
    isProgress: choices.some(isProgress),
    head: { id: "", model: asText(event["model"]), createdS: undefined },
  };
}

/** Some keep-alives are empty chunks. */
function isProgress(choice: HubChoice): boolean {
  return choice.text !== "" || choice.finish !== undefined || isMeaningful(choice);
}

function readChoice(value: unknown, at: number): HubChoice {
  const choice = asObject(value);
  const delta = asObject(choice["delta"]);
  const { index, finish_reason: finish } = choice;
  const details = asArray(delta["reasoning_details"]);
  const reasoning = reasoningIn(delta);
  const refusal = asText(delta["refusal"]);
  return {
    index: typeof index === "number" ? index : at,
    text: asText(delta["content"]),
    refusal,
    reasoning,
    hasReasoning: details.length > 0 || reasoning !== "",
    isSealed: [delta, ...details, ...asArray(delta["thinking_blocks"])].some(carriesSeal),
    calls: readCalls(delta),
    late: [],
    hasOther: refusal !== "" || isObject(delta["audio"]) || saysInParts(delta["content"]),
    hasContent: isFilled(delta["images"]),
    finish: typeof finish === "string" && finish !== "" ? finish : undefined,
  };
}

/** Some providers send a list of parts instead of a string. */
function saysInParts(content: unknown): boolean {
  return asArray(content).some((part) => asText(asObject(part)["text"]).trim() !== "");
}

/** OpenRouter's encrypted details, and the signatures that gateways carry over from other dialects. */
function carriesSeal(value: unknown): boolean {
  const { signature, data, encrypted_content: encrypted, reasoning_signature: other } = asObject(value);
  return [signature, data, encrypted, other].some((seal) => asText(seal) !== "");
}

const NO_CALLS: readonly CallPiece[] = [];

function readCalls(delta: JsonObject): readonly CallPiece[] {
  const { tool_calls: calls, function_call: old } = delta;
  if (Array.isArray(calls) && calls.length > 0) return calls.map((call) => readCall(asObject(call)));
  return isObject(old) ? [readCall({ index: 0, function: old })] : NO_CALLS;
}

function readCall(call: JsonObject): CallPiece {
  const { index, id } = call;
  const custom = call["custom"];
  const described = asObject(isObject(custom) ? custom : call["function"]);
  const given = isObject(custom) ? custom["input"] : described["arguments"];
  return {
    index: typeof index === "number" ? index : undefined,
    id: asText(id),
    name: asText(described["name"]),
    // Ollama sends an object instead of JSON text.
    more: isObject(given) ? JSON.stringify(given) : asText(given),
    whole: undefined,
    isFreeform: isObject(custom),
  };
}

export class ChatWriter implements AnswerWriter {
  readonly #wantsUsage: boolean;
  #head: JsonObject;
  #hasRole = false;

  constructor({ id, createdS: created, model, wantsUsage }: AnswerNames) {
    this.#wantsUsage = wantsUsage;
    this.#head = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created, model };
  }

  begin({ id, model, createdS }: AnswerHead): WireEvent[] {
    if (id !== "") this.#head = { ...this.#head, id };
    if (model !== "") this.#head = { ...this.#head, model };
    if (createdS !== undefined) this.#head = { ...this.#head, created: createdS };
    return this.#role();
  }

  write(kind: "text" | "refusal" | "reasoning", text: string): WireEvent[] {
    return this.#chunk({ [FIELDS[kind]]: text });
  }

  openCall(index: number, id: string, name: string): WireEvent[] {
    return this.#chunk({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] });
  }

  writeArguments(index: number, text: string): WireEvent[] {
    return this.#chunk({ tool_calls: [{ index, function: { arguments: text } }] });
  }

  finish({ finish, usage }: AnswerEnd): WireEvent[] {
    const counted = this.#wantsUsage && usage !== undefined ? [usage] : [];
    return [
      ...this.#role(),
      this.#bare({}, finish),
      ...counted.map((one) => ({ ...this.#head, choices: [], usage: writeUsage(one) })),
      DONE,
    ];
  }

  /** The error is unchanged, because the verdict depends on its words. */
  fail(error: JsonObject): WireEvent[] {
    return [{ error }];
  }

  #role(): WireEvent[] {
    if (this.#hasRole) return [];
    this.#hasRole = true;
    return [this.#bare({ role: "assistant", content: "" })];
  }

  #chunk(delta: JsonObject): WireEvent[] {
    return [...this.#role(), this.#bare(delta)];
  }

  #bare(delta: JsonObject, finish: string | null = null): JsonObject {
    return { ...this.#head, choices: [{ index: 0, delta, finish_reason: finish }] };
  }
}

const FIELDS = { text: "content", refusal: "refusal", reasoning: "reasoning_content" } as const;

function writeUsage(usage: Usage): JsonObject {
  const { input, output, total, cached, reasoning } = fullUsage(usage);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: total,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

export function chatEventsOf(completion: JsonObject): JsonObject[] | undefined {
  const choices = asArray(completion["choices"]).map(asObject);
  if (choices.length === 0 || !choices.every((choice) => isObject(choice["message"]))) return undefined;
  const { id, created, model, usage } = completion;
  const head = { id, created, model, object: "chat.completion.chunk" };
  const answers = choices.flatMap((choice, at) => {
    const { index = at, message, finish_reason: reason } = choice;
    return [
      { ...head, choices: [{ index, delta: deltaOf(asObject(message)), finish_reason: null }] },
      { ...head, choices: [{ index, delta: {}, finish_reason: reason ?? "stop" }] },
    ];
  });
  return isObject(usage) ? [...answers, { ...head, choices: [], usage }] : answers;
}

/** In a stream, every tool call needs an index. */
function deltaOf(message: JsonObject): JsonObject {
  const calls = message["tool_calls"];
  if (!Array.isArray(calls) || calls.length === 0) return { ...message, tool_calls: undefined };
  return { ...message, tool_calls: calls.map((call: unknown, index) => ({ index, ...asObject(call) })) };
}

export function chatWholeOf(events: readonly WireEvent[]): JsonObject | undefined {
  const chunks = events.filter((event) => event !== DONE);
  const failed = chunks.find((chunk) => chunk["error"] !== undefined);
  if (failed !== undefined) return failed;
  const deltas = chunks.map((chunk) => asObject(choiceOf(chunk)["delta"]));
  const joined = (field: string): string => deltas.map((delta) => asText(delta[field])).join("");
  const calls = callsIn(deltas);
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

function callsIn(deltas: readonly JsonObject[]): JsonObject[] {
  const pieces = deltas.flatMap((delta) => asArray(delta["tool_calls"]).map(asObject));
  const heads = pieces.filter((piece) => asText(piece["id"]) !== "");
  return heads.map(({ index, id, type, function: described }) => {
    const given = pieces
      .filter((piece) => piece["index"] === index)
      .map((piece) => asText(asObject(piece["function"])["arguments"]));
    return { id, type, function: { name: asObject(described)["name"], arguments: given.join("") } };
  });
}
