import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Catalog, createCatalog } from "../../../src/core/catalog/catalog.ts";
import { readModelList } from "../../../src/core/catalog/model-list.ts";
import { ModelsDevIndex, readModelsDev } from "../../../src/core/catalog/models-dev.ts";
import { askedModel, withAskedModels } from "../../../src/core/overlay/default-model.ts";
import { needsModels, overlayProviders } from "../../../src/core/overlay/opencode-providers.ts";
import { type Limits, toldLimits } from "../../../src/core/overlay/told-limits.ts";
import { windowOf } from "../../../src/core/overlay/window.ts";
import { providerOf, type Settings } from "../../../src/core/settings/settings.ts";
import { settingsOf } from "./sample-settings.ts";

const MODELS_DEV = {
  nvidia: {
    models: { "openai/gpt-oss-120b": { name: "GPT-OSS-120B", limit: { context: 128_000, output: 8192 } } },
  },
  maker: {
    models: {
      "wonder-2": {
        name: "Wonder 2",
        limit: { context: 400_000, input: 272_000, output: 128_000 },
        tool_call: true,
        reasoning: true,
        modalities: { input: ["text", "image"], output: ["text"] },
      },
    },
  },
};

function catalogOf(settings: Settings, live: Record<string, unknown> = {}): Catalog {
  const lists = Object.entries(live).map(
    ([provider, value]) => [provider, { models: readModelList(value) ?? [], combos: [] }] as const,
  );
  const modelsDev = new ModelsDevIndex(() => readModelsDev(MODELS_DEV));
  return createCatalog({ settings, lists: new Map(lists), modelsDev });
}

function overlayOf(ids: readonly string[], settings: Settings, live?: Record<string, unknown>) {
  const usable = ids.flatMap((id) => providerOf(settings, id) ?? []);
  return overlayProviders(usable, settings, catalogOf(settings, live));
}

const WORK = { providers: { work: { base_url: "http://localhost:8000", name: "Work" } } };

test("a provider of the user's own comes with its live models and all that is known of them", () => {
  const live = {
    work: [{ id: "maker/wonder-2", pricing: { input: 1, output: 2 } }, { id: "plain" }],
  };
  expect(overlayOf(["work"], settingsOf(WORK), live)).toEqual([
    {
      id: "work",
      route: "work",
      name: "Work",
      npm: "@ai-sdk/openai-compatible",
      models: [
        {
          id: "maker/wonder-2",
          name: "Wonder 2",
          context: 400_000,
          output: 128_000,
          input: 272_000,
          details: {
            tool_call: true,
            reasoning: true,
            attachment: true,
            modalities: { input: ["text", "image"], output: ["text"] },
            cost: { input: 1, output: 2 },
          },
        },
        { id: "plain", name: "plain", context: 131_072, output: 32_768 },
      ],
    },
  ]);
});

test("a provider that opencode knows keeps opencode's own models", () => {
  const live = { nvidia: ["openai/gpt-oss-120b", "brand/new-1"] };
  expect(overlayOf(["nvidia"], settingsOf({}), live)).toEqual([{ id: "nvidia", route: "nvidia" }]);
});

test("of such a provider opencode is told what it cannot know, and what the user knows better", () => {
  const settings = settingsOf({
    providers: { nvidia: { models: ["openai/gpt-oss-120b", "private/mine-1"] } },
    models: [{ id: "nvidia/openai/gpt-oss-20b", context: 90_000, add_if_missing: true }],
  });
  const [nvidia] = overlayOf(["nvidia"], settings);
  expect(nvidia?.npm).toBeUndefined();
  expect(nvidia?.models?.map(({ id, context }) => [id, context])).toEqual([
    ["private/mine-1", 131_072],
    ["openai/gpt-oss-20b", 90_000],
  ]);
});

test("OmniRoute and renamed providers are not in opencode's table, so they come with models", () => {
  const settings = settingsOf({});
  const [omniroute, openai] = overlayOf(["omniroute", "openai"], settings, {
    omniroute: ["auto"],
    openai: ["gpt-9"],
  });
  expect(omniroute).toMatchObject({
    id: "omniroute",
    npm: "@ai-sdk/openai-compatible",
    models: [{ id: "auto" }],
  });
  expect(openai).toMatchObject({ id: "orouter-openai", route: "openai", models: [{ id: "gpt-9" }] });
});

test.each<[provider: string, expected: boolean]>([
  ["nvidia", false],
  ["ollama-cloud", false],
  ["omniroute", true],
  ["openai", true],
  ["opencode", true],
  ["work", true],
])("whether opencode needs the models of %s is %p", (id, expected) => {
  expect(needsModels({ id })).toBe(expected);
});

test("a chain is offered with the limits that all of its models have", () => {
  const settings = settingsOf({
    ...WORK,
    chains: { coding: ["work/maker/wonder-2", "nvidia/openai/gpt-oss-120b"] },
  });
  const providers = overlayOf(["work"], settings, { work: ["maker/wonder-2"] });
  expect(providers.at(-1)).toMatchObject({
    id: "orouter",
    models: [{ id: "coding", name: "coding (chain)", context: 128_000, output: 8192 }],
  });
});

