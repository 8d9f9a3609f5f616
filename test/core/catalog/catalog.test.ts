import { expect, test } from "bun:test";
import { createCatalog, readCombos } from "../../../src/core/catalog/catalog.ts";
import { readModelList } from "../../../src/core/catalog/model-list.ts";
import { ModelsDevIndex, readModelsDev } from "../../../src/core/catalog/models-dev.ts";
import { settingsOf } from "./sample-settings.ts";

const known = (context: number, output: number, inputs = ["text"]) => ({
  name: `Known ${context}`,
  limit: { context, output },
  tool_call: true,
  modalities: { input: inputs, output: ["text"] },
});

const MODELS_DEV = {
  openai: { models: { "gpt-5.1-codex-mini": known(204_800, 32_768, ["text", "image"]) } },
  "kimi-for-coding": { models: { "kimi-k2.5": known(256_000, 65_536) } },
  google: { models: { "gemini-3-flash-preview": known(1_048_576, 65_536, ["text", "image"]) } },
  groq: { models: { "llama-9-8b": known(8000, 2000), "picture-9": { limit: { context: 9 } } } },
  nvidia: { models: { "openai/gpt-oss-120b": known(128_000, 8192) } },
  pictures: { models: { "draw-1": { limit: { context: 77 }, modalities: { output: ["image"] } } } },
};

interface Sample {
  config?: object;
  live?: Record<string, unknown>;
  combos?: unknown;
  isOffline?: boolean;
}

function catalogOf({ config = {}, live = {}, combos = [], isOffline = false }: Sample) {
  const lists = Object.entries(live).map(
    ([provider, value]) =>
      [provider, { models: readModelList(value) ?? [], combos: readCombos(combos) ?? [] }] as const,
  );
  const modelsDev = isOffline ? undefined : new ModelsDevIndex(() => readModelsDev(MODELS_DEV));
  return createCatalog({ settings: settingsOf(config), lists: new Map(lists), modelsDev });
}

const DESIGNER = {
  live: { omniroute: { data: [{ id: "Designer", owned_by: "combo" }] } },
  combos: {
    combos: [
      {
        name: "Designer",
        models: [
          "kmc/kimi-k2.5",
          { kind: "model", model: "cx/gpt-5.1-codex-mini" },
          "gemini/models/gemini-3-flash-preview",
          "my/unknown",
        ],
      },
    ],
  },
};

test("a combo can do what all of its models can; one that nobody knows is left out and told", () => {
  expect(catalogOf(DESIGNER).find("omniroute/Designer")).toMatchObject({
    context: 204_800,
    output: 32_768,
    toolCall: true,
    inputs: ["text"],
    source: "live",
    leftOut: ["my/unknown"],
  });
});

test("a combo whose models nobody knows has no limits, made-up ones least of all", () => {
  const entry = catalogOf({ ...DESIGNER, isOffline: true }).find("omniroute/Designer");
  expect(entry).toMatchObject({ context: undefined, output: undefined, toolCall: undefined });
  expect(entry?.leftOut).toHaveLength(4);
});

test("what a combo's own entry says counts for more than its models", () => {
  const live = { omniroute: [{ id: "Designer", owned_by: "combo", context_length: 1000 }] };
  expect(catalogOf({ ...DESIGNER, live }).windowOf("omniroute/Designer")).toBe(1000);
});

test("auto is as little as the least of the others", () => {
  const live = { omniroute: ["auto", "cx/gpt-5.1-codex-mini", "kmc/kimi-k2.5", "my/unknown"] };
  expect(catalogOf({ live }).find("omniroute/auto")).toMatchObject({ context: 204_800, leftOut: [] });
});

test("a chain of ours has the limits that all of its models have", () => {
  const config = {
    chains: {
      coding: ["nvidia/openai/gpt-oss-120b", "more", "nvidia/nobody/knows-it"],
      more: ["omniroute/kmc/kimi-k2.5"],
    },
  };
  expect(catalogOf({ config }).find("orouter/coding")).toMatchObject({
    id: "coding",
    context: 128_000,
    output: 8192,
    toolCall: true,
    leftOut: ["nvidia/nobody/knows-it"],
  });
  expect(catalogOf({ config }).find("coding")?.context).toBe(128_000);
  expect(catalogOf({ config }).find("orouter/none")).toBeUndefined();
});

test("what the live list says is kept, and models.dev fills in the rest", () => {
  const live = { omniroute: [{ id: "cx/gpt-5.1-codex-mini", context_length: 100_000 }] };
  expect(catalogOf({ live }).modelsOf("omniroute")).toEqual([
    expect.objectContaining({
      id: "cx/gpt-5.1-codex-mini",
      name: "Known 204800",
      context: 100_000,
      output: 32_768,
      inputs: ["text", "image"],
      source: "live",
    }),
  ]);
});

