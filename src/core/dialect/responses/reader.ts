import { asArray, asObject, asText, isFilled, isObject, type JsonObject } from "../../json.ts";
import {
  type AnswerHead,
  type CallPiece,
  type EventReader,
  type HubChoice,
  type HubEvent,
  type LatePart,
  NOTHING,
  readUsage,
  SILENCE,
} from "../hub-answer.ts";

/** Tools that the provider itself runs: the client has nothing to do. */
const PROVIDER_RUN = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_call",
  "mcp_list_tools",
]);

const FAILURES = new Set(["error", "response.failed", "response.cancelled"]);

/** An event without content. It is still progress, because this dialect has no keep-alives. */
const MOVES: HubEvent = { ...NOTHING, isProgress: true };

/**
 * Reads the events of one Responses answer. Events refer to items by position or by an id, which some providers change
 * during the stream, and closing events repeat streamed content. The reader tracks both.
 */
export class ResponsesReader implements EventReader {
  readonly #calls = new Map<string, number>();
  #callCount = 0;
  /** Calls with a known position. An event with another position belongs to another call. */
  readonly #placed = new Set<number>();
  readonly #opened = new Set<number>();
  /** Items with streamed content. */
  readonly #begun = new Set<string>();
  /** Kinds of content that were streamed: the last event only repeats these. */
  readonly #spoken = new Set<LatePart["kind"]>();
  #lastIndex: unknown;
  #lastId: unknown;
  /** Providers may send reasoning as a summary and in full. Only the first form is read. */
  #reasoningType: string | undefined;
  #reasoningPart: string | undefined;

  read(event: JsonObject): HubEvent {
    const type = asText(event["type"]);
    const response = asObject(event["response"]);
    if (hasFailed(type, event, response)) return { ...NOTHING, error: { error: errorIn(event, response) } };
    switch (type) {
      case "response.created":
      case "response.queued":
      case "response.in_progress":
        return { ...MOVES, head: headOf(response) };
      case "response.completed":
      case "response.incomplete":
        return this.#end(type, response);
    }
    const choice = this.#choice(type, event);
    return choice === undefined ? MOVES : { ...MOVES, choices: [choice] };
  }

