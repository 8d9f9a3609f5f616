import type { Dialect } from "../routing/route.ts";
import type { StreamTranslator, TranslatorOptions } from "./answer-event.ts";
import { ChatToResponses } from "./chat-to-responses-stream.ts";
import { ResponsesToChat } from "./responses-to-chat-stream.ts";

/** A translator for one answer out of the dialect it comes in, into the other. */
export function createStreamTranslator(from: Dialect, options: TranslatorOptions): StreamTranslator {
  return from === "chat" ? new ChatToResponses(options) : new ResponsesToChat(options);
}
