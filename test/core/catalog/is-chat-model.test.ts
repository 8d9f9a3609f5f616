import { expect, test } from "bun:test";
import { isChatModel } from "../../../src/core/catalog/model-kinds.ts";

test.each([
  "nvidia/nv-embed-v1",
  "nvidia/nv-embedcode-7b-v1",
  "nvidia/llama-3_2-nemoretriever-300m-embed-v1",
  "nvidia/llama-nemotron-rerank-vl-1b-v2",
  "nvidia/rerank-qa-mistral-4b",
  "baai/bge-m3",
  "meta/esm2-650m",
  "meta/esmfold",
  "meta/llama-guard-4-12b",
  "nvidia/nemotron-3-content-safety",
  "black-forest-labs/flux.1-dev",
  "black-forest-labs/flux_1-schnell",
  "openai/whisper-large-v3",
  "nvidia/magpie-tts-zeroshot",
  "nvidia/cosmos-predict1-5b",
  "nvidia/bevformer",
  "text-embedding-3-large",
  "gpt-4o-mini-tts",
  "dall-e-3",
])("%s is no chat model", (id) => {
  expect(isChatModel(id)).toBe(false);
});

test.each([
  "openai/gpt-oss-120b",
  "gpt-oss:20b",
  "nvidia/nemotron-3-super-120b-a12b",
  "meta/llama-3.2-90b-vision-instruct",
  "microsoft/phi-4-multimodal-instruct",
  "deepseek-ai/deepseek-v4-pro",
  "claude-opus-4-5",
  "gemini/models/gemini-3-flash-preview",
  "qwen3-coder:480b",
  "mistralai/mistral-nemotron",
  "auto",
])("%s is one", (id) => {
  expect(isChatModel(id)).toBe(true);
});
