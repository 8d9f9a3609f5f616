import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type KnownModel,
  ModelsDevIndex,
  readModelsDev,
  trimModelsDev,
} from "../../../src/core/catalog/models-dev.ts";

const model = (context: number, extra: object = {}) => ({
  limit: { context, output: context / 4 },
  tool_call: true,
  cost: { input: 1, output: 2 },
  ...extra,
});

const API = {
  openai: {
    models: {
      "gpt-5.1": model(4000),
      "gpt-5.1-codex-mini": model(4100),
      "gpt-4o": model(4200),
      o3: model(4300),
    },
  },
  anthropic: { models: { "claude-opus-4-5-20251101": model(4400) } },
  google: { models: { "gemini-3-flash-preview": model(4500), "gemini-3.1-pro-preview": model(4600) } },
  moonshotai: { models: { "kimi-k2.5": model(4700) } },
  zai: { models: { "glm-5.1": model(4800) } },
  host1: { models: { "vendor/GPT-OSS-120B": model(5000), "small/one-7b": model(100, { tool_call: false }) } },
  host2: { models: { "gpt-oss:120b": model(5000), "small/one-7b": model(100) } },
  host3: { models: { "gpt-oss-120b": model(6000), auto: model(9999), "router/auto": model(9999) } },
  nim: {
    models: {
      "qwen/qwen-image-2": model(0),
      "old/model-1": model(700, { status: "deprecated" }),
      "bare/model-2": {},
    },
  },
  broken: { models: "none" },
  empty: {},
};

const index = new ModelsDevIndex(() => readModelsDev(API), { mine: "zai" });

test.each<[provider: string, id: string, found: number]>([
  ["openai", "gpt-5.1", 4000],
  ["omniroute", "cx/gpt-5.1-codex-mini", 4100],
  ["omniroute", "omniroute/cx/gpt-5.1-codex-mini", 4100],
  ["omniroute", "cx/gpt-5.1-codex-mini-high", 4100],
  ["omniroute", "gpt-5.1-2026-01-02", 4000],
  ["omniroute", "o3-low", 4300],
  ["omniroute", "cc/claude-opus-4-5", 4400],
  ["omniroute", "claude-opus-4.5-thinking", 4400],
  ["omniroute", "claude-opus-4-5@20251101", 4400],
  ["omniroute", "gemini/models/gemini-3-flash-preview", 4500],
  ["omniroute", "gemini-3.1-pro-high", 4600],
  ["omniroute", "kmc/kimi-k2.5", 4700],
  ["work", "moonshotai/Kimi-K2.5", 4700],
  ["work", "z-ai/glm-5.1", 4800],
  ["work", "mine/GLM_5.1", 4800],
  ["mine", "glm-5.1-fp8", 4800],
  ["work", "openai/gpt-oss-120b", 5000],
  ["work", "gpt-oss:120b-cloud", 5000],
  ["host3", "gpt-oss-120b", 6000],
])("%s's %s is found", (provider, id, context) => {
  expect(index.find(provider, id)?.context).toBe(context);
});

test.each<[provider: string, id: string]>([
  // Another version is another model.
  ["work", "glm-5.2"],
  ["work", "glm-5"],
  ["work", "glm"],
  ["work", "gpt-5"],
  ["work", "gpt-5.1-codex"],
  ["work", "gpt-5.1-codex-max"],
  ["work", "kimi-k2"],
  ["work", "gpt-oss-20b"],
  ["work", "claude-opus-4-6"],
  // Names that mean something else at every gateway.
  ["omniroute", "auto"],
  ["omniroute", "daily"],
  ["work", "my/own-model"],
  // Deprecated, or not chat models.
  ["nim", "old/model-1"],
  ["nim", "qwen/qwen-image-2"],
  ["work", ""],
  ["work", "/"],
  ["work", "a//"],
])("%s's %s is left alone", (provider, id) => {
  expect(index.find(provider, id)).toBeUndefined();
});

test("a model may say nothing at all about itself", () => {
  expect(index.find("nim", "bare/model-2")).toMatchObject({ name: "bare/model-2", context: undefined });
});

test("what another host charges is not taken over", () => {
  expect(index.find("openai", "gpt-4o")?.cost).toMatchObject({ input: 1, output: 2 });
  expect(index.find("work", "gpt-4o")?.cost).toBeUndefined();
});

test("one host's omission does not take the tools from a model", () => {
  expect(index.find("work", "one-7b")?.toolCall).toBe(true);
});

test("dates, channels, hosts' prefixes and letter case do not hide a model", () => {
  const known = fc.constantFrom("gpt-5.1", "gpt-5.1-codex-mini", "kimi-k2.5", "glm-5.1", "o3");
  const prefix = fc.constantFrom("", "some/", "a/b/", "omniroute/", "models/");
  const suffix = fc.constantFrom(
    "",
    "-latest",
    "-2026-03-04",
    "-20260304",
    ":free",
    "-FP8",
    "-preview-05-06",
  );
  fc.assert(
    fc.property(prefix, known, suffix, fc.boolean(), (before, name, behind, isUpper) => {
      const id = before + (isUpper ? name.toUpperCase() : name) + behind;
      expect(index.find("work", id)?.id).toBe(name);
    }),
  );
});

test("a name with another number in it never matches", () => {
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 999 }), (version) => {
      for (const name of [`gpt-${version}`, `glm-${version}`, `kimi-k${version}`, `claude-opus-${version}`]) {
        expect(index.find("work", name)).toBeUndefined();
      }
    }),
  );
});

test("what is trimmed for the copy on disk is read as the same", () => {
  expect(readModelsDev(JSON.parse(JSON.stringify(trimModelsDev(API))))).toEqual(readModelsDev(API));
});

test("what is no catalogue is told from one", () => {
  for (const value of [null, [], {}, "text", { error: { message: "no" } }]) {
    expect(readModelsDev(value)).toBeUndefined();
  }
});

test("nothing is read before something is looked for, and then once", () => {
  let reads = 0;
  const lazy = new ModelsDevIndex(() => {
    reads++;
    return readModelsDev(API);
  });
  expect(reads).toBe(0);
  lazy.find("work", "gpt-4o");
  lazy.find("work", "o3");
  expect(reads).toBe(1);
});

/** Records each full scan of a provider's models. */
class WatchedModels extends Map<string, KnownModel> {
  static passes = 0;
  override values() {
    WatchedModels.passes++;
    return super.values();
  }
}

test("the models are gone through once, however many odd names are looked for among them", () => {
  const models = Object.fromEntries(
    Array.from({ length: 100 }, (_, at) => [`family-${at}-70b`, model(1000 + at)]),
  );
  const hosts = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`host-${at}`, { models }]));
  const watched = [...(readModelsDev(hosts) ?? [])].map(
    ([id, known]) => [id, new WatchedModels(known)] as const,
  );
  const large = new ModelsDevIndex(() => new Map(watched));
  const names = Array.from({ length: 300 }, (_, at) => `odd/prefix/Family_${at % 120}:70B-latest`);
  expect(names.filter((name) => large.find("work", name) !== undefined)).toHaveLength(260);
  expect(WatchedModels.passes).toBe(50);
});
