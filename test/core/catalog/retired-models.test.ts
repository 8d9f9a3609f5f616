import { expect, test } from "bun:test";
import { defaultModels, retirementOf } from "../../../src/core/catalog/model-kinds.ts";

test.each<[provider: string, model: string, replacement: string | undefined]>([
  ["ollama-cloud", "kimi-k2.5", "kimi-k2.6"],
  ["ollama-cloud", "glm-4.6", "glm-5.2"],
  ["ollama-cloud", "qwen3-coder:480b", "glm-5.3"],
  ["ollama-cloud", "devstral-small-2:24b", undefined],
])("%s's %s is retired", (provider, model, replacement) => {
  expect(retirementOf(provider, model)).toEqual({ replacement });
});

test.each<[provider: string, model: string]>([
  ["ollama-cloud", "gpt-oss:120b"],
  ["nvidia", "kimi-k2.5"],
  ["toString", "kimi-k2.5"],
])("nothing is said of %s's %s", (provider, model) => {
  expect(retirementOf(provider, model)).toBeUndefined();
});

test("among the built-in models of each provider is one to use", () => {
  for (const provider of ["ollama-cloud", "nvidia", "omniroute"]) {
    const models = defaultModels(provider);
    expect(models.some(({ id }) => retirementOf(provider, id) === undefined)).toBe(true);
    expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
  }
  expect(defaultModels("groq")).toEqual([]);
});
