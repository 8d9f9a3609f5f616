import { asArray, asObject, asText, isFilled, isObject, type JsonObject } from "../../json.ts";
import { DONE } from "../../stream/sse.ts";
import {
  asCount,
  type CallPiece,
  type EventReader,
  type HubChoice,
  type HubEvent,
  NOTHING,
  SILENCE,
  type Usage,
  type WireEvent,
} from "../hub-answer.ts";
import { readMark } from "../model-traits.ts";

/** Finish reasons of the hub. Others stay as they are. */
const FINISHES: Readonly<Record<string, string>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  pause_turn: "stop",
  compaction: "stop",
  tool_use: "tool_calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "content_filter",
  sensitive: "content_filter",
};

/** An event without content that still belongs to the answer. */
const MOVES: HubEvent = { ...NOTHING, isProgress: true };

interface OpenBlock {
  type: string;
  call: number | undefined;
}

/**
 * Reads the events of one answer. Deltas refer to blocks by position, and counts of tokens come in several events: each is
 * the number so far.
 */
export class MessagesReader implements EventReader {
  readonly #blocks = new Map<number, OpenBlock>();
  #calls = 0;
  #counts: JsonObject = {};
  /** Whether a block of reasoning is open: it may be silent, and keep-alives show that the model still thinks. */
  #isThinking = false;

  read(event: JsonObject): HubEvent {
    const type = asText(event["type"]);
    if (type === "error" || (type === "" && isFilled(event["error"]))) return { ...NOTHING, error: event };
    switch (type) {
      case "message_start":
        return this.#start(asObject(event["message"]));
      case "content_block_start":
        return spoken(this.#open(indexOf(event), asObject(event["content_block"])));
      case "content_block_delta":
        return this.#delta(this.#blocks.get(indexOf(event)), asObject(event["delta"]));
      case "content_block_stop":
        this.#isThinking = false;
        return MOVES;
      case "message_delta":
        return this.#end(event);
      case "message_stop":
        return { ...MOVES, isEnd: true };
      default:
        return this.#isThinking ? MOVES : NOTHING;
    }
  }

  #start(message: JsonObject): HubEvent {
    const head = { id: "", model: asText(message["model"]), createdS: undefined };
    return { ...MOVES, head, usage: this.#count(message["usage"]) };
  }

  #open(index: number, block: JsonObject): HubChoice | undefined {
    const type = asText(block["type"]);
    const call = type === "tool_use" ? this.#calls++ : undefined;
    this.#blocks.set(index, { type, call });
    this.#isThinking = type === "thinking";
    switch (type) {
      case "text":
        return asText(block["text"]) === "" ? undefined : { ...SILENCE, text: asText(block["text"]) };
      case "thinking":
        // The reasoning may never become visible, so its beginning is the sign that the model answers.
        return {
          ...SILENCE,
          hasReasoning: true,
          reasoning: asText(block["thinking"]),
          ...sealOf(block["signature"]),
        };
      case "redacted_thinking":
        return { ...SILENCE, hasReasoning: true, isSealed: true, seal: asText(block["data"]) };
      case "tool_use":
        return { ...SILENCE, calls: [openPiece(block, call)] };
      default:
        return { ...SILENCE, hasOther: true };
    }
  }

  #delta(block: OpenBlock | undefined, delta: JsonObject): HubEvent {
    switch (delta["type"]) {
      case "text_delta":
        return spokenText(asText(delta["text"]));
      case "thinking_delta":
        return spoken({ ...SILENCE, hasReasoning: true, reasoning: asText(delta["thinking"]) });
      case "signature_delta":
        return spoken({ ...SILENCE, ...sealOf(delta["signature"]) });
      case "input_json_delta": {
        const more = asText(delta["partial_json"]);
        if (block?.call === undefined) return spoken({ ...SILENCE, hasOther: true });
        return spoken({ ...SILENCE, calls: [piece(block.call, { more })] });
      }
      default:
        return spoken({ ...SILENCE, hasOther: true });
    }
  }

  #end(event: JsonObject): HubEvent {
    const delta = asObject(event["delta"]);
    const usage = this.#count(event["usage"]);
    const reason = asText(delta["stop_reason"]);
    if (reason === "") return { ...MOVES, usage };
    const finish = FINISHES[reason] ?? reason;
    const refusal = finish === "content_filter" ? asText(asObject(delta["stop_details"])["explanation"]) : "";
    return { ...MOVES, usage, choices: [{ ...SILENCE, refusal, hasOther: refusal !== "", finish }] };
  }

  #count(usage: unknown): Usage | undefined {
    if (!isObject(usage)) return undefined;
    const known = Object.entries(usage).filter(([, value]) => value !== undefined && value !== null);
    this.#counts = { ...this.#counts, ...Object.fromEntries(known) };
    return readMessagesUsage(this.#counts);
  }
}

function spoken(choice: HubChoice | undefined): HubEvent {
  return choice === undefined ? MOVES : { ...MOVES, choices: [choice] };
}

function spokenText(text: string): HubEvent {
  return text === "" ? NOTHING : spoken({ ...SILENCE, text });
}

function indexOf(event: JsonObject): number {
  return typeof event["index"] === "number" ? event["index"] : 0;
}

