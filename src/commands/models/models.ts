import { FETCH_POLICIES, openCacheFolder } from "../../catalog/cache.ts";
import type { LoadedCatalog } from "../../catalog/load-catalog.ts";
import { type ArgDefs, type ArgsOf, defineCommand } from "../../cli/command.ts";
import { outputWidth, tableText } from "../../cli/table.ts";
import { out, outJson, say, talk } from "../../cli/talk.ts";
import { resolvePaths } from "../../config/paths.ts";
import { EXIT } from "../../core/problem.ts";
import { counted } from "../../core/text.ts";
import { openCatalog, writeCache } from "../catalog.ts";
import { readContext } from "../context.ts";
import { findProvider } from "../keys/own-key.ts";
import { listJson } from "./models-list.ts";

export const modelsCommand = defineCommand({
  name: "models",
  about: "List models and refresh the model lists",
  examples: [
    { line: "orouter models", does: "all models with a key, and your chains" },
    { line: "orouter models list nvidia", does: "one provider's" },
    { line: "orouter models refresh", does: "download all lists again" },
  ],
  args: { json: { type: "boolean", description: "Print the list as JSON" } },
  run: async (args) => {
    const { printModels } = await import("./models-list.ts");
    await printModels(undefined, args.json === true);
    return EXIT.fine;
  },
  children: {
    list: {
      about: "List models with limits, abilities and cost",
      aliases: ["ls"],
      load: async () => (await import("./models-list.ts")).modelsListCommand,
    },
    refresh: {
      about: "Download the model lists again; exit 1 if one fails",
      load: async () => modelsRefreshCommand,
    },
    info: {
      about: "Show all that is known about a model or a chain",
      load: async () => (await import("./models-info.ts")).modelsInfoCommand,
    },
    "clear-cache": {
      about: "Delete the cached model lists",
      load: async () => modelsClearCacheCommand,
    },
  },
});

const MODELS_CLEAR_CACHE_ARGS = {
  json: { type: "boolean", description: 'Print {"removed":N}' },
} satisfies ArgDefs;

export const modelsClearCacheCommand = defineCommand({
  name: "clear-cache",
  about: "Delete the cached model lists",
  examples: [{ line: "orouter models clear-cache", does: "start afresh" }],
  args: MODELS_CLEAR_CACHE_ARGS,
  run: clearCache,
  children: {},
});

async function clearCache(args: ArgsOf<typeof MODELS_CLEAR_CACHE_ARGS>): Promise<number> {
  // Reads no settings: it has to work when they are invalid too.
  const removed = await openCacheFolder(resolvePaths(process.env).cacheDir, writeCache).clear();
  if (args.json === true) outJson({ removed });
  else say(removed === 0 ? "The cache was empty." : `Removed ${counted(removed, "list")}.`);
  return EXIT.fine;
}

const MODELS_REFRESH_ARGS = {
  provider: {
    type: "positional",
    required: false,
    description: "Refresh only this provider",
    offers: { names: ["providers"] },
  },
  json: { type: "boolean", description: 'Print {"providers":[…],"modelsDev":{…}}' },
} satisfies ArgDefs;

export const modelsRefreshCommand = defineCommand({
  name: "refresh",
  about: "Download the model lists again; exit 1 if one fails",
  examples: [
    { line: "orouter models refresh", does: "every provider with a key" },
    { line: "orouter models refresh nvidia --json", does: "one of them, for scripts" },
  ],
  args: MODELS_REFRESH_ARGS,
  run: refresh,
  children: {},
});

async function refresh(args: ArgsOf<typeof MODELS_REFRESH_ARGS>): Promise<number> {
  const context = await readContext();
  const id = args.provider;
  const only = id === undefined ? undefined : findProvider(context.settings, id);
  const loaded = await openCatalog(context, FETCH_POLICIES.refresh, only);
  await loaded.settled;
  const { lists, modelsDevFailure } = loaded;
  if (args.json === true) {
    outJson({ providers: lists.map(listJson), modelsDev: { failure: modelsDevFailure ?? null } });
  } else if (lists.length > 0) out(resultText(loaded));
  else say("No keys yet, so no lists to refresh. Add one: orouter keys add ollama-cloud");
  if (modelsDevFailure !== undefined) talk.warn(`Could not load models.dev: ${modelsDevFailure}.`);
  const hasFailed = modelsDevFailure !== undefined || lists.some((list) => list.failure !== undefined);
  return hasFailed ? EXIT.failed : EXIT.fine;
}

function resultText({ lists }: LoadedCatalog): string {
  const columns = [
    { title: "PROVIDER", shrinks: true },
    { title: "MODELS" },
    { title: "RESULT", wraps: true },
  ];
  const rows = lists.map(({ provider, list, failure }) => [
    provider,
    String(list?.models.length ?? 0),
    failure === undefined ? "fresh" : `${failure}${list === undefined ? "" : "; the old list is kept"}`,
  ]);
  return tableText(columns, rows, outputWidth());
}
