import { expect, test } from "bun:test";
import fc from "fast-check";
import { normalizeBaseUrl, PRESETS } from "../../../src/core/settings/presets.ts";

test.each<[given: string, base: string | undefined]>([
  ["http://localhost:20128", "http://localhost:20128/v1"],
  ["http://localhost:20128/", "http://localhost:20128/v1"],
  ["http://localhost:20128/v1", "http://localhost:20128/v1"],
  ["http://localhost:20128/v1///", "http://localhost:20128/v1"],
  ["http://localhost:20128/v1/v1/", "http://localhost:20128/v1"],
  ["  https://gate.example/llm  ", "https://gate.example/llm/v1"],
  ["https://api.example/api/paas/v4", "https://api.example/api/paas/v4"],
  ["https://api.example/v1beta/openai/", "https://api.example/v1beta/openai"],
  ["https://api.example/inference/v1/", "https://api.example/inference/v1"],
  ["https://api.example/openai/v1", "https://api.example/openai/v1"],
  ["https://api.example/v1/projects/7/openapi", "https://api.example/v1/projects/7/openapi"],
  ["https://api.example/v1/chat/completions", "https://api.example/v1"],
  ["https://api.example/v1/models", "https://api.example/v1"],
  ["http://[::1]:8000", "http://[::1]:8000/v1"],
  ["HTTPS://API.Example:443", "https://api.example/v1"],
  ["https://models.github.ai/inference/chat/completions", "https://models.github.ai/inference"],
  ["localhost:20128", undefined],
  ["ftp://api.example", undefined],
  ["https://user:pass@api.example", undefined],
  ["https://api.example/v1?key=x", undefined],
  ["https://api.example/v1#x", undefined],
  ["", undefined],
])("%p becomes %p", (given, base) => {
  expect(normalizeBaseUrl(given)).toBe(base);
});

test.each(PRESETS.map((preset) => [preset.id, preset.baseUrl]))(
  "the address of %s is kept",
  (_id, baseUrl) => {
    expect(normalizeBaseUrl(baseUrl)).toBe(baseUrl);
    expect(normalizeBaseUrl(`${baseUrl}/`)).toBe(baseUrl);
  },
);

const SEGMENTS = [
  "v1",
  "v4",
  "v1beta",
  "openai",
  "llm",
  "",
  "chat",
  "completions",
  "models",
  "chat/completions",
];

test("to normalise twice is to normalise once, and no path holds /v1/v1 or a slash at its end", () => {
  const address = fc.array(fc.constantFrom(...SEGMENTS), { maxLength: 6 });
  fc.assert(
    fc.property(address, (segments) => {
      const once = normalizeBaseUrl(["https://host.example", ...segments].join("/")) ?? "";
      expect(normalizeBaseUrl(once)).toBe(once);
      expect(once).toMatch(/\/v\d/);
      expect(once).not.toMatch(/\/v1\/v1$|\/$/);
    }),
  );
});
