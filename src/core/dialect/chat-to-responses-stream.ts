import { type Finish, repairFinish } from "../stream/finish-reason.ts";
import { type AnswerEvent, DONE, type StreamTranslator, type TranslatorOptions } from "./answer-event.ts";
import { asArray, asObject, asText, isFilled, isObject, type JsonObject } from "./json-object.ts";
import { type OpenCall, ResponseWriter } from "./response-writer.ts";
import { usageToResponses } from "./usage-forms.ts";

/** A tool call by the names that its pieces go by. */
interface KnownCall {
  id: string;
  open: OpenCall;
}

/** Providers' names for the same thing; the first that says something counts, since some send two of them. */
const REASONING = ["reasoning_content", "reasoning", "reasoning_text"];

/**
 * The chunks of a chat as the stream of a Responses answer. The closing event carries the count of tokens, which a chat
 * sends behind its finish, so the end is held until that or the end mark has come.
 */
export class ChatToResponses implements StreamTranslator {
  readonly #options: TranslatorOptions;
  readonly #writer: ResponseWriter;
  readonly #calls = new Map<string, KnownCall>();
  #callCount = 0;
  #lastCall = "";
  #hasSpoken = false;
  #finish: string | undefined;
  #usage: unknown;
  #isOver = false;

  constructor(options: TranslatorOptions) {
    this.#options = options;
    this.#writer = new ResponseWriter(options);
  }

  get isFinished(): boolean {
    return this.#isOver || this.#finish !== undefined;
  }

  push(event: AnswerEvent): AnswerEvent[] {
    if (this.#isOver) return [];
    if (event === DONE) return this.#done();
    // Behind its finish an answer is whole: what fails there fails nobody.
    if (isFilled(event["error"])) return this.#finish === undefined ? this.#fail(errorOf(event)) : [];
    const choice = asObject(asArray(event["choices"])[0]);
    const out = [
      ...this.#writer.begin(asText(event["model"])),
      ...(this.#finish === undefined ? this.#speak(asObject(choice["delta"])) : []),
    ];
    if (isObject(event["usage"])) this.#usage = event["usage"];
    const reason = asText(choice["finish_reason"]);
    if (reason !== "" && this.#finish === undefined) {
      const finish = repairFinish(reason, { text: this.#hasSpoken, toolCall: this.#callCount > 0 });
      if (finish.kind === "failed") return [...out, ...this.#fail({ message: finish.why })];
      this.#finish = settled(finish, reason);
    }
    const isCounted = this.#finish !== undefined && isObject(event["usage"]);
    return isCounted ? [...out, ...this.#close()] : out;
  }

  end(): AnswerEvent[] {
    return this.#isOver || this.#finish === undefined ? [] : this.#close();
  }

  /** The end mark without a word of why the answer ended is a cut, as it is in a chat. */
  #done(): AnswerEvent[] {
    return this.#finish === undefined ? [] : this.#close();
  }

  #speak(delta: JsonObject): AnswerEvent[] {
    const reasoning = REASONING.map((field) => asText(delta[field])).find((text) => text !== "") ?? "";
    const { content, refusal } = delta;
    const out = reasoning === "" ? [] : this.#writer.write("reasoning", reasoning);
    for (const [kind, text] of [
      ["text", asText(content)],
      ["refusal", asText(refusal)],
    ] as const) {
      if (text === "") continue;
      this.#hasSpoken = true;
      out.push(...this.#writer.write(kind, text));
    }
    for (const piece of asArray(delta["tool_calls"])) out.push(...this.#call(asObject(piece)));
    return out;
  }

  #call(piece: JsonObject): AnswerEvent[] {
    const { name, arguments: given } = asObject(piece["function"]);
    const place = this.#placeOf(piece, asText(name));
    this.#lastCall = place;
    const known = this.#calls.get(place);
    if (known !== undefined && !isAnother(known, piece, asText(name))) return this.#argue(known, given);
    const id = asText(piece["id"]) || `call_${this.#options.id}_${this.#callCount}`;
    this.#callCount++;
    const { call, events } = this.#writer.openCall(id, asText(name));
    const opened = { id, open: call };
    this.#calls.set(place, opened);
    return [...events, ...this.#argue(opened, given)];
  }

  /** Pieces without an index belong to the call of their id, else to the one before. */
  #placeOf(piece: JsonObject, name: string): string {
    const { index } = piece;
    if (typeof index === "number") return `#${index}`;
    const id = asText(piece["id"]);
    if (id !== "") return id;
    return name === "" ? this.#lastCall : `new ${this.#callCount}`;
  }

  #argue(known: KnownCall, given: unknown): AnswerEvent[] {
    // Ollama's own form has the arguments as a value.
    const text = isObject(given) ? JSON.stringify(given) : asText(given);
    return text === "" ? [] : this.#writer.writeArguments(known.open, text);
  }

  #close(): AnswerEvent[] {
    this.#isOver = true;
    const cutBy = CUTS[this.#finish ?? "stop"];
    return this.#writer.finish({ cutBy, usage: usageToResponses(this.#usage) });
  }

  #fail(error: unknown): AnswerEvent[] {
    this.#isOver = true;
    return this.#writer.fail(error);
  }
}

const CUTS: Readonly<Partial<Record<string, "max_output_tokens" | "content_filter">>> = {
  length: "max_output_tokens",
  content_filter: "content_filter",
};

function settled(finish: Exclude<Finish, { kind: "failed" }>, reason: string): string {
  return finish.kind === "rewrite" ? finish.reason : reason;
}

/** Some providers give every call the index 0: another id with a name of its own is another call. */
function isAnother(known: KnownCall, piece: JsonObject, name: string): boolean {
  const id = asText(piece["id"]);
  return name !== "" && id !== "" && id !== known.id;
}

/** The error as an object, with what stands beside it: some providers put the code there. */
function errorOf(event: JsonObject): unknown {
  const { error, ...beside } = event;
  const marks = Object.fromEntries(Object.entries(beside).filter(([, value]) => isScalar(value)));
  return isObject(error) ? { ...marks, ...error } : { ...marks, message: error };
}

function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}
