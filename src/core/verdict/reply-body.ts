import { createParser } from "eventsource-parser";
import { isFilled, isObject, type JsonObject, parseJson } from "../json.ts";
import { DONE, looksLikeEvents } from "../stream/sse.ts";

/** The form of a body, regardless of its content type. */
export type BodyForm = "json" | "sse" | "ndjson" | "html" | "text" | "empty";

/** One JSON value, event or line of a body. */
export interface BodyFrame {
  /** The event's name in a stream; empty elsewhere. */
  event: string;
  /** The value with nested JSON strings parsed; plain text stays a string. */
  value: unknown;
}

export interface ReplyBody {
  form: BodyForm;
  frames: BodyFrame[];
}

/** Enough lines to find an error in; a longer stream is an answer. */
const MAX_FRAMES = 5000;

/** Detects the form: providers label errors with any content type. Never throws. */
export function readReplyBody(body: string): ReplyBody {
  const text = body.trim();
  if (text === "") return { form: "empty", frames: [] };
  const whole = parse(text);
  if (whole !== undefined) return { form: "json", frames: [frame(whole)] };
  if (
    /^<(?:!doctype(?:html)?|html|head|body|\?xml|center|title)\b/i.test(text) ||
    /<html[\s>]/i.test(text.slice(0, 512))
  )
    return { form: "html", frames: [frame(pageWords(text))] };
  if (looksLikeEvents(text)) return { form: "sse", frames: readEvents(text) };
  const lines = text.split("\n", MAX_FRAMES).map((line) => parse(line.trim()));
  if (lines.length > 1 && lines[0] !== undefined)
    return { form: "ndjson", frames: lines.filter((line) => line !== undefined).map(frame) };
  return { form: "text", frames: [frame(brokenJsonWords(text) ?? text)] };
}

function frame(value: unknown): BodyFrame {
  return { event: "", value: unfold(value) };
}

function parse(text: string): unknown {
  // Bare numbers and words are text, not JSON: "404 page not found" must not depend on its second word.
  if (!/^[{["]/.test(text)) return undefined;
  return parseJson(text);
}

function readEvents(text: string): BodyFrame[] {
  const frames: BodyFrame[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (frames.length < MAX_FRAMES && data !== DONE)
        frames.push({ event: event ?? "", value: unfold(parse(data.trim()) ?? data) });
    },
  });
  parser.feed(`${text}\n\n`);
  return frames;
}

/** Only the headings of a web page count: its body may contain any word. */
function pageWords(html: string): string {
  const found = html.slice(0, 16_384).matchAll(/<(title|h1|h2)\b[^>]*>([^<]{1,300})/gi);
  return [...new Set([...found].map(([, , words = ""]) => words.trim()))].filter(Boolean).join(" | ");
}

/** The messages in truncated JSON. */
function brokenJsonWords(text: string): string | undefined {
  if (!/^[{[]/.test(text)) return undefined;
  const found = text.matchAll(/"(?:message|msg|error|detail|title)"\s*:\s*"((?:[^"\\]|\\.){1,2000})/g);
  const words = [...found].map(([, word = ""]) => word.replace(/\\n/g, " ").replace(/\\(.)/g, "$1"));
  return words.length === 0 ? undefined : words.join(" | ");
}

/** JSON in a string in JSON in a string: more than three levels have not been seen. */
const MAX_DEPTH = 12;

/** Keys whose strings may be JSON from an upstream. Any other string is content. */
const WRAPPERS = /^(?:message|msg|errors?|details?|raw|body|cause)$/i;

/**
 * Parses JSON that gateways wrapped into message strings. Text around the JSON is kept: `upstream said: {"error":…}`
 * becomes `["upstream said:", {error: …}]`.
 */
function unfold(value: unknown): unknown {
  return unfoldAt(value, "message", 0);
}

function unfoldAt(value: unknown, key: string, depth: number): unknown {
  if (depth > MAX_DEPTH) return value;
  if (typeof value === "string") return WRAPPERS.test(key) ? open(value, depth) : value;
  if (Array.isArray(value)) return value.map((entry) => unfoldAt(entry, key, depth + 1));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, unfoldAt(entry, name, depth + 1)]),
  );
}

function open(text: string, depth: number): unknown {
  return openFrom(text, "{", "}", depth) ?? openFrom(text, "[", "]", depth) ?? text;
}

function openFrom(text: string, first: string, last: string, depth: number): unknown {
  const start = text.indexOf(first);
  const end = text.lastIndexOf(last) + 1;
  if (start < 0 || end <= start) return undefined;
  const inner = parseJson(text.slice(start, end));
  // A list of plain values is wording, such as the "[502]" at the beginning of some messages.
  if (!isObject(inner) && !(Array.isArray(inner) && inner.some(isObject))) return undefined;
  const opened = unfoldAt(inner, "message", depth + 1);
  const around = [text.slice(0, start).trim(), text.slice(end).trim()].filter((part) => part !== "");
  return around.length === 0 ? opened : [...around, opened];
}

/** Fields that only an answer has, in any dialect, including listings and embeddings. */
const ANSWER_KEYS = [
  "choices",
  "output",
  "candidates",
  "data",
  "models",
  "embeddings",
  "embedding",
  "combos",
];

/** Types of stream events with an answer: Responses and Messages. */
const ANSWER_EVENT = /^(?:response\.(?!failed)|message_|content_block|message$|ping$)/;

/** Looks at the structure only, never at the model's text. */
export function carriesError(frame: BodyFrame): boolean {
  const { value, event } = frame;
  if (event === "error") return true;
  if (Array.isArray(value)) return value.some((entry) => isObject(entry) && isFilled(entry["error"]));
  if (!isObject(value)) return false;
  return (
    isFilled(value["error"]) ||
    value["object"] === "error" ||
    value["type"] === "error" ||
    hasFailedStatus(value) ||
    hasFailedChoice(value["choices"]) ||
    (!carriesAnswer(frame) && isFlatError(value))
  );
}

export function carriesAnswer({ value }: BodyFrame): boolean {
  if (Array.isArray(value)) return value.every(isObject);
  if (!isObject(value)) return false;
  const type = value["type"];
  return (
    ANSWER_KEYS.some((key) => Array.isArray(value[key])) ||
    isObject(value["message"]) ||
    Array.isArray(value["content"]) ||
    typeof value["response"] === "string" ||
    typeof value["done"] === "boolean" ||
    (typeof type === "string" && ANSWER_EVENT.test(type))
  );
}

function hasFailedStatus(value: JsonObject): boolean {
  const { response, base_resp: base } = value;
  if (value["type"] === "response.failed") return true;
  if (value["object"] === "response" && value["status"] === "failed") return true;
  if (isObject(response) && isFilled(response["error"])) return true;
  // MiniMax: every reply has this block, 0 means success.
  return isObject(base) && typeof base["status_code"] === "number" && base["status_code"] !== 0;
}

function hasFailedChoice(choices: unknown): boolean {
  if (!Array.isArray(choices)) return false;
  return choices.some(
    (choice) => isObject(choice) && (isFilled(choice["error"]) || choice["finish_reason"] === "error"),
  );
}

function isFlatError(value: JsonObject): boolean {
  if (value["success"] === false || isFilled(value["errors"])) return true;
  const code = Number(value["code"] ?? value["status"] ?? value["status_code"]);
  const words = value["message"] ?? value["msg"] ?? value["title"] ?? value["detail"];
  return code >= 400 && typeof words === "string";
}
