import { overLimit } from "./over-limit.ts";

/** An answer in one piece is longer than may be held; it is read no further. */
export class AnswerTooLong extends Error {
  constructor(maxBytes: number) {
    super(overLimit("answer", maxBytes, "answer_bytes"));
  }
}
