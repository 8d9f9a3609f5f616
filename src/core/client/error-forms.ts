import type { Dialect } from "../routing/route.ts";

/** An error in a provider's usual terms. */
export interface ErrorWords {
  message: string;
  type: string;
  code: string | null;
}

/** The body of an error reply, as each dialect has it. Endpoints outside of the dialects get OpenAI's form. */
const BODIES: Record<Dialect, (words: ErrorWords) => object> = {
  chat: (error) => ({ error }),
  responses: (error) => ({ error }),
};

/** The event of an error in the middle of a stream, as each dialect has it. */
const EVENTS: Record<Dialect, (words: ErrorWords) => string> = {
  chat: (error) => sseEvent({ error }),
  responses: responsesError,
};

export function errorBody(words: ErrorWords, dialect: Dialect | undefined): object {
  return BODIES[dialect ?? "chat"](words);
}

export function errorEvent(words: ErrorWords, dialect: Dialect): string {
  return EVENTS[dialect](words);
}

/** One server-sent event; only the Responses dialect names its events. */
export function sseEvent(data: object, name?: string): string {
  const head = name === undefined ? "" : `event: ${name}\n`;
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}

/** Some clients read the fields of `error`, others those beside it; Codex reads neither, but `response.failed`. */
function responsesError(words: ErrorWords): string {
  const { message, code } = words;
  const error = { ...words, param: null };
  const failed = { object: "response", status: "failed", error: { code, message }, output: [] };
  return (
    sseEvent({ type: "error", sequence_number: 0, code, message, param: null, error }, "error") +
    sseEvent({ type: "response.failed", sequence_number: 1, response: failed }, "response.failed")
  );
}
