import type { JsonObject } from "./json-object.ts";

/** The end mark of a chat's stream. */
export const DONE = "[DONE]";

/** One event of an answer's stream, parsed. */
export type AnswerEvent = JsonObject | typeof DONE;

/** Turns the events of one answer into those of the other dialect. It has a state: one for each answer. */
export interface StreamTranslator {
  push: (event: AnswerEvent) => AnswerEvent[];
  /** What is still to be said once the upstream has closed the stream. Nothing, where the answer was cut off. */
  end: () => AnswerEvent[];
  /** Whether the answer is whole: only counts and end marks can still come. */
  readonly isFinished: boolean;
}

/** What an answer is called where the upstream gives no names. */
export interface TranslatorOptions {
  model: string;
  /** Of the request, so that the ids made of it are unlike those of other answers. */
  id: string;
  /** In seconds since 1970. */
  createdS: number;
  /** Whether a chat client has asked for the count of tokens. */
  wantsUsage: boolean;
}
