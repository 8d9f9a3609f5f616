import { expect, test } from "bun:test";
import { looksLikeSecret } from "../../src/cli/command.ts";

test.each<[name: string, word: string]>([
  ["an sk- key", `sk-${"a1b2".repeat(6)}`],
  ["an nvapi- key", `nvapi-${"Zx9_".repeat(8)}`],
  ["an Ollama key", `${"0a".repeat(16)}.${"Q7w".repeat(8)}`],
  ["a long random word", "q8Zt4Lw0Pm2Xv6Rb1Ny"],
  ["a random word in quotes of a base64 tail", "AbCd1234EfGh5678IjKl9012=="],
  ["a UUID", "0b1f6d3e-1111-4c2d-8e3f-0a1b2c3d4e5f"],
])("%s looks like a secret", (_name, word) => {
  expect(looksLikeSecret(word)).toBe(true);
});

test.each<[name: string, word: string]>([
  ["a provider", "zai-coding-plan"],
  ["a key's name", "nvidia/work-2"],
  ["a fingerprint", "1fd29b0d8b88"],
  ["a variable", "MY_COMPANY_GROQ_KEY_12"],
  ["a model", "nvidia/openai/gpt-oss-120b"],
  ["an address", "http://localhost:20128/v1"],
])("%s does not", (_name, word) => {
  expect(looksLikeSecret(word)).toBe(false);
});