  #end(type: string, response: JsonObject): HubEvent {
    const output = asArray(response["output"]).map(asObject);
    const late = output
      .flatMap((item) => [...latePartsOf(item), ...lateCall(item)])
      .filter(({ kind }) => (kind === "call" ? this.#callCount === 0 : !this.#spoken.has(kind)));
    const finish = finishOf(type, response);
    const choice = { ...SILENCE, finish, late, hasContent: output.some(hasContentIn) };
    return { ...MOVES, choices: [choice], usage: readUsage(response["usage"]), head: headOf(response) };
  }

  #choice(type: string, event: JsonObject): HubChoice | undefined {
    if (type === "response.output_text.delta") return { ...SILENCE, text: this.#next("text", event) };
    if (type === "response.refusal.delta")
      return { ...SILENCE, refusal: this.#next("refusal", event), hasOther: true };
    if (type.startsWith("response.reasoning")) {
      if (!type.endsWith(".delta")) return undefined;
      return { ...SILENCE, hasReasoning: true, reasoning: this.#reasoning(type, event) };
    }
    if (type.startsWith("response.output_item.")) return this.#item(type, event);
    if (/^response\.(?:function_call|custom_tool_call)/.test(type))
      return { ...SILENCE, calls: [this.#piece(type, event)] };
    return type.endsWith(".delta") ? { ...SILENCE, hasOther: true } : undefined;
  }

  #next(kind: "text" | "refusal" | "reasoning", event: JsonObject): string {
    const { delta, output_index: index, item_id: id } = event;
    if (typeof delta !== "string" || delta === "") return "";
    this.#spoken.add(kind);
    // Nearly every event belongs to the same item as the previous one.
    if (index !== this.#lastIndex || id !== this.#lastId)
      for (const place of placesOf(event)) this.#begun.add(place);
    this.#lastIndex = index;
    this.#lastId = id;
    return delta;
  }

  #reasoning(type: string, event: JsonObject): string {
    this.#reasoningType ??= type;
    if (type !== this.#reasoningType) return "";
    const place = placesOf(event)[0] ?? "";
    const part = `${place} ${String(event["summary_index"] ?? event["content_index"] ?? 0)}`;
    const isNext = this.#reasoningPart?.startsWith(`${place} `) === true && this.#reasoningPart !== part;
    this.#reasoningPart = part;
    return (isNext ? "\n\n" : "") + this.#next("reasoning", event);
  }

  #item(type: string, event: JsonObject): HubChoice | undefined {
    const item = asObject(event["item"]);
    const kind = asText(item["type"]);
    const isClosing = type === "response.output_item.done";
    if (kind.endsWith("_call") || kind === "mcp_approval_request") {
      if (PROVIDER_RUN.has(kind)) return { ...SILENCE, hasOther: true };
      return { ...SILENCE, calls: [this.#callItem(event, item, isClosing)] };
    }
    const isSealed = kind === "reasoning" && asText(item["encrypted_content"]) !== "";
    const hasContent = isClosing && hasContentIn(item);
    const late =
      isClosing && !placesOf(event).some((place) => this.#begun.has(place)) ? latePartsOf(item) : [];
    if (late.length > 0) {
      for (const { kind: said } of late) this.#spoken.add(said);
      for (const place of placesOf(event)) this.#begun.add(place);
    }
    return isSealed || hasContent || late.length > 0 ? { ...SILENCE, isSealed, hasContent, late } : undefined;
  }

  #callItem(event: JsonObject, item: JsonObject, isClosing: boolean): CallPiece {
    const { index, isFirst } = this.#callAt(event, !isClosing);
    const piece = callOf(item, index);
    return { ...piece, id: isFirst ? piece.id : "", whole: isClosing ? piece.whole : undefined };
  }

  #piece(type: string, event: JsonObject): CallPiece {
    const isDone = type.endsWith(".done");
    return {
      index: this.#callAt(event).index,
      id: "",
      name: "",
      more: asText(event["delta"]),
      whole: isDone ? asText(event["arguments"] ?? event["input"]) : undefined,
      isFreeform: type.startsWith("response.custom"),
    };
  }

  /**
   * By position, then by call id. The item id is the last choice, and only without contradicting positions: some gateways
   * use one item id for all items.
   */
  #knownCall(event: JsonObject, places: readonly string[]): number | undefined {
    const isPlaced = typeof event["output_index"] === "number";
    const byCallId = this.#calls.get(asText(asObject(event["item"])["call_id"]));
    const known = places.map((place) => this.#calls.get(place));
    const atPlace = isPlaced ? known[0] : undefined;
    return (
      atPlace ?? byCallId ?? known.find((call) => call !== undefined && !(isPlaced && this.#placed.has(call)))
    );
  }

  /** The number of the call of an event. Without any reference it is the previous call. */
  #callAt(event: JsonObject, isOpening = false): { index: number; isFirst: boolean } {
    const places = placesOf(event);
    const known = this.#knownCall(event, places);
    // Some providers give all calls the same position, so a second opening event is a second call.
    const isAnother = isOpening && known !== undefined && this.#opened.has(known);
    const isLoose = places.length === 0 && !isObject(event["item"]) && this.#callCount > 0;
    const same = isAnother ? undefined : (known ?? (isLoose ? this.#callCount - 1 : undefined));
    const index = same ?? this.#callCount++;
    for (const place of places) if (isAnother || !this.#calls.has(place)) this.#calls.set(place, index);
    if (typeof event["output_index"] === "number") this.#placed.add(index);
    const isFirst = !this.#opened.has(index);
    if (isObject(event["item"])) this.#opened.add(index);
    return { index, isFirst };
  }
}

function hasFailed(type: string, event: JsonObject, response: JsonObject): boolean {
  if (FAILURES.has(type)) return true;
  // Some gateways send chat errors, which have no type.
  if (type === "") return isObject(event["error"]);
  const isEnd = type === "response.completed" || type === "response.incomplete";
  return isEnd && (response["status"] === "failed" || isFilled(response["error"]));
}

function errorIn(event: JsonObject, response: JsonObject): unknown {
  const { message, code, param } = event;
  return event["error"] ?? response["error"] ?? { message, code, param };
}

function headOf({ id, model, created_at: created }: JsonObject): AnswerHead {
  return {
    id: asText(id),
    model: asText(model),
    createdS: typeof created === "number" ? created : undefined,
  };
}

function finishOf(type: string, response: JsonObject): string {
  if (type === "response.completed" && response["status"] !== "incomplete") return "stop";
  const { reason } = asObject(response["incomplete_details"]);
  return reason === "content_filter" ? "content_filter" : "length";
}

function hasContentIn(item: JsonObject): boolean {
  const type = asText(item["type"]);
  if (type === "reasoning") return false;
  if (type !== "message") return true;
  return asArray(item["content"]).some((value) => {
    const part = asObject(value);
    return asText(part["text"]).trim() !== "" || asText(part["refusal"]) !== "";
  });
}

function latePartsOf(item: JsonObject): LatePart[] {
  const textsIn = (parts: unknown): string[] =>
    asArray(parts).flatMap((part) => asText(asObject(part)["text"]) || []);
  if (item["type"] === "reasoning") {
    const summary = textsIn(item["summary"]);
    const text = (summary.length > 0 ? summary : textsIn(item["content"])).join("\n\n");
    return text === "" ? [] : [{ kind: "reasoning", text }];
  }
  if (item["type"] !== "message") return [];
  return asArray(item["content"]).flatMap((value): LatePart[] => {
    const part = asObject(value);
    const isRefusal = part["type"] === "refusal";
    const text = asText(isRefusal ? part["refusal"] : part["text"]);
    return text === "" ? [] : [{ kind: isRefusal ? "refusal" : "text", text }];
  });
}

function lateCall(item: JsonObject): LatePart[] {
  return item["type"] === "function_call" ? [{ kind: "call", piece: callOf(item, undefined) }] : [];
}

/** Only functions have JSON for arguments; of other calls the name is the kind. */
function callOf(item: JsonObject, index: number | undefined): CallPiece {
  const isFunction = item["type"] === "function_call";
  return {
    index,
    id: asText(item["call_id"]) || asText(item["id"]),
    name: asText(item["name"]) || (isFunction ? "" : asText(item["type"])),
    more: "",
    whole: isFunction ? asText(item["arguments"]) : undefined,
    isFreeform: !isFunction,
  };
}

function placesOf(event: JsonObject): string[] {
  const { output_index: index } = event;
  const { id: itemId, call_id: callId } = asObject(event["item"]);
  const ids = [asText(event["item_id"]) || asText(itemId), asText(callId)].filter((id) => id !== "");
  return typeof index === "number" ? [`#${index}`, ...ids] : ids;
}
