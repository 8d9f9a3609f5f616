import type { JsonObject } from "./json-object.ts";

/** What an answer of text says: each is an item with one part. */
export type PartKind = "text" | "refusal" | "reasoning";

/** How the events of such an item are called and filled. */
export interface PartForm {
  idPrefix: string;
  item: (text: string | undefined) => JsonObject;
  part: (text: string) => JsonObject;
  partEvent: string;
  textEvent: string;
  /** The field of the event that closes the text. */
  textField: string;
  indexField: string;
}

const message = (part: (text: string) => JsonObject, text: string | undefined): JsonObject => ({
  type: "message",
  role: "assistant",
  status: text === undefined ? "in_progress" : "completed",
  content: text === undefined ? [] : [part(text)],
});

const textPart = (text: string): JsonObject => ({ type: "output_text", text, annotations: [] });
const refusalPart = (refusal: string): JsonObject => ({ type: "refusal", refusal });
const summaryPart = (text: string): JsonObject => ({ type: "summary_text", text });

const SPOKEN = {
  idPrefix: "msg",
  partEvent: "response.content_part",
  indexField: "content_index",
};

/** The forms, one for each kind. */
export const PART_FORMS: Readonly<Record<PartKind, PartForm>> = {
  text: {
    ...SPOKEN,
    item: (text) => message(textPart, text),
    part: textPart,
    textEvent: "response.output_text",
    textField: "text",
  },
  refusal: {
    ...SPOKEN,
    item: (text) => message(refusalPart, text),
    part: refusalPart,
    textEvent: "response.refusal",
    textField: "refusal",
  },
  reasoning: {
    idPrefix: "rs",
    item: (text) => ({ type: "reasoning", summary: text === undefined ? [] : [summaryPart(text)] }),
    part: summaryPart,
    partEvent: "response.reasoning_summary_part",
    textEvent: "response.reasoning_summary_text",
    textField: "text",
    indexField: "summary_index",
  },
};
