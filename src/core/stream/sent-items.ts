import { asObject, asText, type JsonObject } from "../dialect/json-object.ts";

/** An item of a Responses answer, as the client knows it. */
export interface SentItem {
  index: number;
  id: string;
  type: string;
  isOpen: boolean;
  /** Whether its part of text is open. */
  hasPart: boolean;
  text: string;
}

/** The items of a Responses answer that the client has begun to read. */
export class SentItems {
  readonly items: SentItem[];
  /** The number of the next event. */
  sequence: number;

  constructor(from?: SentItems) {
    this.items = from?.items.map((item) => ({ ...item })) ?? [];
    this.sequence = from?.sequence ?? 0;
  }

  /** Takes in an event that goes to the client. */
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

  /** The message that is being said; undefined where there is none, or more than one was begun. */
  get message(): SentItem | undefined {
    const messages = this.items.filter((item) => item.type === "message");
    return messages.length === 1 ? messages[0] : undefined;
  }

  get nextIndex(): number {
    return Math.max(-1, ...this.items.map((item) => item.index)) + 1;
  }

  /** The events that close what is open, as far as it has come. */
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

  /** Some providers name only the place of an item, some only its id, and a few leave out its beginning. */
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

/** An item that broke off, as far as it has come. */
export function itemAsSent({ id, type, text }: Pick<SentItem, "id" | "type" | "text">): JsonObject {
  if (type !== "message") return { id, type, summary: [] };
  const content = [{ type: "output_text", text, annotations: [] }];
  return { id, type, role: "assistant", status: "incomplete", content };
}
