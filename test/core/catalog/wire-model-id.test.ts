import { expect, test } from "bun:test";
import { wireModelId } from "../../../src/core/catalog/model-kinds.ts";

test.each<[model: string, baseUrl: string, expected: string]>([
  ["gemma4:31b-cloud", "https://ollama.com/v1", "gemma4:31b"],
  ["kimi-k2.6:cloud", "https://ollama.com/v1", "kimi-k2.6"],
  ["gpt-oss:120b", "https://ollama.com/v1", "gpt-oss:120b"],
  // The local daemon needs the suffix: without it, it looks for a local model.
  ["gemma4:31b-cloud", "http://localhost:11434/v1", "gemma4:31b-cloud"],
  ["gemma4:31b-cloud", "https://notollama.com/v1", "gemma4:31b-cloud"],
  ["models/gemini-3-flash", "https://generativelanguage.googleapis.com/v1beta/openai", "gemini-3-flash"],
  ["models/x", "https://example.com/v1", "models/x"],
  [":cloud", "https://ollama.com/v1", ":cloud"],
])("%s at %s is %s", (model, baseUrl, expected) => {
  expect(wireModelId(model, baseUrl)).toBe(expected);
});
