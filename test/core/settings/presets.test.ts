import { expect, test } from "bun:test";
import { findPreset, PRESETS } from "../../../src/core/settings/presets.ts";

test("every preset has an id of its own, an https or local address and at least one variable", () => {
  expect(new Set(PRESETS.map((preset) => preset.id)).size).toBe(PRESETS.length);
  for (const preset of PRESETS) {
    expect(preset.baseUrl).toMatch(/^https:\/\/|^http:\/\/(localhost|127\.0\.0\.1):/);
    expect(preset.baseUrl.endsWith("/")).toBe(false);
    expect(preset.env.every((name) => /^[A-Z0-9_]+$/.test(name))).toBe(true);
    expect(URL.canParse(preset.keysUrl)).toBe(true);
  }
});

test("NVIDIA is paced at 40 calls a minute, OmniRoute works without a key, Gemini has three variables", () => {
  expect(findPreset("nvidia")?.rpm).toBe(40);
  expect(findPreset("omniroute")?.placeholderKey).toBe("sk_omniroute");
  expect(findPreset("google")?.env).toEqual([
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",
  ]);
  expect(findPreset("nvdia")).toBeUndefined();
});
