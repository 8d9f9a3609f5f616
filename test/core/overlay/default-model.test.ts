import { expect, test } from "bun:test";
import { defaultModel } from "../../../src/core/overlay/default-model.ts";
import { allProviders, parseSettings } from "../../../src/core/settings/settings.ts";

function chosen(config: unknown, ...usable: string[]): string | undefined {
  const parsed = parseSettings(config);
  if ("faults" in parsed) throw new Error(parsed.faults[0]?.what);
  const { settings } = parsed;
  return defaultModel(
    allProviders(settings).filter((provider) => usable.includes(provider.id)),
    settings,
  );
}

test.each<[name: string, config: unknown, usable: string[], expected: string | undefined]>([
  ["the first chain comes first", { chains: { main: ["nvidia/a"] } }, ["nvidia"], "orouter/main"],
  ["else a model that free accounts have", {}, ["ollama-cloud"], "ollama-cloud/gpt-oss:120b"],
  [
    "one's own list before that",
    { providers: { "ollama-cloud": { models: ["mine"] } } },
    ["ollama-cloud"],
    "ollama-cloud/mine",
  ],
  [
    "a provider that was written down before one that was not",
    { providers: { work: { base_url: "http://localhost:1", models: ["w"] } } },
    ["ollama-cloud", "work"],
    "work/w",
  ],
  [
    "the name opencode knows",
    { providers: { openai: { models: ["gpt"] } } },
    ["openai"],
    "orouter-openai/gpt",
  ],
  ["nobody to choose from", {}, [], undefined],
])("%s", (_name, config, usable, expected) => {
  expect(chosen(config, ...usable)).toBe(expected);
});