test("a model that the user has written down is offered also where its provider does not list it", () => {
  const settings = settingsOf({
    providers: { work: { base_url: "http://localhost:8000", models: ["hidden"] } },
  });
  const [work] = overlayOf(["work"], settings, { work: ["shown"] });
  expect(work?.models?.map(({ id }) => id)).toEqual(["shown", "hidden"]);
});

test("a window too small for opencode's own prompt is not told, and an answer never takes all of it", () => {
  const told = (context: number, output?: number) => {
    const model = { id: "work/a", context, ...(output === undefined ? {} : { output }) };
    const [work] = overlayOf(["work"], settingsOf({ ...WORK, models: [model] }), { work: ["a"] });
    return [work?.models?.[0]?.context, work?.models?.[0]?.output];
  };
  expect(told(1000)).toEqual([16_384, 4096]);
  expect(told(1000, 10)).toEqual([16_384, 10]);
  expect(told(32_768)).toEqual([32_768, 20_480]);
  expect(told(65_536)).toEqual([65_536, 32_768]);
});

/** opencode compacts the conversation from this many tokens on. */
function shortensAt({ context, output, input }: Limits): number {
  const longest = Math.min(output, 32_000) || 32_000;
  return input === undefined ? context - longest : input - Math.min(20_000, longest);
}

test("whatever is known of a model, opencode has room for its prompt and a first exchange", () => {
  const anySize = fc.integer({ min: 1, max: 300_000 });
  fc.assert(
    fc.property(anySize, anySize, fc.option(anySize, { nil: undefined }), (context, output, input) => {
      const told = toldLimits({ context, output, input });
      expect(shortensAt(told)).toBeGreaterThanOrEqual(12_000);
      expect(told.output).toBeGreaterThan(0);
      expect(told.output).toBeLessThanOrEqual(output);
      expect(told.context).toBeGreaterThanOrEqual(context);
    }),
  );
});

test("where a provider cannot be asked the model of the command line is offered, and nowhere else", () => {
  const settings = settingsOf({
    providers: { work: { base_url: "http://localhost:8000" }, home: { base_url: "http://localhost:9000" } },
    models: [{ id: "work/mine/2", context: 50_000 }],
  });
  const modelsWith = (words: string[], live?: Record<string, unknown>) =>
    withAskedModels(overlayOf(["work", "home", "nvidia"], settings, live), [askedModel(words) ?? ""], {
      settings,
      catalog: catalogOf(settings, live),
    }).map(({ models = [] }) => models.map(({ id, context }) => [id, context]));
  expect(modelsWith(["run", "-m", "work/mine/2", "hi"])).toEqual([[["mine/2", 50_000]], [], []]);
  expect(modelsWith(["run", "-m", "work/mine/2", "hi"], { work: ["a"] })).toEqual([[["a", 131_072]], [], []]);
  for (const other of ["nvidia/new", "orouter/none", "gone/x", "plain"])
    expect(modelsWith(["-m", other])).toEqual([[], [], []]);
});

test.each<[words: string[], model: string | undefined]>([
  [["run", "-m", "a/b", "hi"], "a/b"],
  [["--model", "a/b"], "a/b"],
  [["--model=a/b"], "a/b"],
  [["-m=a/b"], "a/b"],
  [["-ma/b"], "a/b"],
  [["run", "hi", "-m"], undefined],
  [["run", "--", "-m", "a/b"], undefined],
  [["--mini"], undefined],
  [[], undefined],
])("the words %j ask for the model %s", (words, model) => {
  expect(askedModel(words)).toBe(model);
});

test("without a catalogue the settings are all there is", () => {
  const settings = settingsOf({
    providers: { work: { base_url: "http://localhost:8000", models: ["a"] } },
    models: [{ id: "work/a", context: 20_000, output: 10 }],
    chains: { one: ["work/a"] },
  });
  const usable = [providerOf(settings, "work")].flatMap((provider) => provider ?? []);
  expect(overlayProviders(usable, settings).map(({ models }) => models)).toEqual([
    [{ id: "a", name: "a", context: 20_000, output: 10 }],
    [{ id: "one", name: "one (chain)", context: 20_000, output: 7712 }],
  ]);
});

test("a window is the catalogue's, or without one the settings'", () => {
  const settings = settingsOf({
    models: [{ id: "work/a", context: 5 }],
    chains: { one: ["work/a", "work/b"] },
  });
  expect(windowOf("work/a", settings)).toBe(5);
  expect(windowOf("orouter/one", settings)).toBe(5);
  expect(windowOf("work/b", settings)).toBeUndefined();
  expect(windowOf("nvidia/openai/gpt-oss-120b", settings)).toBeUndefined();
  expect(windowOf("nvidia/openai/gpt-oss-120b", settings, catalogOf(settings))).toBe(128_000);
});
