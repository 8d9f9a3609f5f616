import { createParser } from "eventsource-parser";
import { unfold } from "./unfold.ts";

/** What a reply body turned out to be, whatever its content type claimed. */
export type BodyForm = "json" | "sse" | "ndjson" | "html" | "text" | "empty";

/** One JSON value, event or line of a body. */
export interface BodyFrame {
  /** The event's name in a stream; empty elsewhere. */
  event: string;
  /** The value with nested JSON strings opened; plain text stays a string. */
  value: unknown;
}

export interface ReplyBody {
  form: BodyForm;
  frames: BodyFrame[];
}

/** Enough lines to find an error in; a stream longer than this has long been answered. */
const MAX_FRAMES = 5000;

/** Takes a body apart by its looks: providers label errors with any content type. Never throws. */
export function readReplyBody(body: string): ReplyBody {
  const text = body.trim();
  if (text === "") return { form: "empty", frames: [] };
  const whole = parse(text);
  if (whole !== undefined) return { form: "json", frames: [frame(whole)] };
  if (
    /^<(?:!doctype|html|head|body|\?xml|center|title)\b/i.test(text) ||
    /<html[\s>]/i.test(text.slice(0, 512))
  )
    return { form: "html", frames: [frame(pageWords(text))] };
  if (/^(?:data|event|id|retry)?:/.test(text)) return { form: "sse", frames: readEvents(text) };
  const lines = text.split("\n", MAX_FRAMES).map((line) => parse(line.trim()));
  if (lines.length > 1 && lines[0] !== undefined)
    return { form: "ndjson", frames: lines.filter((line) => line !== undefined).map(frame) };
  return { form: "text", frames: [frame(brokenJsonWords(text) ?? text)] };
}

function frame(value: unknown): BodyFrame {
  return { event: "", value: unfold(value) };
}

function parse(text: string): unknown {
  // Numbers and words alone are text, not JSON: "404 page not found" must not depend on its second word.
  if (!/^[{["]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function readEvents(text: string): BodyFrame[] {
  const frames: BodyFrame[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (frames.length < MAX_FRAMES && data !== "[DONE]")
        frames.push({ event: event ?? "", value: unfold(parse(data.trim()) ?? data) });
    },
  });
  parser.feed(`${text}\n\n`);
  return frames;
}

/** Of a web page only its headings count: its body may hold any word at all. */
function pageWords(html: string): string {
  const found = html.slice(0, 16_384).matchAll(/<(title|h1|h2)\b[^>]*>([^<]{1,300})/gi);
  return [...new Set([...found].map(([, , words = ""]) => words.trim()))].filter(Boolean).join(" | ");
}

/** The messages of a JSON body that was cut short, by the provider or by our own limit. */
function brokenJsonWords(text: string): string | undefined {
  if (!/^[{[]/.test(text)) return undefined;
  const found = text.matchAll(/"(?:message|msg|error|detail|title)"\s*:\s*"((?:[^"\\]|\\.){1,2000})/g);
  const words = [...found].map(([, word = ""]) => word.replace(/\\n/g, " ").replace(/\\(.)/g, "$1"));
  return words.length === 0 ? undefined : words.join(" | ");
}
