import type { Dialect } from "../routing/route.ts";
import { type JsonObject, pick } from "./json-object.ts";

/** A request in the words of the other dialect. */
export interface Translated {
  kind: "translated";
  body: JsonObject;
}

/** A request that asks for something the other dialect has no words for. */
export interface Untranslatable {
  kind: "untranslatable";
  /** What it is, as a person would name it: `stop`, or `tools of the type web_search`. */
  field: string;
  /** The whole sentence, for logs and reports. */
  why: string;
}

export type Translation = Translated | Untranslatable;

const NAMES: Record<Dialect, string> = { chat: "chat completions", responses: "Responses" };

/** The outcome: translated when nothing was left unsaid, else the first thing that was. Unset fields are left out. */
export function translation(into: Dialect, body: JsonObject, unsaid: readonly string[]): Translation {
  const [field] = unsaid;
  if (field !== undefined) {
    return { kind: "untranslatable", field, why: `${field} cannot be said in the ${NAMES[into]} dialect` };
  }
  return { kind: "translated", body: pick(body, Object.keys(body)) };
}

/** A field that can be said only as long as it asks for nothing; the words name it when it does. */
export type Unsayable = readonly [field: string, asksFor: (value: unknown) => boolean, words?: string];

/** Those of the fields that do ask for something. */
export function unsayableIn(body: JsonObject, fields: readonly Unsayable[]): string[] {
  return fields.flatMap(([field, asksFor, words]) => (asksFor(body[field]) ? [words ?? field] : []));
}
