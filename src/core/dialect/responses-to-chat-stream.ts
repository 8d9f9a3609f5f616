import { type AnswerEvent, DONE, type StreamTranslator, type TranslatorOptions } from "./answer-event.ts";
import { asArray, asObject, asText, isFilled, isObject, type JsonObject } from "./json-object.ts";
import { usageToChat } from "./usage-forms.ts";

/** A tool call as far as it was passed on. */
interface Call {
  index: number;
  hasArguments: boolean;
}

const FAILURES = new Set(["error", "response.failed", "response.cancelled"]);

/**
 * The stream of a Responses answer as the chunks of a chat. What was not streamed piece by piece is taken from the
 * closing events of its item, and failing those from the closing event of all.
 */
export class ResponsesToChat implements StreamTranslator {
  isFinished = false;
  readonly #options: TranslatorOptions;
  #head: JsonObject;
  #hasRole = false;
  readonly #calls = new Map<string, Call>();
  #callCount = 0;
  /** Items of which something was passed on. */
  readonly #begun = new Set<string>();
  /** Providers may send the same thoughts in short and in full: the form that comes first is the one passed on. */
  #reasoningType: string | undefined;
  #reasoningPart: string | undefined;

  constructor(options: TranslatorOptions) {
    this.#options = options;
    const { id, createdS: created, model } = options;
    this.#head = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created, model };
  }

  push(event: AnswerEvent): AnswerEvent[] {
    if (event === DONE || this.isFinished) return [];
    const type = asText(event["type"]);
    if (FAILURES.has(type)) return this.#fail(event);
    switch (type) {
      case "response.created":
      case "response.in_progress":
        return this.#open(asObject(event["response"]));
      case "response.output_text.delta":
        return this.#say(event, { content: asText(event["delta"]) });
      case "response.refusal.delta":
        return this.#say(event, { refusal: asText(event["delta"]) });
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        return this.#think(event, type);
      case "response.output_item.added":
        return isCall(event["item"]) ? this.#openCall(event) : [];
      case "response.function_call_arguments.delta":
        return this.#argue(event, asText(event["delta"]));
      case "response.output_item.done":
        return this.#closeItem(event);
      case "response.completed":
      case "response.incomplete":
        return this.#finish(type, event);
      default:
        return [];
    }
  }

  end(): AnswerEvent[] {
    return [];
  }

