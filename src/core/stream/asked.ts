import { DIALECT_NAMES, dialectSpec } from "../dialect/registry.ts";
import { asArray, asObject, isFilled, parseJsonBytes } from "../json.ts";
import { hasBytes } from "./bytes.ts";
import { findField, readField, spliceValue } from "./rewrite.ts";

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
  const asked = asObject(parseJsonBytes(body));
  const limit = FIELDS.map((field) => asked[field]).find((value) => typeof value === "number");
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

/** The fields in which the dialects bound an answer. */
const FIELDS = [...new Set(DIALECT_NAMES.flatMap((dialect) => dialectSpec(dialect).outputLimits))];

/** The output tokens that a request asks for; undefined where it leaves that to the provider. */
export function outputTokensOf(body: Uint8Array): number | undefined {
  const asked = FIELDS.map((field) => readField(body, field)).filter((value) => typeof value === "number");
  return asked.length === 0 ? undefined : Math.max(...asked);
}

/** The body with no more output tokens asked for than `limit`; every other byte stays as it is. */
export function withOutputLimit(body: Uint8Array<ArrayBuffer>, limit: number): Uint8Array<ArrayBuffer> {
  let lowered = body;
  for (const field of FIELDS) {
    const asked = readField(lowered, field);
    const span = typeof asked === "number" && asked > limit ? findField(lowered, field) : undefined;
    if (span !== undefined) lowered = spliceValue(lowered, span, limit);
  }
  return lowered;
}