test.each<[entry: object, name: string]>([
  [{ id: "cx/gpt-5.1-codex-mini", name: "cx/gpt-5.1-codex-mini" }, "Known 204800"],
  [{ id: "cx/gpt-5.1-codex-mini", name: "Mini" }, "Mini"],
  [{ id: "vendor/strange-1", name: "vendor/strange-1" }, "vendor/strange-1"],
])("of %p the name is %s: an id is a name only where there is no better one", (entry, name) => {
  expect(catalogOf({ live: { omniroute: [entry] } }).modelsOf("omniroute")[0]?.name).toBe(name);
});

test("repetitions, twins under a longer prefix and what is no chat model are dropped", () => {
  const live = {
    omniroute: ["cx/a-1", "codex/a-1", "codex/b-1", "cx/a-1", "text-embedding-1", "pictures/draw-1"],
  };
  const ids = catalogOf({ live })
    .modelsOf("omniroute")
    .map(({ id }) => id);
  expect(ids).toEqual(["cx/a-1", "codex/b-1"]);
});

test.each<[name: string, sample: Sample, provider: string, id: string, source: string]>([
  ["the live list", { live: { "ollama-cloud": ["new-1"] } }, "ollama-cloud", "new-1", "live"],
  [
    "the user's own list",
    { config: { providers: { "ollama-cloud": { models: ["mine-1"] } } } },
    "ollama-cloud",
    "mine-1",
    "config",
  ],
  ["the built-in list", {}, "ollama-cloud", "gpt-oss:120b", "default"],
  ["models.dev's list", {}, "groq", "llama-9-8b", "models.dev"],
])("models come from %s", (_name, sample, provider, id, source) => {
  expect(catalogOf(sample).modelsOf(provider)[0]).toMatchObject({ id, source });
});

test("a provider that neither answers nor is known has no models", () => {
  const config = { providers: { work: { base_url: "http://localhost:9/v1" } } };
  expect(catalogOf({ config }).modelsOf("work")).toEqual([]);
  expect(catalogOf({ config }).modelsOf("nobody")).toEqual([]);
});

test("a retired model is marked with what to use instead, unless it is listed again", () => {
  const gone = catalogOf({}).find("ollama-cloud/kimi-k2.5");
  expect(gone).toMatchObject({ isRetired: true, replacement: "kimi-k2.6", source: "default" });
  const back = catalogOf({ live: { "ollama-cloud": ["kimi-k2.5"] } }).find("ollama-cloud/kimi-k2.5");
  expect(back).toMatchObject({ isRetired: false, replacement: undefined, source: "live" });
  const unlisted = catalogOf({ live: { "ollama-cloud": ["gpt-oss:20b"] } }).find("ollama-cloud/kimi-k2.5");
  expect(unlisted).toMatchObject({ isRetired: true, replacement: "kimi-k2.6" });
});

test("a name with the daemon's suffix is the cloud's model", () => {
  expect(catalogOf({}).find("ollama-cloud/gemma4:31b-cloud")?.id).toBe("gemma4:31b");
  const live = { "ollama-cloud": ["gemma4:31b-cloud"] };
  expect(
    catalogOf({ live })
      .modelsOf("ollama-cloud")
      .map(({ id }) => id),
  ).toEqual(["gemma4:31b"]);
});

test("the user's word is the last, the later one over the earlier, each limit by itself", () => {
  const config = {
    models: [
      { match: "/-mini$/", context: 1000, output: 100 },
      { id: "omniroute/cx/gpt-5.1-codex-mini", context: 2000 },
      { match: "/^nvidia/", context: 3 },
      { id: "omniroute/virtual/mine", context: 50_000, add_if_missing: true },
      { id: "omniroute/virtual/other", context: 4 },
      { id: "orouter/coding", output: 77 },
    ],
    chains: { coding: ["omniroute/cx/gpt-5.1-codex-mini"] },
  };
  const catalog = catalogOf({ config, live: { omniroute: ["cx/gpt-5.1-codex-mini"] } });
  expect(
    catalog.modelsOf("omniroute").map(({ id, context, output, source }) => [id, context, output, source]),
  ).toEqual([
    ["cx/gpt-5.1-codex-mini", 2000, 100, "live"],
    ["virtual/mine", 50_000, undefined, "config"],
  ]);
  // The model is not listed, but its limit is known.
  expect(catalog.windowOf("omniroute/virtual/other")).toBe(4);
  expect(catalog.find("orouter/coding")).toMatchObject({ context: 2000, output: 77 });
});

test("nothing is made up about a model that nobody knows", () => {
  const catalog = catalogOf({});
  for (const ref of ["nvidia/nobody/knows-it", "nobody/knows", "groq/x", "orouter/x", "x", ""]) {
    expect(catalog.find(ref)).toBeUndefined();
    expect(catalog.windowOf(ref)).toBeUndefined();
  }
});

test("a model is public where models.dev has it under the very provider", () => {
  const catalog = catalogOf({});
  expect(catalog.isPublic("nvidia", "openai/gpt-oss-120b")).toBe(true);
  expect(catalog.isPublic("groq", "openai/gpt-oss-120b")).toBe(false);
});
