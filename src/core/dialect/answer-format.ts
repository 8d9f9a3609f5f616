import { asObject, isObject, type JsonObject, pick } from "./json-object.ts";

const SCHEMA = ["name", "description", "schema", "strict"];

/** Chat's `response_format` as the `format` under `text`. */
export function formatToResponses(format: unknown): JsonObject | undefined {
  if (!isObject(format)) return undefined;
  if (format["type"] !== "json_schema") return pick(format, ["type"]);
  return { type: "json_schema", ...pick(asObject(format["json_schema"]), SCHEMA) };
}

/** The `format` under `text` as chat's `response_format`; plain text is what everyone gives unasked. */
export function formatToChat(format: unknown): JsonObject | undefined {
  if (!isObject(format) || format["type"] === "text") return undefined;
  if (format["type"] !== "json_schema") return pick(format, ["type"]);
  return { type: "json_schema", json_schema: pick(format, SCHEMA) };
}
