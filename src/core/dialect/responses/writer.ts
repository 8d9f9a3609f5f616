import { asArray, asObject, asText, isObject, type JsonObject } from "../../json.ts";
import { DONE } from "../../stream/sse.ts";
import {
  type AnswerEnd,
  type AnswerHead,
  type AnswerNames,
  type AnswerWriter,
  fullUsage,
  type ToolOrigin,
  type Usage,
  type WireEvent,
} from "../hub-answer.ts";
import { inputOf } from "./tools.ts";

/** Kinds of text. Each becomes an item with one part. */
type PartKind = "text" | "refusal" | "reasoning";

interface PartForm {
  idPrefix: string;
  item: (text: string | undefined) => JsonObject;
  part: (text: string) => JsonObject;
  partEvent: string;
  textEvent: string;
  textField: string;
  indexField: string;
}

const message = (part: (text: string) => JsonObject, text: string | undefined): JsonObject => ({
  type: "message",
  role: "assistant",
  status: text === undefined ? "in_progress" : "completed",
  content: text === undefined ? [] : [part(text)],
});

const textPart = (text: string): JsonObject => ({ type: "output_text", text, annotations: [] });
const refusalPart = (refusal: string): JsonObject => ({ type: "refusal", refusal });
const summaryPart = (text: string): JsonObject => ({ type: "summary_text", text });

const SPOKEN = {
  idPrefix: "msg",
  partEvent: "response.content_part",
  indexField: "content_index",
};

const PART_FORMS: Readonly<Record<PartKind, PartForm>> = {
  text: {
    ...SPOKEN,
    item: (text) => message(textPart, text),
    part: textPart,
    textEvent: "response.output_text",
    textField: "text",
  },
  refusal: {
    ...SPOKEN,
    item: (text) => message(refusalPart, text),
    part: refusalPart,
    textEvent: "response.refusal",
    textField: "refusal",
  },
  reasoning: {
    idPrefix: "rs",
    item: (text) => ({ type: "reasoning", summary: text === undefined ? [] : [summaryPart(text)] }),
    part: summaryPart,
    partEvent: "response.reasoning_summary_part",
    textEvent: "response.reasoning_summary_text",
    textField: "text",
    indexField: "summary_index",
  },
};

interface OpenCall {
  at: number;
  /** Undefined for a plain function. */
  origin: ToolOrigin | undefined;
  item: JsonObject;
  written: string[];
}

interface OpenPart {
  kind: PartKind;
  at: number;
  id: string;
  written: string[];
}

/**
 * Writes the events of one Responses answer: numbers them, opens and closes items, and keeps the output for the last
 * event. Tool calls stay open until the end, because their pieces may be interleaved.
 */
export class ResponsesWriter implements AnswerWriter {
  readonly #options: AnswerNames;
  #sequence = 0;
  #hasBegun = false;
  #model: string;
  readonly #output: JsonObject[] = [];
  #items = 0;
  #part: OpenPart | undefined;
  readonly #calls: OpenCall[] = [];

  constructor(options: AnswerNames) {
    this.#options = options;
    this.#model = options.model;
  }

