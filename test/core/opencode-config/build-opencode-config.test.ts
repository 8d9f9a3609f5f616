import { expect, test } from "bun:test";
import {
  buildOpenCodeConfig,
  isOpenApiKey,
  standingProvider,
  variableOf,
} from "../../../src/core/opencode-config/opencode-config.ts";

const PARTS = {
  id: "work",
  name: "Work",
  baseURL: "http://h/v1",
  apiKey: "{env:WORK_KEY}",
  models: ["a", "b/c"],
};

test("a config holds one provider, whose models are named by their labels or else their ids", () => {
  expect(buildOpenCodeConfig({ ...PARTS, modelLabels: { a: "One", other: "Unused" } })).toEqual({
    $schema: "https://opencode.ai/config.json",
    provider: {
      work: {
        npm: "@ai-sdk/openai-compatible",
        name: "Work",
        options: { baseURL: "http://h/v1", apiKey: "{env:WORK_KEY}" },
        models: { a: { name: "One" }, "b/c": { name: "b/c" } },
      },
    },
  });
});

test("a provider that speaks responses gets the package that does", () => {
  expect(buildOpenCodeConfig({ ...PARTS, apiMode: "responses" }).provider["work"]?.npm).toBe(
    "@ai-sdk/openai",
  );
});

test("a model called like a part of every object is only a model", () => {
  const { models } =
    buildOpenCodeConfig({ ...PARTS, models: ["__proto__", "constructor"] }).provider["work"] ?? {};
  expect(JSON.stringify(models)).toBe(
    '{"__proto__":{"name":"__proto__"},"constructor":{"name":"constructor"}}',
  );
});

test.each<[text: string, isOpen: boolean]>([
  ["sk_omniroute", true],
  ["none", true],
  ["{env:OMNIROUTE_API_KEY}", true],
  ["{file:~/.secrets/omniroute}", true],
  ["{env:not a name}", false],
  ["{env:}", false],
  ["{file:}", false],
  ["x{env:A}", false],
  ["", false],
  ["hunter2", false],
])("%p as an apiKey: for all to see is %p", (text, isOpen) => {
  expect(isOpenApiKey(text)).toBe(isOpen);
});

test("a variable is read out of its braces, and out of nothing else", () => {
  expect(["{env:A_1}", "{file:A}", "A"].map(variableOf)).toEqual(["A_1", undefined, undefined]);
});

test("what an entry says is read, and of a name that is there twice the last counts", () => {
  const text = `\uFEFF{ // mine
    "provider": { "work": { "name": "First" } },
    "provider": { "work": { "name": "Mine", "options": { "baseURL": "http://h", "apiKey": "k" },
      "models": { "a": { "name": "One" }, "b": {}, "c": null, }, } } }`;
  expect(standingProvider(text, "work")).toEqual({
    name: "Mine",
    baseURL: "http://h",
    apiKey: "k",
    models: ["a", "b", "c"],
    modelLabels: { a: "One" },
  });
});

test.each(["", "{", "[]", '{"provider": 3}', '{"provider": {"work": {"options": null, "models": []}}}'])(
  "%p says nothing about a provider",
  (text) => {
    expect(standingProvider(text, "work")).toMatchObject({ name: undefined, baseURL: undefined, models: [] });
  },
);
