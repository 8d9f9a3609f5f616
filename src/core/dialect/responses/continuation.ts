import { asArray, asObject, asText, type JsonObject } from "../../json.ts";
import {
  type Continuation,
  type Continued,
  type MatchState,
  type SentAnswer,
  type SentRecord,
  TextMatch,
} from "../../stream/continuation.ts";
import { sseBytes } from "../../stream/sse.ts";
import type { HubChoice } from "../hub-answer.ts";

interface SentItem {
  index: number;
  id: string;
  type: string;
  isOpen: boolean;
  hasPart: boolean;
  text: string;
}

export class SentItems implements SentRecord {
  readonly items: SentItem[];
  sequence: number;

  constructor(from?: SentRecord) {
    const before = from instanceof SentItems ? from : undefined;
    this.items = before?.items.map((item) => ({ ...item })) ?? [];
    this.sequence = before?.sequence ?? 0;
  }

  copy(): SentItems {
    return new SentItems(this);
  }

  /** Call for each event that is sent to the client. */
  note(event: JsonObject): void {
    const { sequence_number: sequence } = event;
    this.sequence = typeof sequence === "number" ? sequence + 1 : this.sequence + 1;
    switch (event["type"]) {
      case "response.output_item.added":
        this.#add(event, asObject(event["item"]));
        return;
      case "response.content_part.added":
        this.#itemOf(event).hasPart = true;
        return;
      case "response.output_text.delta":
        this.#itemOf(event).text += asText(event["delta"]);
        return;
      case "response.output_item.done":
        this.#itemOf(event).isOpen = false;
        return;
    }
  }

  /** The message with text; undefined if there is none, or more than one. */
  get message(): SentItem | undefined {
    const messages = this.items.filter((item) => item.type === "message");
    return messages.length === 1 ? messages[0] : undefined;
  }

  get nextIndex(): number {
    return Math.max(-1, ...this.items.map((item) => item.index)) + 1;
  }

  closing(except?: SentItem): JsonObject[] {
    const open = this.items.filter((item) => item.isOpen && item !== except);
    for (const item of open) item.isOpen = false;
    return open.flatMap(closingEvents).map((event) => ({ ...event, sequence_number: this.sequence++ }));
  }

  #add(event: JsonObject, item: JsonObject): SentItem {
    const { output_index: index } = event;
    const added = {
      index: typeof index === "number" ? index : this.nextIndex,
      id: asText(item["id"]),
      type: asText(item["type"]),
      isOpen: true,
      hasPart: false,
      text: "",
    };
    this.items.push(added);
    return added;
  }

  /** Some providers send only the position of an item, some only its id, and a few leave out its opening event. */
  #itemOf(event: JsonObject): SentItem {
    const { output_index: index } = event;
    const id = asText(event["item_id"]) || asText(asObject(event["item"])["id"]);
    const known =
      this.items.find((item) => item.index === index) ??
      this.items.find((item) => item.id === id && (id !== "" || item.isOpen));
    return known ?? this.#add(event, { id, type: asObject(event["item"])["type"] ?? "message" });
  }
}

function closingEvents({ index, id, type, text, hasPart }: SentItem): JsonObject[] {
  const place = { item_id: id, output_index: index, content_index: 0 };
  const part = { type: "output_text", text, annotations: [] };
  const item = itemAsSent({ id, type, text });
  return [
    ...(type === "message" && hasPart
      ? [
          { type: "response.output_text.done", ...place, text },
          { type: "response.content_part.done", ...place, part },
        ]
      : []),
    { type: "response.output_item.done", output_index: index, item },
  ];
}

function itemAsSent({ id, type, text }: Pick<SentItem, "id" | "type" | "text">): JsonObject {
  if (type !== "message") return { id, type, summary: [] };
  const content = [{ type: "output_text", text, annotations: [] }];
  return { id, type, role: "assistant", status: "incomplete", content };
}

/** Where the events of a new item go: into the message that was begun, to a new position, or nowhere. */
type Place = { kind: "same"; item: SentItem } | { kind: "own"; index: number } | { kind: "none" };

const NOWHERE: Place = { kind: "none" };

/** The client already knows that an answer has begun. */
const BEGINNINGS = new Set(["response.created", "response.queued", "response.in_progress"]);

/**
 * Events of a Responses answer belong to numbered items, and clients check the numbers. New items get the following
 * numbers, new text continues the message that was begun, and open items are closed.
 */
export class ResponsesContinuation implements Continuation {
  readonly #match: TextMatch;
  readonly #sent: SentItems;
  readonly #text: string;
  readonly #places = new Map<string, Place>();
  #hasClosed = false;
  #isMessageTaken = false;
  #nextIndex: number;

