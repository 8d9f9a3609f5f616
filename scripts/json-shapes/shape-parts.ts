import * as v from "valibot";
import { VERDICT_KINDS } from "../../src/core/verdict/verdict.ts";

/** A field with what docs say of it. */
export function field<Schema extends v.GenericSchema>(schema: Schema, says: string) {
  return v.pipe(schema, v.description(says));
}

/** A shape that has a name of its own in the docs. */
export function named<Schema extends v.GenericSchema>(name: string, schema: Schema) {
  return v.pipe(schema, v.title(name));
}

export const text = v.string();
export const flag = v.boolean();
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const amount = v.pipe(v.number(), v.minValue(0));
export const texts = v.array(text);
export const orNull = <Schema extends v.GenericSchema>(schema: Schema) => v.nullable(schema);

export const provider = field(text, "the provider's id");
export const model = field(text, "`provider/model-id`");
export const atMs = field(amount, "when, since 1970");
export const fingerprint = field(
  v.pipe(text, v.regex(/^[0-9a-f]{12}$/)),
  "of the secret, which is never printed",
);
export const fingerprintOrNull = field(
  orNull(v.pipe(text, v.regex(/^[0-9a-f]{12}$/))),
  "null while the secret cannot be had",
);
export const keySource = v.picklist(["keys.toml", "environment", "auth.json", "opencode.db", "embedded"]);

export const verdict = named(
  "Verdict",
  field(v.picklist(VERDICT_KINDS), "what a refusal means; the words of `[[rules]]`"),
);

export const readiness = {
  state: field(
    v.picklist(["ready", "cooling-down", "dead", "disabled", "no-secret", "no-key"]),
    "dead: until the key is changed; no-key: the provider has none",
  ),
  untilMs: field(orNull(amount), "the end of the cooldown; null if there is none or it never ends"),
  why: field(orNull(verdict), "null without a cooldown"),
};
