import { asArray, asObject, asText, isFilled, isObject, type JsonObject } from "../dialect/json-object.ts";
import type { Dialect } from "../routing/route.ts";

/** Tokens as the provider counted them. */
export interface Usage {
  input: number | undefined;
  output: number | undefined;
}

/** What one event says of a tool call that the client is to run. */
export interface CallPiece {
  /** The call's place among the others, where the provider numbers them. */
  index: number | undefined;
  /** The call's id; empty where it is not repeated, or where the place says enough. */
  id: string;
  /** The tool's name; empty in the pieces behind the first. */
  name: string;
  /** The next characters of the arguments. */
  more: string;
  /** All of the arguments, where an event repeats them. */
  whole: string | undefined;
  /** Whether the arguments are free text and not JSON. */
  isFreeform: boolean;
}

/** What one event says in one of the answers that were asked for; nearly always there is only one. */
export interface ChoiceMeaning {
  index: number;
  /** The next visible text. */
  text: string;
  hasReasoning: boolean;
  /** Reasoning that only the provider that wrote it can read again. */
  isSealed: boolean;
  calls: readonly CallPiece[];
  /** Anything else a client shows, such as a refusal. */
  hasOther: boolean;
  /** Whether the event repeats or holds content that is not told piece by piece. */
  hasContent: boolean;
  /** The provider's reason for the end, as sent; undefined while the answer goes on. */
  finish: string | undefined;
}

/** What one event of an answer means, whatever the dialect. */
export interface Meaning {
  choices: readonly ChoiceMeaning[];
  /** An error in place of an answer, as text for the verdict. */
  error: string | undefined;
  usage: Usage | undefined;
}

const NOTHING: Meaning = { choices: [], error: undefined, usage: undefined };
const SILENCE: ChoiceMeaning = {
  index: 0,
  text: "",
  hasReasoning: false,
  isSealed: false,
  calls: [],
  hasOther: false,
  hasContent: false,
  finish: undefined,
};

/** Reads one event's JSON in its dialect. */
export function meaningOf(dialect: Dialect, event: unknown): Meaning {
  if (!isObject(event)) return NOTHING;
  return dialect === "chat" ? chatMeaning(event) : responsesMeaning(event);
}

/** What an event says in the first answer, or the only one. */
export function firstChoice({ choices }: Meaning): ChoiceMeaning {
  return choices[0] ?? SILENCE;
}

/** Whether a client would show anything of it. Blank text alone is nothing that anyone would see. */
export function isMeaningful(choice: ChoiceMeaning): boolean {
  const { text, hasReasoning, calls, hasOther } = choice;
  return hasReasoning || hasOther || calls.length > 0 || text.trim() !== "";
}

/** Whether the event moves the answer on; keep-alives in the form of empty chunks do not. */
export function isProgress(choice: ChoiceMeaning): boolean {
  return choice.text !== "" || choice.finish !== undefined || isMeaningful(choice);
}

function chatMeaning(event: JsonObject): Meaning {
  if (event["error"] !== undefined && event["error"] !== null)
    return { ...NOTHING, error: JSON.stringify(event) };
  return {
    choices: asArray(event["choices"]).map(chatChoice),
    error: undefined,
    usage: usageOf(event["usage"]),
  };
}

const REASONING_FIELDS = ["reasoning_content", "reasoning", "reasoning_text"];

function chatChoice(value: unknown, at: number): ChoiceMeaning {
  const choice = asObject(value);
  const delta = asObject(choice["delta"]);
  const { index, finish_reason: finish } = choice;
  const details = asArray(delta["reasoning_details"]);
  return {
    index: typeof index === "number" ? index : at,
    text: asText(delta["content"]),
    hasReasoning: details.length > 0 || REASONING_FIELDS.some((field) => asText(delta[field]) !== ""),
    isSealed: [delta, ...details, ...asArray(delta["thinking_blocks"])].some(carriesSeal),
    calls: chatCalls(delta),
    hasOther: asText(delta["refusal"]) !== "" || isObject(delta["audio"]) || saysInParts(delta["content"]),
    hasContent: isFilled(delta["images"]),
    finish: typeof finish === "string" && finish !== "" ? finish : undefined,
  };
}

/** Some providers have parts in place of a text. */
function saysInParts(content: unknown): boolean {
  return asArray(content).some((part) => asText(asObject(part)["text"]).trim() !== "");
}

/** OpenRouter's encrypted details, and the signatures that gateways carry over from other dialects. */
function carriesSeal(value: unknown): boolean {
  const { signature, data, encrypted_content: encrypted, reasoning_signature: other } = asObject(value);
  return [signature, data, encrypted, other].some((seal) => asText(seal) !== "");
}

const NO_CALLS: readonly CallPiece[] = [];

function chatCalls(delta: JsonObject): readonly CallPiece[] {
  const { tool_calls: calls, function_call: old } = delta;
  if (Array.isArray(calls) && calls.length > 0) return calls.map((call) => chatCall(asObject(call)));
  return isObject(old) ? [chatCall({ index: 0, function: old })] : NO_CALLS;
}

