import { expect, test } from "bun:test";
import { ModelFacts, refusedField, withoutFields } from "../../../src/core/routing/model-facts.ts";

test.each([
  ["messages.4.reasoning_content: Extra inputs are not permitted", "reasoning_content"],
  ["Unrecognized request argument supplied: reasoning_content", "reasoning_content"],
  ["Unknown parameter: 'messages[2].reasoning_details'.", "reasoning_details"],
  ["property 'reasoning_content' is unsupported", "reasoning_content"],
  ["Additional properties are not allowed ('store' was unexpected)", "store"],
  ['{"detail":[{"loc":["body","store"],"type":"extra_forbidden"}]}', "store"],
  ["Unknown field: store", "store"],
  // Fields that change the meaning of the request are never removed.
  ["Unknown parameter: 'response_format'.", undefined],
  ["messages.2.tool_calls: Extra inputs are not permitted", undefined],
  ["the model is overloaded", undefined],
])("%j names a field to leave out: %p", (words, field) => {
  expect(refusedField(words)).toBe(field as string);
});

const bytes = (value: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));

test("a field is left out at the top and in messages, and nowhere else", () => {
  const body = {
    model: "m",
    store: false,
    messages: [
      { role: "assistant", content: "a", reasoning_content: "hm" },
      { role: "user", content: "store" },
    ],
    tools: [{ function: { parameters: { properties: { store: {} } } } }],
  };
  const cleaned = withoutFields(bytes(body), new Set(["store", "reasoning_content"]));
  expect(JSON.parse(Buffer.from(cleaned).toString())).toEqual({
    model: "m",
    messages: [
      { role: "assistant", content: "a" },
      { role: "user", content: "store" },
    ],
    tools: body.tools,
  });
});

test("a body without the fields is the same bytes", () => {
  const body = bytes({ model: "m", messages: [{ role: "user", content: "a" }] });
  expect(withoutFields(body, new Set(["store"]))).toBe(body);
});

test("a refusal is learnt once for its model, so that it cannot be asked about for ever", () => {
  const facts = new ModelFacts();
  const ref = { provider: "a", model: "one" };
  expect(facts.learnField(ref, "Unknown field: store")).toBe(true);
  expect(facts.learnField(ref, "Unknown field: store")).toBe(false);
  expect([...(facts.refusedFields(ref) ?? [])]).toEqual(["store"]);
  expect(facts.refusedFields({ provider: "a", model: "two" })).toBeUndefined();
});