  constructor(sent: SentAnswer, takesCalls: boolean) {
    const { text, record } = sent;
    this.#sent = new SentItems(record);
    this.#text = text;
    this.#nextIndex = this.#sent.nextIndex;
    // A closed message cannot become longer.
    const mayGrow = text.trim() === "" || this.#sent.message?.isOpen === true;
    this.#match = new TextMatch(sent, { takesCalls, mayGrow });
  }

  get state(): MatchState {
    return this.#match.state;
  }

  /** The client's state after everything that was admitted. */
  get record(): SentItems {
    return this.#sent;
  }

  admit(event: JsonObject, _bytes: Uint8Array, choice: HubChoice | undefined): Continued {
    const type = asText(event["type"]);
    const text = choice?.text ?? "";
    if (text !== "") {
      const delta = this.#match.newIn(text);
      return { bytes: this.#speak(event, delta, this.#placeOf(type, event)), text: delta };
    }
    return { bytes: this.#pass(type, event, choice), text: "" };
  }

  #pass(type: string, event: JsonObject, choice: HubChoice | undefined): Uint8Array | undefined {
    if (type === "response.completed" || type === "response.incomplete") return this.#end(event);
    if (BEGINNINGS.has(type)) return undefined;
    const place = this.#placeOf(type, event);
    if (choice !== undefined && (choice.calls.length > 0 || choice.hasOther)) this.#match.diverge();
    if (place.kind === "none" || this.state === "matching" || this.state === "mismatch") return undefined;
    if (place.kind === "own") return this.#write([{ ...event, output_index: place.index }]);
    // The message is already open; the closing event of the new answer repeats its whole text.
    return this.state === "on" && place.item.isOpen && type.endsWith(".done")
      ? this.#write([inItem(event, place.item)], place.item)
      : undefined;
  }

  #speak(event: JsonObject, delta: string, place: Place): Uint8Array | undefined {
    if (delta === "" || place.kind === "none") return undefined;
    if (place.kind === "own") return this.#write([{ ...event, output_index: place.index, delta }]);
    return this.#write([inItem({ ...event, delta }, place.item)], place.item);
  }

  /** The first event of an item decides its position. */
  #placeOf(type: string, event: JsonObject): Place {
    const key = String(event["output_index"] ?? (event["item_id"] || asObject(event["item"])["id"]));
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#newPlace(asText(asObject(event["item"])["type"]) || typeBy(type));
    this.#places.set(key, place);
    return place;
  }

  #newPlace(type: string): Place {
    if (type === "message") {
      const begun = this.#sent.message;
      if (begun !== undefined && !this.#isMessageTaken) {
        this.#isMessageTaken = true;
        return { kind: "same", item: begun };
      }
      return this.state === "on" ? { kind: "own", index: this.#nextIndex++ } : NOWHERE;
    }
    // The client runs calls; reasoning and the provider's own tools belong to the other answer.
    const isCall = type.endsWith("_call") || type === "mcp_approval_request";
    return isCall ? { kind: "own", index: this.#nextIndex++ } : NOWHERE;
  }

  /** Close all other open items before the first new event. */
  #write(events: JsonObject[], goesOn?: SentItem): Uint8Array {
    const except = this.state === "on" ? (goesOn ?? this.#openMessage()) : undefined;
    const closing = this.#hasClosed ? [] : this.#sent.closing(except);
    this.#hasClosed = true;
    const numbered = events.map((event) => this.#number(event));
    return Buffer.concat([...closing, ...numbered].map(sseBytes));
  }

  #number(event: JsonObject): JsonObject {
    const numbered = { ...event, sequence_number: this.#sent.sequence };
    this.#sent.note(numbered);
    return numbered;
  }

  #openMessage(): SentItem | undefined {
    const { message } = this.#sent;
    return message?.isOpen === true ? message : undefined;
  }

  /** The last event repeats the output, which must match what the client received. */
  #end(event: JsonObject): Uint8Array {
    const response = asObject(event["response"]);
    if (this.state !== "calls-only") return this.#write([event]);
    const said = this.#sent.message ?? { id: "", type: "message", text: this.#text };
    const calls = asArray(response["output"]).filter((item) =>
      asText(asObject(item)["type"]).endsWith("_call"),
    );
    return this.#write([{ ...event, response: { ...response, output: [itemAsSent(said), ...calls] } }]);
  }
}

function typeBy(type: string): string {
  if (type.startsWith("response.function_call")) return "function_call";
  if (type.startsWith("response.custom_tool_call")) return "custom_tool_call";
  return type.startsWith("response.reasoning") ? "reasoning" : "message";
}

function inItem(event: JsonObject, { id, index }: SentItem): JsonObject {
  const moved: JsonObject = { ...event, output_index: index };
  if (event["item_id"] !== undefined) moved["item_id"] = id;
  if (event["item"] !== undefined) moved["item"] = { ...asObject(event["item"]), id };
  return moved;
}
