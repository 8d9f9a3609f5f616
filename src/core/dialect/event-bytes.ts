import type { Dialect } from "../routing/route.ts";
import { createSseReader, type SseBlock, sseText } from "../stream/sse.ts";
import { type AnswerEvent, DONE, type TranslatorOptions } from "./answer-event.ts";
import { isObject } from "./json-object.ts";
import { createStreamTranslator } from "./stream-translator.ts";

/** Translates the bytes of an event stream, in any split. */
export interface EventBytes {
  push: (chunk: Uint8Array) => Uint8Array;
  /** The upstream has closed the stream in good order. */
  end: () => Uint8Array;
  /** Whether the answer is whole, even if its end mark is still to come. */
  readonly isFinished: boolean;
}

/** The longest single event that is waited for; a stream without a blank line in it is none. */
const EVENT_BYTES = 16 * 1024 * 1024;
const TOO_LONG = { error: { message: "an event of the stream has no end" } };

const encoder = new TextEncoder();
const BLANK_LINE = encoder.encode("\n\n");

/** A translator of bytes out of the dialect they come in. */
export function createEventBytes(from: Dialect, options: TranslatorOptions): EventBytes {
  const reader = createSseReader();
  const translator = createStreamTranslator(from, options);
  const turn = ({ bytes, event }: SseBlock): Uint8Array => {
    // Comments and keep-alives say the same in either.
    if (event === undefined) return bytes;
    const parsed = parseEvent(event.data);
    // What cannot be read is left to the one who counts such events.
    return parsed === undefined ? bytes : encodeEvents(translator.push(parsed));
  };
  const push = (chunk: Uint8Array): Uint8Array => {
    const parts = reader.push(chunk).map(turn);
    if (reader.rest().length > EVENT_BYTES) {
      const event = from === "chat" ? { type: "error", ...TOO_LONG } : TOO_LONG;
      parts.push(encodeEvents([event]));
    }
    return Buffer.concat(parts);
  };
  return {
    push,
    end: () => {
      // The last event may lack its blank line.
      const last = reader.rest().length > 0 ? push(BLANK_LINE) : new Uint8Array(0);
      return Buffer.concat([last, encodeEvents(translator.end())]);
    },
    get isFinished() {
      return translator.isFinished;
    },
  };
}

/** Events as they go over the wire. */
export function encodeEvents(events: readonly AnswerEvent[]): Uint8Array {
  return encoder.encode(events.map(encodeEvent).join(""));
}

function encodeEvent(event: AnswerEvent): string {
  return event === DONE ? `data: ${DONE}\n\n` : sseText(event);
}

function parseEvent(data: string): AnswerEvent | undefined {
  if (data === DONE) return DONE;
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
