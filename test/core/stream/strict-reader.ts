import type { Dialect } from "../../../src/core/dialect/registry.ts";

export interface Read {
  text: string;
  reasoning: string;
  calls: { name: string; args: string }[];
  finish: string | undefined;
}

type Json = Record<string, unknown>;

/** As strict as any client: events out of order throw. */
export function readStrictly(dialect: Dialect, stream: string): Read {
  const events = [...stream.matchAll(/^data: (\{.*\})$/gm)].map(([, json = ""]) => JSON.parse(json) as Json);
  return dialect === "chat" ? readChat(events) : readResponses(events);
}

function readChat(events: Json[]): Read {
  const read: Read = { text: "", reasoning: "", calls: [], finish: undefined };
  for (const event of events) {
    const [choice] = (event["choices"] ?? []) as Json[];
    const delta = (choice?.["delta"] ?? {}) as Json;
    if (read.finish !== undefined && Object.keys(delta).length > 0) throw new Error("behind the finish");
    read.text += String(delta["content"] ?? "");
    read.reasoning += String(delta["reasoning_content"] ?? "");
    for (const piece of (delta["tool_calls"] ?? []) as Json[]) {
      const described = piece["function"] as Json;
      const at = Number(piece["index"]);
      read.calls[at] ??= { name: String(described["name"]), args: "" };
      read.calls[at].args += String(described["arguments"] ?? "");
    }
    read.finish = (choice?.["finish_reason"] as string | null | undefined) ?? read.finish;
  }
  return read;
}

interface Item {
  type: string;
  id: unknown;
  isOpen: boolean;
  text: string;
}

class Items {
  readonly all = new Map<unknown, Item>();
  readonly calls: Read["calls"] = [];

  add(event: Json, item: Json): void {
    if (this.all.has(event["output_index"])) throw new Error("two items in one place");
    const isInside = [...this.all.values()].some((one) => one.isOpen && one.type !== "function_call");
    if (isInside) throw new Error("an item begins before another ends");
    const type = String(item["type"]);
    this.all.set(event["output_index"], { type, id: item["id"], isOpen: true, text: "" });
  }

  openAt(event: Json): Item {
    const item = this.all.get(event["output_index"]);
    if (item?.isOpen !== true) throw new Error(`${event["type"]} of an item that is not open`);
    if (event["item_id"] !== undefined && event["item_id"] !== item.id) throw new Error("another item's id");
    return item;
  }

  close(event: Json, item: Json): void {
    const open = this.openAt(event);
    if (item["id"] !== open.id) throw new Error("another item ends");
    if (open.type === "message" && textIn(item) !== open.text) throw new Error("it ends in another text");
    open.isOpen = false;
    if (open.type === "function_call")
      this.calls.push({ name: String(item["name"]), args: String(item["arguments"]) });
  }

  end(): void {
    if ([...this.all.values()].some((one) => one.isOpen)) throw new Error("an item stays open");
  }

  textOf(type: string): string {
    const items = [...this.all.values()].filter((item) => item.type === type);
    return items.map((item) => item.text).join("");
  }
}

function readResponses(events: Json[]): Read {
  const items = new Items();
  let finish: string | undefined;
  for (const [at, event] of events.entries()) {
    if (event["sequence_number"] !== at) throw new Error(`number ${event["sequence_number"]} in place ${at}`);
    finish = readEvent(event, at, items) ?? finish;
  }
  const { calls } = items;
  return { text: items.textOf("message"), reasoning: items.textOf("reasoning"), calls, finish };
}

function readEvent(event: Json, at: number, items: Items): string | undefined {
  const type = String(event["type"]);
  const item = (event["item"] ?? {}) as Json;
  if (type === "response.created" && at > 0) throw new Error("it begins twice");
  if (type.endsWith("item.added")) items.add(event, item);
  if (type.endsWith("item.done")) items.close(event, item);
  if (type.endsWith(".delta")) items.openAt(event).text += String(event["delta"]);
  if (type === "response.output_text.done" && items.openAt(event).text !== event["text"])
    throw new Error("its text is another in the end");
  if (type !== "response.completed" && type !== "response.incomplete") return undefined;
  items.end();
  return type;
}

function textIn(item: Json): string {
  return ((item["content"] ?? []) as Json[]).map((part) => String(part["text"])).join("");
}