function chatCall(call: JsonObject): CallPiece {
  const { index, id } = call;
  const custom = call["custom"];
  const described = asObject(isObject(custom) ? custom : call["function"]);
  const given = isObject(custom) ? custom["input"] : described["arguments"];
  return {
    index: typeof index === "number" ? index : undefined,
    id: asText(id),
    name: asText(described["name"]),
    // Ollama's own form has the arguments as a value.
    more: isObject(given) ? JSON.stringify(given) : asText(given),
    whole: undefined,
    isFreeform: isObject(custom),
  };
}

/** Items that the provider itself runs: nothing happens at the client, however they end. */
const PROVIDER_RUN = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_call",
  "mcp_list_tools",
]);

function responsesMeaning(event: JsonObject): Meaning {
  const type = asText(event["type"]);
  const response = asObject(event["response"]);
  // Gateways send a chat's error, which has no type, into a stream of Responses, too.
  const isUntypedError = type === "" && isObject(event["error"]);
  if (isUntypedError || type === "error" || type === "response.failed" || type === "response.cancelled")
    return { ...NOTHING, error: responsesError(event, response) };
  if (type === "response.completed" || type === "response.incomplete") {
    const choice = {
      ...SILENCE,
      finish: responsesFinish(type, response),
      hasContent: saysAnything(response),
    };
    return { choices: [choice], error: undefined, usage: usageOf(response["usage"]) };
  }
  const choice = responsesChoice(type, event);
  return choice === undefined ? NOTHING : { ...NOTHING, choices: [choice] };
}

/** The end in the words of a chat. */
function responsesFinish(type: string, response: JsonObject): string {
  if (type === "response.completed" && response["status"] !== "incomplete") return "stop";
  return asObject(response["incomplete_details"])["reason"] === "content_filter"
    ? "content_filter"
    : "length";
}

function saysAnything(response: JsonObject): boolean {
  return asArray(response["output"]).some((item) => hasContentIn(asObject(item)));
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

function responsesChoice(type: string, event: JsonObject): ChoiceMeaning | undefined {
  if (type === "response.output_text.delta") return { ...SILENCE, text: asText(event["delta"]) };
  if (type.startsWith("response.reasoning"))
    return type.endsWith(".delta") ? { ...SILENCE, hasReasoning: true } : undefined;
  if (type.startsWith("response.output_item.")) return responsesItem(type, event);
  if (/^response\.(?:function_call|custom_tool_call)/.test(type))
    return { ...SILENCE, calls: [responsesPiece(type, event)] };
  return type.endsWith(".delta") ? { ...SILENCE, hasOther: true } : undefined;
}

function responsesItem(type: string, event: JsonObject): ChoiceMeaning | undefined {
  const item = asObject(event["item"]);
  const kind = asText(item["type"]);
  if (kind === "reasoning") {
    const isSealed = asText(item["encrypted_content"]) !== "";
    return isSealed ? { ...SILENCE, isSealed } : undefined;
  }
  if (kind.endsWith("_call") || kind === "mcp_approval_request")
    return PROVIDER_RUN.has(kind)
      ? { ...SILENCE, hasOther: true }
      : { ...SILENCE, calls: [responsesCall(type, event, item)] };
  const hasContent = type === "response.output_item.done" && hasContentIn(item);
  return hasContent ? { ...SILENCE, hasContent } : undefined;
}

/** A call's item as it opens or closes. Only functions have JSON for arguments; of other calls the name is the kind. */
function responsesCall(type: string, event: JsonObject, item: JsonObject): CallPiece {
  const isFunction = item["type"] === "function_call";
  const isClosing = type === "response.output_item.done";
  return {
    ...responsesPlace(event, asText(item["id"])),
    name: asText(item["name"]) || (isFunction ? "" : asText(item["type"])),
    more: "",
    whole: isFunction && isClosing ? asText(item["arguments"]) : undefined,
    isFreeform: !isFunction,
  };
}

function responsesPiece(type: string, event: JsonObject): CallPiece {
  const isDone = type.endsWith(".done");
  return {
    ...responsesPlace(event, asText(event["item_id"])),
    name: "",
    more: asText(event["delta"]),
    whole: isDone ? asText(event["arguments"] ?? event["input"]) : undefined,
    isFreeform: type.startsWith("response.custom"),
  };
}

/** Some providers change an item's id on the way, so the place in the output comes first. */
function responsesPlace(event: JsonObject, id: string): Pick<CallPiece, "index" | "id"> {
  const index = event["output_index"];
  return typeof index === "number" ? { index, id: "" } : { index: undefined, id };
}

/** The verdict wants an `error` at top level, where the chat dialect has it. */
function responsesError(event: JsonObject, response: JsonObject): string {
  const error = event["error"] ?? response["error"] ?? { message: event["message"], code: event["code"] };
  return JSON.stringify({ error });
}

/** The tokens counted in a `usage` of either dialect. */
export function usageOf(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const input = asCount(value["prompt_tokens"] ?? value["input_tokens"]);
  return { input, output: asCount(value["completion_tokens"] ?? value["output_tokens"]) };
}

function asCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