/** A mark of ours on reasoning that nobody has signed is no seal. */
function sealOf(signature: unknown): Pick<HubChoice, "isSealed" | "seal"> {
  const text = asText(signature);
  const mark = readMark(text);
  if (mark !== undefined) return { isSealed: mark.data !== "" };
  return text === "" ? { isSealed: false } : { isSealed: true, seal: text };
}

function piece(index: number | undefined, more: Partial<CallPiece>): CallPiece {
  return { index, id: "", name: "", more: "", whole: undefined, isFreeform: false, ...more };
}

/** Some services send the whole input with the start of the call. */
function openPiece({ id, name, input }: JsonObject, call: number | undefined): CallPiece {
  const whole = isFilled(input) ? JSON.stringify(input) : undefined;
  return piece(call, { id: asText(id), name: asText(name), whole });
}

/** This dialect counts cached input apart from other input. */
export function readMessagesUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const fresh = asCount(value["input_tokens"]);
  const cached = asCount(value["cache_read_input_tokens"]);
  const cacheWritten = asCount(value["cache_creation_input_tokens"]);
  const output = asCount(value["output_tokens"]);
  const hasInput = fresh !== undefined || cached !== undefined || cacheWritten !== undefined;
  const input = hasInput ? (fresh ?? 0) + (cached ?? 0) + (cacheWritten ?? 0) : undefined;
  return {
    input,
    output,
    total: input === undefined || output === undefined ? undefined : input + output,
    cached,
    ...(cacheWritten === undefined ? {} : { cacheWritten }),
    reasoning: asCount(asObject(value["output_tokens_details"])["thinking_tokens"]),
  };
}

/** The events of a complete message. */
export function messagesEventsOf(message: JsonObject): JsonObject[] | undefined {
  const { content, stop_reason, stop_sequence = null, stop_details, usage } = message;
  if (!Array.isArray(content) || typeof stop_reason !== "string") return undefined;
  const started = { ...message, content: [], stop_reason: null, stop_sequence: null };
  const details = stop_details === undefined ? {} : { stop_details };
  return [
    { type: "message_start", message: started },
    ...content.flatMap((block, index) => blockEvents(asObject(block), index)),
    { type: "message_delta", delta: { stop_reason, stop_sequence, ...details }, usage: usage ?? NO_USAGE },
  ];
}

const NO_USAGE = { output_tokens: 0 };

function blockEvents(block: JsonObject, index: number): JsonObject[] {
  const { start, deltas } = streamed(block);
  return [
    { type: "content_block_start", index, content_block: start },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

/** A block as a stream brings it: empty first, then its content. */
function streamed(block: JsonObject): { start: JsonObject; deltas: JsonObject[] } {
  switch (block["type"]) {
    case "text": {
      const citations = asArray(block["citations"]).map((citation) => ({
        type: "citations_delta",
        citation,
      }));
      return {
        start: { ...block, text: "", ...(citations.length === 0 ? {} : { citations: [] }) },
        deltas: [...filled("text_delta", "text", block["text"]), ...citations],
      };
    }
    case "thinking":
      return {
        start: { ...block, thinking: "", signature: "" },
        deltas: [
          ...filled("thinking_delta", "thinking", block["thinking"]),
          ...filled("signature_delta", "signature", block["signature"]),
        ],
      };
    case "tool_use":
    case "server_tool_use":
      return {
        start: { ...block, input: {} },
        deltas: isFilled(block["input"])
          ? [{ type: "input_json_delta", partial_json: JSON.stringify(block["input"]) }]
          : [],
      };
    default:
      return { start: block, deltas: [] };
  }
}

function filled(type: string, field: string, value: unknown): JsonObject[] {
  return asText(value) === "" ? [] : [{ type, [field]: value }];
}

/** The complete message for the events of the writer. */
export function messagesWholeOf(events: readonly WireEvent[]): JsonObject | undefined {
  const all = events.filter((event) => event !== DONE);
  const failed = all.find((event) => event["type"] === "error");
  if (failed !== undefined) return failed;
  const message = asObject(all.find((event) => event["type"] === "message_start")?.["message"]);
  const end = all.findLast((event) => event["type"] === "message_delta");
  if (end === undefined) return undefined;
  const starts = all.filter((event) => event["type"] === "content_block_start");
  const content = starts.map(({ index, content_block: block }) =>
    completed(
      asObject(block),
      all.filter((event) => event["type"] === "content_block_delta" && event["index"] === index),
    ),
  );
  const usage = { ...asObject(message["usage"]), ...asObject(end["usage"]) };
  return { ...message, content, ...asObject(end["delta"]), usage };
}

function completed(block: JsonObject, events: readonly JsonObject[]): JsonObject {
  const deltas = events.map((event) => asObject(event["delta"]));
  const joined = (field: string): string => deltas.map((delta) => asText(delta[field])).join("");
  switch (block["type"]) {
    case "text":
      return { ...block, text: joined("text") };
    case "thinking":
      return { ...block, thinking: joined("thinking"), signature: joined("signature") };
    case "tool_use":
      return { ...block, input: inputIn(joined("partial_json")) };
    default:
      return block;
  }
}

/** Arguments that broke off at the token limit stay visible. */
function inputIn(given: string): JsonObject {
  if (given.trim() === "") return {};
  try {
    return asObject(JSON.parse(given));
  } catch {
    return { _raw: given };
  }
}
