import { asArray, asObject, asText, type JsonObject } from "../dialect/json-object.ts";
import type { Continuation, Continued, MatchState, TextMatch } from "./continuation.ts";
import { itemAsSent, type SentItem, SentItems } from "./sent-items.ts";
import { sseBytes } from "./sse.ts";
import type { ChoiceMeaning } from "./stream-events.ts";

/** Where the events of an item of the new answer go: on with the message that was begun, to a place of its own, or nowhere. */
type Place = { kind: "same"; item: SentItem } | { kind: "own"; index: number } | { kind: "none" };

const NOWHERE: Place = { kind: "none" };

/** The client has heard that an answer begins. */
const BEGINNINGS = new Set(["response.created", "response.queued", "response.in_progress"]);

/**
 * In a Responses answer events belong to numbered items, and a client keeps count. The items of the new answer get the
 * numbers that follow those it knows, its text goes on in the message that was begun, and what stays open is closed.
 */
export class ResponsesContinuation implements Continuation {
  readonly #match: TextMatch;
  readonly #sent: SentItems;
  readonly #text: string;
  readonly #places = new Map<string, Place>();
  #hasClosed = false;
  #isMessageTaken = false;
  #nextIndex: number;

  constructor(match: TextMatch, sent: SentItems | undefined, text: string) {
    this.#match = match;
    this.#sent = new SentItems(sent);
    this.#text = text;
    this.#nextIndex = this.#sent.nextIndex;
  }

  get state(): MatchState {
    return this.#match.state;
  }

  /** What the client knows once it has read all that was admitted. */
  get items(): SentItems {
    return this.#sent;
  }

  admit(event: JsonObject, _bytes: Uint8Array, choice: ChoiceMeaning | undefined): Continued {
    const type = asText(event["type"]);
    const text = choice?.text ?? "";
    if (text !== "") {
      const delta = this.#match.newIn(text);
      return { bytes: this.#speak(event, delta, this.#placeOf(type, event)), text: delta };
    }
    return { bytes: this.#pass(type, event, choice), text: "" };
  }

  #pass(type: string, event: JsonObject, choice: ChoiceMeaning | undefined): Uint8Array | undefined {
    if (type === "response.completed" || type === "response.incomplete") return this.#end(event);
    if (BEGINNINGS.has(type)) return undefined;
    const place = this.#placeOf(type, event);
    if (choice !== undefined && (choice.calls.length > 0 || choice.hasOther)) this.#match.diverge();
    if (place.kind === "none" || this.state === "matching" || this.state === "mismatch") return undefined;
    if (place.kind === "own") return this.#write([{ ...event, output_index: place.index }]);
    // The message that was begun has been opened; it ends with the new answer's, which says the same and more.
    return this.state === "on" && place.item.isOpen && type.endsWith(".done")
      ? this.#write([inItem(event, place.item)], place.item)
      : undefined;
  }

  #speak(event: JsonObject, delta: string, place: Place): Uint8Array | undefined {
    if (delta === "" || place.kind === "none") return undefined;
    if (place.kind === "own") return this.#write([{ ...event, output_index: place.index, delta }]);
    return this.#write([inItem({ ...event, delta }, place.item)], place.item);
  }

  /** An item's place is settled when it is first heard of. */
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
    // Calls are the client's to run; reasoning and what the provider did by itself belong to the other answer.
    const isCall = type.endsWith("_call") || type === "mcp_approval_request";
    return isCall ? { kind: "own", index: this.#nextIndex++ } : NOWHERE;
  }

  /** Whatever else is open is closed before the first new event. */
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

  /** The end repeats the output: it has to be the one that the client was told piece by piece. */
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
