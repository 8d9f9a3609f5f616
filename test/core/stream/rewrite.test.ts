import { expect, test } from "bun:test";
import fc from "fast-check";
import { findField, readField, spliceValue } from "../../../src/core/stream/rewrite.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** JSON in any layout: spaces anywhere, escaped keys, duplicate names, nested decoys. */
const anySpace = fc.constantFrom("", "", " ", "\n", "\t", "\r\n  ");
const anyKey = fc.oneof(
  fc.constantFrom("model", "stream", "mode", "models", "\\", '"', "mod el", "__proto__", ""),
  fc.string({ unit: "binary", maxLength: 6 }),
);

const { value: anyText } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc
      .oneof(fc.jsonValue({ maxDepth: 0 }), fc.constantFrom('{"model":"x"}', '"model":"', "\\", '\\"'))
      .map((value) => JSON.stringify(value)),
    tie("object"),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(" ,")}]`),
  ),
  object: fc.array(fc.tuple(anyWrittenKey(), tie("value"), anySpace), { maxLength: 5 }).map(objectText),
}));

function anyWrittenKey(): fc.Arbitrary<string> {
  return fc
    .tuple(anyKey, fc.boolean())
    .map(([key, isEscaped]) => (isEscaped ? escaped(key) : JSON.stringify(key)));
}

/** Every character as `\uXXXX`. */
function escaped(key: string): string {
  return `"${[...Array(key.length).keys()].map((at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;
}

function objectText(members: [key: string, value: string, space: string][]): string {
  return `{${members.map(([key, value, space]) => `${space}${key}${space}:${space}${value}${space}`).join(",")}}`;
}

const anyObject = fc
  .tuple(anySpace, fc.array(fc.tuple(anyWrittenKey(), anyText, anySpace), { maxLength: 6 }), anySpace)
  .map(([before, members, after]) => before + objectText(members) + after);

test("a field is found exactly where JSON.parse finds it", () => {
  fc.assert(
    fc.property(anyObject, fc.constantFrom("model", "stream", "__proto__"), (text, name) => {
      const parsed = JSON.parse(text) as Record<string, unknown>;
      const body = encoder.encode(text);
      const span = findField(body, name);
      expect(span !== undefined).toBe(Object.hasOwn(parsed, name));
      if (span === undefined) return;
      const found: unknown = JSON.parse(decoder.decode(body.subarray(span.start, span.end)));
      expect(found).toEqual(Object.getOwnPropertyDescriptor(parsed, name)?.value);
      expect(readField(body, name)).toEqual(found);
    }),
    { numRuns: 2_000 },
  );
});

test("a spliced model is what JSON.parse reads afterwards, and nothing else has changed", () => {
  fc.assert(
    fc.property(anyObject, fc.string({ unit: "binary" }), (text, model) => {
      const body = encoder.encode(text);
      const span = findField(body, "model");
      fc.pre(span !== undefined);
      if (span === undefined) return;
      const spliced = decoder.decode(spliceValue(body, span, model));
      const expected = { ...(JSON.parse(text) as object), model: JSON.parse(JSON.stringify(model)) };
      expect(JSON.parse(spliced)).toEqual(expected);
      expect(spliced.startsWith(decoder.decode(body.subarray(0, span.start)))).toBe(true);
      expect(spliced.endsWith(decoder.decode(body.subarray(span.end)))).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test("no bytes at all make it fail", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const span = findField(bytes, "model");
      expect(span === undefined || span.start < span.end).toBe(true);
    }),
  );
  fc.assert(
    fc.property(anyObject, fc.nat(), (text, at) => {
      // Must not throw on truncated JSON.
      expect(() => readField(encoder.encode(text.slice(0, at % (text.length + 1))), "model")).not.toThrow();
    }),
  );
});

test.each([
  ["a list", "[]"],
  ["a text", '"model"'],
  ["nothing", ""],
  ["an object that never ends", '{"model":"a"'],
  ["a key without a value", '{"model":}'],
])("%s has no fields", (_name, text) => {
  expect(findField(encoder.encode(text), "model")).toBeUndefined();
});

test("of a doubled name the last one counts", () => {
  expect(readField(encoder.encode('{"model":"a","x":{"model":"b"},"mod\\u0065l":"c"}'), "model")).toBe("c");
});
