import { DIALECT_NAMES, dialectSpec } from "../dialect/registry.ts";
import { asArray, asObject, isFilled, parseJsonBytes } from "../json.ts";
import { hasBytes } from "./bytes.ts";
import { findField, readField, spliceValue } from "./rewrite.ts";

const encoder = new TextEncoder();
const CHOICES = encoder.encode('"n"');
const TOOLS = encoder.encode('"tools"');

/** The number of requested answers. */
export function choicesIn(body: Uint8Array): number {
  // Few requests have the field, and searching for its name is faster than parsing the body.
  const wanted = hasBytes(body, CHOICES) ? readField(body, "n") : undefined;
  return typeof wanted === "number" && wanted > 1 ? wanted : 1;
}

/** A chance match counts, too, which is rare. */
export function hasToolsIn(body: Uint8Array): boolean {
  return hasBytes(body, TOOLS);
}

/** A request with so few tokens only tests whether the model answers. */
const PROBE_TOKENS = 16;

/** Whether an empty answer may be valid: for few tokens, several answers, token probabilities, audio, or stop words. */
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

/** The fields for the output limit in all dialects. */
const FIELDS = [...new Set(DIALECT_NAMES.flatMap((dialect) => dialectSpec(dialect).outputLimits))];

/** Undefined if the request leaves the limit to the provider. */
export function outputTokensOf(body: Uint8Array): number | undefined {
  const asked = FIELDS.map((field) => readField(body, field)).filter((value) => typeof value === "number");
  return asked.length === 0 ? undefined : Math.max(...asked);
}

/** Lowers the output limit; every other byte stays the same. */
export function withOutputLimit(body: Uint8Array<ArrayBuffer>, limit: number): Uint8Array<ArrayBuffer> {
  let lowered = body;
  for (const field of FIELDS) {
    const asked = readField(lowered, field);
    const span = typeof asked === "number" && asked > limit ? findField(lowered, field) : undefined;
    if (span !== undefined) lowered = spliceValue(lowered, span, limit);
  }
  return lowered;
}
