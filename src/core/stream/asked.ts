import { asArray, asObject, isFilled, type JsonObject } from "../dialect/json-object.ts";
import { hasBytes } from "./has-bytes.ts";
import { readField } from "./rewrite.ts";

const encoder = new TextEncoder();
const CHOICES = encoder.encode('"n"');
const TOOLS = encoder.encode('"tools"');

/** How many answers a request asks for. */
export function choicesIn(body: Uint8Array): number {
  // Hardly any request names it, and to look for the name is quicker than to read the body.
  const wanted = hasBytes(body, CHOICES) ? readField(body, "n") : undefined;
  return typeof wanted === "number" && wanted > 1 ? wanted : 1;
}

/** Whether a request gives the model tools. A chance likeness counts, too: it is only seldom wrong. */
export function hasToolsIn(body: Uint8Array): boolean {
  return hasBytes(body, TOOLS);
}

/** A request for no more tokens than this wants to see whether somebody answers, or a single word. */
const PROBE_TOKENS = 16;

/**
 * Whether an answer without a word may be just what was asked for: a few tokens, several answers, the likelihood of
 * tokens, sound, or a text that ends where a certain word would come.
 */
export function mayAnswerNothing(body: Uint8Array): boolean {
  const asked = parsed(body);
  const limit = asked["max_completion_tokens"] ?? asked["max_tokens"] ?? asked["max_output_tokens"];
  return (
    (typeof limit === "number" && limit <= PROBE_TOKENS) ||
    (typeof asked["n"] === "number" && asked["n"] > 1) ||
    isFilled(asked["stop"]) ||
    asked["logprobs"] === true ||
    isFilled(asked["top_logprobs"]) ||
    isFilled(asked["audio"]) ||
    asArray(asked["modalities"]).some((one) => one !== "text")
  );
}

function parsed(body: Uint8Array): JsonObject {
  try {
    return asObject(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return {};
  }
}