  begin({ model }: Pick<AnswerHead, "model">): WireEvent[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    if (model !== "") this.#model = model;
    const response = this.#response("in_progress");
    return [this.#event("response.created", { response }), this.#event("response.in_progress", { response })];
  }

  write(kind: PartKind, delta: string): WireEvent[] {
    const opening = [
      ...this.begin({ model: "" }),
      ...(this.#part?.kind === kind ? [] : [...this.#closePart(), ...this.#openPart(kind)]),
    ];
    this.#part?.written.push(delta);
    const logprobs = kind === "text" ? { logprobs: [] } : {};
    const name = `${PART_FORMS[kind].textEvent}.delta`;
    return [...opening, this.#event(name, { ...this.#where(), delta, ...logprobs })];
  }

  openCall(_call: number, callId: string, name: string): WireEvent[] {
    const opening = [...this.begin({ model: "" }), ...this.#closePart()];
    const at = this.#items++;
    const origin = this.#options.tools?.get(name);
    const isCustom = origin?.isCustom === true;
    const item: JsonObject = {
      id: this.#id(isCustom ? "ctc" : "fc", at),
      type: isCustom ? "custom_tool_call" : "function_call",
      call_id: callId,
      ...(origin === undefined || origin.namespace === "" ? {} : { namespace: origin.namespace }),
      name: origin?.name ?? name,
    };
    this.#calls.push({ at, origin, item, written: [] });
    const added = { ...item, status: "in_progress", [isCustom ? "input" : "arguments"]: "" };
    return [...opening, this.#event("response.output_item.added", { output_index: at, item: added })];
  }

  writeArguments(number: number, delta: string): WireEvent[] {
    const call = this.#calls[number];
    if (call === undefined) return [];
    call.written.push(delta);
    // Its text is read out of the arguments once they are complete.
    if (call.origin?.isCustom === true) return [];
    const at = { item_id: call.item["id"], output_index: call.at };
    return [this.#event("response.function_call_arguments.delta", { ...at, delta })];
  }

  finish({ finish, usage }: AnswerEnd): WireEvent[] {
    const opening = this.begin({ model: "" });
    const cutBy = CUTS[finish];
    const last = this.#calls.at(-1);
    const calls = this.#calls.flatMap((call) => {
      // At the token limit, the last call is not complete.
      const isCut = cutBy === "max_output_tokens" && call === last;
      return this.#closeCall(call, isCut ? "incomplete" : "completed");
    });
    const items = [...this.#closePart(), ...calls];
    const status = cutBy === undefined ? "completed" : "incomplete";
    const response = {
      ...this.#response(status),
      incomplete_details: cutBy === undefined ? null : { reason: cutBy },
      usage: writeUsage(usage),
    };
    return [...opening, ...items, this.#event(`response.${status}`, { response })];
  }

  fail(error: JsonObject): WireEvent[] {
    return [this.#event("error", { error })];
  }

  #openPart(kind: PartKind): WireEvent[] {
    const form = PART_FORMS[kind];
    const at = this.#items++;
    const id = this.#id(form.idPrefix, at);
    this.#part = { kind, at, id, written: [] };
    return [
      this.#event("response.output_item.added", { output_index: at, item: { id, ...form.item(undefined) } }),
      this.#event(`${form.partEvent}.added`, { ...this.#where(), part: form.part("") }),
    ];
  }

  #closePart(): WireEvent[] {
    const part = this.#part;
    if (part === undefined) return [];
    const form = PART_FORMS[part.kind];
    const text = part.written.join("");
    const where = this.#where();
    const item = { id: part.id, ...form.item(text) };
    this.#output[part.at] = item;
    this.#part = undefined;
    return [
      this.#event(`${form.textEvent}.done`, { ...where, [form.textField]: text }),
      this.#event(`${form.partEvent}.done`, { ...where, part: form.part(text) }),
      this.#event("response.output_item.done", { output_index: part.at, item }),
    ];
  }

  #closeCall(call: OpenCall, status: string): WireEvent[] {
    if (call.origin?.isCustom === true) return this.#closeCustom(call, status);
    // Clients parse the arguments as JSON, even if there are none.
    const given = call.written.join("") || "{}";
    const item = { ...call.item, status, arguments: given };
    this.#output[call.at] = item;
    const at = { item_id: call.item["id"], output_index: call.at };
    return [
      this.#event("response.function_call_arguments.done", { ...at, arguments: given }),
      this.#event("response.output_item.done", { output_index: call.at, item }),
    ];
  }

  #closeCustom(call: OpenCall, status: string): WireEvent[] {
    const input = inputOf(call.written.join(""));
    const item = { ...call.item, status, input };
    this.#output[call.at] = item;
    const at = { item_id: call.item["id"], output_index: call.at };
    return [
      this.#event("response.custom_tool_call_input.delta", { ...at, delta: input }),
      this.#event("response.custom_tool_call_input.done", { ...at, input }),
      this.#event("response.output_item.done", { output_index: call.at, item }),
    ];
  }

  #where(): JsonObject {
    const part = this.#part;
    if (part === undefined) return {};
    return { item_id: part.id, output_index: part.at, [PART_FORMS[part.kind].indexField]: 0 };
  }

  #id(prefix: string, at: number): string {
    return `${prefix}_${this.#options.id}_${at}`;
  }

  #event(type: string, data: JsonObject): JsonObject {
    return { type, sequence_number: this.#sequence++, ...data };
  }

  #response(status: string): JsonObject {
    return {
      id: `resp_${this.#options.id}`,
      object: "response",
      created_at: this.#options.createdS,
      status,
      error: null,
      incomplete_details: null,
      model: this.#model,
      output: [...this.#output],
    };
  }
}

const CUTS: Readonly<Partial<Record<string, "max_output_tokens" | "content_filter">>> = {
  length: "max_output_tokens",
  content_filter: "content_filter",
};

/** Clients require usage in the last event. */
function writeUsage(usage: Usage | undefined): JsonObject {
  const { input, output, total, cached, reasoning } = fullUsage(usage);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: total,
  };
}