  #open(response: JsonObject): AnswerEvent[] {
    const { id, model, created_at: created } = response;
    if (asText(id) !== "") this.#head = { ...this.#head, id };
    if (asText(model) !== "") this.#head = { ...this.#head, model };
    if (typeof created === "number") this.#head = { ...this.#head, created };
    return this.#role();
  }

  #role(): AnswerEvent[] {
    if (this.#hasRole) return [];
    this.#hasRole = true;
    return [this.#bare({ role: "assistant", content: "" })];
  }

  #chunk(delta: JsonObject): AnswerEvent[] {
    return [...this.#role(), this.#bare(delta)];
  }

  #bare(delta: JsonObject, finish: string | null = null): JsonObject {
    return { ...this.#head, choices: [{ index: 0, delta, finish_reason: finish }] };
  }

  #say(event: JsonObject, delta: JsonObject): AnswerEvent[] {
    if (Object.values(delta).includes("")) return [];
    for (const place of placesOf(event)) this.#begun.add(place);
    return this.#chunk(delta);
  }

  #think(event: JsonObject, type: string): AnswerEvent[] {
    this.#reasoningType ??= type;
    if (type !== this.#reasoningType) return [];
    const place = placesOf(event)[0] ?? "";
    const part = `${place} ${String(event["summary_index"] ?? event["content_index"] ?? 0)}`;
    const isNext = this.#reasoningPart?.startsWith(`${place} `) === true && this.#reasoningPart !== part;
    this.#reasoningPart = part;
    return this.#say(event, { reasoning_content: (isNext ? "\n\n" : "") + asText(event["delta"]) });
  }

  #openCall(event: JsonObject): AnswerEvent[] {
    const item = asObject(event["item"]);
    const call: Call = { index: this.#callCount++, hasArguments: false };
    for (const place of placesOf(event)) this.#calls.set(place, call);
    const { call_id: callId, name } = item;
    const id = asText(callId) || asText(item["id"]) || `call_${this.#options.id}_${call.index}`;
    const described = { index: call.index, id, type: "function", function: { name, arguments: "" } };
    return this.#chunk({ tool_calls: [described] });
  }

  #argue(event: JsonObject, text: string): AnswerEvent[] {
    const call = this.#callAt(event);
    if (call === undefined || text === "") return [];
    call.hasArguments = true;
    return this.#chunk({ tool_calls: [{ index: call.index, function: { arguments: text } }] });
  }

  #callAt(event: JsonObject): Call | undefined {
    for (const place of placesOf(event)) {
      const call = this.#calls.get(place);
      if (call !== undefined) return call;
    }
    return undefined;
  }

  /** Says of an item what has not been said of it. */
  #closeItem(event: JsonObject): AnswerEvent[] {
    const item = asObject(event["item"]);
    if (isCall(item)) {
      const opening = this.#callAt(event) === undefined ? this.#openCall(event) : [];
      const isSaid = this.#callAt(event)?.hasArguments === true;
      return [...opening, ...(isSaid ? [] : this.#argue(event, asText(item["arguments"])))];
    }
    if (placesOf(event).some((place) => this.#begun.has(place))) return [];
    if (item["type"] === "reasoning") {
      const summary = textsOf(item["summary"]);
      const words = summary.length > 0 ? summary : textsOf(item["content"]);
      return this.#say(event, { reasoning_content: words.join("\n\n") });
    }
    if (item["type"] !== "message") return [];
    return asArray(item["content"]).flatMap((value) => {
      const part = asObject(value);
      const isRefusal = part["type"] === "refusal";
      return this.#say(event, isRefusal ? { refusal: part["refusal"] } : { content: asText(part["text"]) });
    });
  }

  #finish(type: string, event: JsonObject): AnswerEvent[] {
    const response = asObject(event["response"]);
    if (response["status"] === "failed" || isFilled(response["error"])) return this.#fail(event);
    const opening = this.#open(response);
    const hasSpoken = this.#begun.size > 0 || this.#callCount > 0;
    const unsaid = hasSpoken ? [] : asArray(response["output"]);
    const late = unsaid.flatMap((item, output_index) => this.#closeItem({ output_index, item }));
    this.isFinished = true;
    const usage = this.#options.wantsUsage ? usageToChat(response["usage"]) : undefined;
    return [
      ...opening,
      ...late,
      this.#bare({}, this.#finishReason(type, response)),
      ...(usage === undefined ? [] : [{ ...this.#head, choices: [], usage }]),
      DONE,
    ];
  }

  #finishReason(type: string, response: JsonObject): string {
    if (type === "response.completed" && response["status"] !== "incomplete")
      return this.#callCount > 0 ? "tool_calls" : "stop";
    const reason = asObject(response["incomplete_details"])["reason"];
    return reason === "content_filter" ? "content_filter" : "length";
  }

  /** The provider's own words go on as they are: the verdict is made of them. */
  #fail(event: JsonObject): AnswerEvent[] {
    this.isFinished = true;
    const { message, code, param } = event;
    const flat = message === undefined && code === undefined ? undefined : { message, code, param };
    const error = event["error"] ?? asObject(event["response"])["error"] ?? flat;
    return [{ error: error ?? { message: "the provider says that its answer has failed" } }];
  }
}

function isCall(item: unknown): boolean {
  return isObject(item) && item["type"] === "function_call";
}

function textsOf(parts: unknown): string[] {
  return asArray(parts).flatMap((part) => asText(asObject(part)["text"]) || []);
}

/** Where an event belongs: by its place in the output, and by an id that some providers change on the way. */
function placesOf(event: JsonObject): string[] {
  const { output_index: index } = event;
  const id = asText(event["item_id"]) || asText(asObject(event["item"])["id"]);
  return [...(typeof index === "number" ? [`#${index}`] : []), ...(id === "" ? [] : [id])];
}
