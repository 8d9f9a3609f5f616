import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type ListedModel,
  modelListJson,
  readModelList,
  UNKNOWN_TRAITS,
} from "../../../src/core/catalog/model-list.ts";

const BARE = { ...UNKNOWN_TRAITS, name: undefined, isCombo: false };

test.each<[name: string, value: unknown]>([
  ["a list under data", { object: "list", data: [{ id: "m", object: "model" }] }],
  ["a list under models", { models: [{ model: "m" }] }],
  ["a bare list", [{ id: "m", created: 735_790_403 }]],
  ["a list of names", ["m"]],
  ["a table by id", { models: { m: {} } }],
  ["a list inside a list's envelope", { data: { models: [{ modelId: "m" }] } }],
  ["entries that are no models among others", { data: [null, 7, { foo: "bar" }, "", { id: "m" }] }],
  ["limits that are none", { data: [{ id: "m", context_length: 0, max_output_tokens: "none" }] }],
])("%s is read", (_name, value) => {
  expect(readModelList(value)).toEqual([{ ...BARE, id: "m" }]);
});

test.each<[value: unknown]>([[null], ["text"], [7], [{}], [{ error: { message: "no" } }], [{ data: "x" }]])(
  "%p is no list",
  (value) => {
    expect(readModelList(value)).toBeUndefined();
  },
);

test("OmniRoute's fields are read, and its combos are told apart", () => {
  const entry = {
    id: "cx/gpt-5.1-codex",
    display_name: "Codex",
    owned_by: "codex",
    context_length: 400_000,
    max_output_tokens: 128_000,
    max_input_tokens: 272_000,
    input_modalities: ["text", "image"],
    output_modalities: ["text"],
    capabilities: { tool_calling: true, reasoning: true, vision: true },
  };
  expect(readModelList({ data: [entry, { id: "daily", owned_by: "combo" }] })).toEqual([
    {
      id: "cx/gpt-5.1-codex",
      name: "Codex",
      isCombo: false,
      context: 400_000,
      output: 128_000,
      input: 272_000,
      toolCall: true,
      reasoning: true,
      inputs: ["text", "image"],
      outputs: ["text"],
      cost: undefined,
    },
    { ...BARE, id: "daily", isCombo: true },
  ]);
});

test("OpenRouter's fields are read, its prices being for one token", () => {
  const entry = {
    id: "a/b",
    name: "B",
    context_length: 1000,
    top_provider: { max_completion_tokens: 500 },
    architecture: { input_modalities: ["text", "file"], output_modalities: ["text"] },
    pricing: { prompt: "0.00000015", completion: "0.0000006" },
    supported_parameters: ["tools", "temperature"],
  };
  expect(readModelList([entry])).toEqual([
    {
      id: "a/b",
      name: "B",
      isCombo: false,
      context: 1000,
      output: 500,
      input: undefined,
      toolCall: true,
      reasoning: false,
      inputs: ["text", "pdf"],
      outputs: ["text"],
      cost: { input: 0.15, output: 0.6, cacheRead: undefined, cacheWrite: undefined },
    },
  ]);
});

test.each<[name: string, entry: object]>([
  ["a type", { id: "m", type: "embedding" }],
  ["a capability that is missing", { id: "m", capabilities: { completion_chat: false } }],
])("what says by %s that it is no chat model is left out", (_name, entry) => {
  expect(readModelList([entry, "other"])?.map((model) => model.id)).toEqual(["other"]);
});

test("an id cannot carry control characters to a terminal", () => {
  expect(readModelList(["a\u001b[31mb"])?.[0]?.id).toBe("a[31mb");
});

test("no JSON makes the reader throw", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      readModelList(value);
      readModelList({ data: value });
      readModelList([value]);
    }),
  );
});

const tokens = fc.option(fc.integer({ min: 1, max: 10_000_000 }), { nil: undefined });
const flag = fc.option(fc.boolean(), { nil: undefined });
const modalities = fc.option(
  fc.uniqueArray(fc.constantFrom("text", "image", "audio", "video", "pdf"), { minLength: 1 }),
  { nil: undefined },
);
const price = fc.integer({ min: 0, max: 1000 });
const listed: fc.Arbitrary<ListedModel> = fc.record({
  id: fc.stringMatching(/^[a-z0-9:/.-]{1,40}$/),
  name: fc.option(fc.stringMatching(/^[A-Z][a-z0-9]{1,20}$/), { nil: undefined }),
  isCombo: fc.boolean(),
  context: tokens,
  output: tokens,
  input: tokens,
  toolCall: flag,
  reasoning: flag,
  inputs: modalities,
  outputs: modalities,
  cost: fc.option(
    fc.record({ input: price, output: price, cacheRead: fc.constant(undefined), cacheWrite: price }),
    { nil: undefined },
  ),
}) as fc.Arbitrary<ListedModel>;

test("what goes into the cache comes out of it", () => {
  fc.assert(
    fc.property(fc.array(listed, { maxLength: 5 }), (models) => {
      expect(readModelList(JSON.parse(JSON.stringify(modelListJson(models))))).toEqual(models);
    }),
  );
});