export function responsesWholeOf(events: readonly WireEvent[]): JsonObject | undefined {
  const last = events.at(-1);
  if (last === undefined || last === DONE) return undefined;
  return isObject(last["response"]) ? last["response"] : { error: last["error"] };
}

export function responsesEventsOf(response: JsonObject): JsonObject[] | undefined {
  const { output } = response;
  const status = response["status"] ?? "completed";
  if (!Array.isArray(output) || (status !== "completed" && status !== "incomplete")) return undefined;
  const begun = { ...response, status: "in_progress", output: [] };
  const events = [
    { type: "response.created", response: begun },
    { type: "response.in_progress", response: begun },
    ...output.map(asObject).flatMap(itemEvents),
    { type: `response.${status}`, response },
  ];
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}

function itemEvents(item: JsonObject, output_index: number): JsonObject[] {
  const place = { item_id: item["id"], output_index };
  const { content, summary, arguments: given } = item;
  const empty = {
    ...item,
    ...(content === undefined ? {} : { content: [] }),
    ...(summary === undefined ? {} : { summary: [] }),
    ...(given === undefined ? {} : { arguments: "" }),
  };
  return [
    { type: "response.output_item.added", output_index, item: empty },
    ...[...asArray(summary), ...asArray(content)].flatMap((part, at) =>
      partEvents(asObject(part), place, at),
    ),
    ...(asText(given) === ""
      ? []
      : [
          { type: "response.function_call_arguments.delta", ...place, delta: given },
          { type: "response.function_call_arguments.done", ...place, arguments: given },
        ]),
    { type: "response.output_item.done", output_index, item },
  ];
}

const KINDS: Readonly<Partial<Record<string, PartKind>>> = {
  output_text: "text",
  refusal: "refusal",
  summary_text: "reasoning",
};

function partEvents(part: JsonObject, item: JsonObject, at: number): JsonObject[] {
  const kind = KINDS[asText(part["type"])];
  if (kind === undefined) return [];
  const { partEvent, textEvent, textField, indexField } = PART_FORMS[kind];
  const place = { ...item, [indexField]: at };
  const text = asText(part[textField]);
  return [
    { type: `${partEvent}.added`, ...place, part: { ...part, [textField]: "" } },
    ...(text === "" ? [] : [{ type: `${textEvent}.delta`, ...place, delta: text }]),
    { type: `${textEvent}.done`, ...place, [textField]: text },
    { type: `${partEvent}.done`, ...place, part },
  ];
}
