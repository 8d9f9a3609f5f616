import type { AnswerEvent, TranslatorOptions } from "./answer-event.ts";
import type { JsonObject } from "./json-object.ts";
import { PART_FORMS, type PartKind } from "./response-part.ts";

/** How an answer has ended; `cutBy` names what kept it short. */
export interface ResponseEnding {
  cutBy: "max_output_tokens" | "content_filter" | undefined;
  usage: JsonObject;
}

/** A tool call that is being written. */
export interface OpenCall {
  at: number;
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
 * Writes the events of one Responses answer: numbers them, opens and closes items, and keeps the output that the last
 * event repeats. Text and reasoning follow one another; tool calls stay open to the end, since they may come mixed.
 */
export class ResponseWriter {
  readonly #options: TranslatorOptions;
  #sequence = 0;
  #hasBegun = false;
  #model: string;
  readonly #output: JsonObject[] = [];
  #items = 0;
  #part: OpenPart | undefined;
  readonly #calls: OpenCall[] = [];

  constructor(options: TranslatorOptions) {
    this.#options = options;
    this.#model = options.model;
  }

  /** Opens the answer; only the first time. */
  begin(model: string): AnswerEvent[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    if (model !== "") this.#model = model;
    const response = this.#response("in_progress");
    return [this.#event("response.created", { response }), this.#event("response.in_progress", { response })];
  }

  write(kind: PartKind, delta: string): AnswerEvent[] {
    const opening = this.#part?.kind === kind ? [] : [...this.#closePart(), ...this.#openPart(kind)];
    this.#part?.written.push(delta);
    const logprobs = kind === "text" ? { logprobs: [] } : {};
    const name = `${PART_FORMS[kind].textEvent}.delta`;
    return [...opening, this.#event(name, { ...this.#where(), delta, ...logprobs })];
  }

  openCall(callId: string, name: string): { call: OpenCall; events: AnswerEvent[] } {
    const closing = this.#closePart();
    const at = this.#items++;
    const item = { id: this.#id("fc", at), type: "function_call", call_id: callId, name };
    const call: OpenCall = { at, item, written: [] };
    this.#calls.push(call);
    const added = { ...item, status: "in_progress", arguments: "" };
    return {
      call,
      events: [...closing, this.#event("response.output_item.added", { output_index: at, item: added })],
    };
  }

  writeArguments(call: OpenCall, delta: string): AnswerEvent[] {
    call.written.push(delta);
    const at = { item_id: call.item["id"], output_index: call.at };
    return [this.#event("response.function_call_arguments.delta", { ...at, delta })];
  }

  finish({ cutBy, usage }: ResponseEnding): AnswerEvent[] {
    const last = this.#calls.at(-1);
    const calls = this.#calls.flatMap((call) => {
      // Where the tokens ran out, the call that was being written is not one to carry out.
      const isCut = cutBy === "max_output_tokens" && call === last;
      return this.#closeCall(call, isCut ? "incomplete" : "completed");
    });
    const items = [...this.#closePart(), ...calls];
    const status = cutBy === undefined ? "completed" : "incomplete";
    const response = {
      ...this.#response(status),
      incomplete_details: cutBy === undefined ? null : { reason: cutBy },
      usage,
    };
    return [...items, this.#event(`response.${status}`, { response })];
  }

  fail(error: unknown): AnswerEvent[] {
    return [this.#event("error", { error })];
  }

  #openPart(kind: PartKind): AnswerEvent[] {
    const form = PART_FORMS[kind];
    const at = this.#items++;
    const id = this.#id(form.idPrefix, at);
    this.#part = { kind, at, id, written: [] };
    return [
      this.#event("response.output_item.added", { output_index: at, item: { id, ...form.item(undefined) } }),
      this.#event(`${form.partEvent}.added`, { ...this.#where(), part: form.part("") }),
    ];
  }

  #closePart(): AnswerEvent[] {
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

  #closeCall(call: OpenCall, status: string): AnswerEvent[] {
    // A call without arguments still has to be JSON to those who parse it.
    const given = call.written.join("") || "{}";
    const item = { ...call.item, status, arguments: given };
    this.#output[call.at] = item;
    const at = { item_id: call.item["id"], output_index: call.at };
    return [
      this.#event("response.function_call_arguments.done", { ...at, arguments: given }),
      this.#event("response.output_item.done", { output_index: call.at, item }),
    ];
  }

  /** The place of the open part, as its events name it. */
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
