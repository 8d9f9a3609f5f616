import { asObject, isObject, type JsonObject } from "../../json.ts";

/** Fewer characters per token than most text has: a count that is too small lets a conversation overflow. */
const CHARS_PER_TOKEN = 3.5;

/** An image of the largest size that is not scaled down. */
const IMAGE_TOKENS = 1600;

/** Data of files and images is not text, and marks and signatures are not read by the model. */
const UNREAD = new Set(["type", "cache_control", "signature", "id", "tool_use_id", "media_type"]);

/** About how many tokens the input of a request has. */
export function estimateTokens(body: JsonObject): number {
  const { system, messages, tools } = body;
  const counted = { chars: 0, images: 0 };
  for (const value of [system, messages, tools]) count(value, counted);
  return Math.ceil(counted.chars / CHARS_PER_TOKEN) + counted.images * IMAGE_TOKENS;
}

function count(value: unknown, counted: { chars: number; images: number }): void {
  if (typeof value === "string") counted.chars += value.length;
  else if (typeof value === "number" || typeof value === "boolean") counted.chars += String(value).length;
  else if (Array.isArray(value)) for (const one of value) count(one, counted);
  else if (isObject(value)) countFields(value, counted);
}

function countFields(value: JsonObject, counted: { chars: number; images: number }): void {
  const isData = asObject(value["source"])["type"] === "base64";
  if (value["type"] === "image" || isData) {
    counted.images++;
    return;
  }
  for (const [name, one] of Object.entries(value)) {
    if (UNREAD.has(name) && typeof one === "string") continue;
    counted.chars += name.length;
    count(one, counted);
  }
}
