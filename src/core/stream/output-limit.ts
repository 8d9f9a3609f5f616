import { findField, readField, spliceValue } from "./rewrite.ts";

/** The fields in which the dialects bound an answer. */
const FIELDS = ["max_tokens", "max_completion_tokens", "max_output_tokens"];

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
