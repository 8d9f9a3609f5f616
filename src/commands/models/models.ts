import { openCacheFolder, PATIENCE } from "../../catalog/cache.ts";
import type { LoadedCatalog } from "../../catalog/load-catalog.ts";
import { textArg, type Verb, type VerbArgs } from "../../cli/command.ts";
import { outputWidth, tableText } from "../../cli/table.ts";
import { out, outJson, say, talk } from "../../cli/talk.ts";
import { resolvePaths } from "../../config/paths.ts";
import { counted } from "../../core/counted.ts";
import { EXIT } from "../../core/problem.ts";
import { findProvider } from "../keys/own-key.ts";
import { readWorld } from "../world.ts";
import { listJson } from "./models-list.ts";
import { openCatalog, writeCache } from "./open-catalog.ts";

/** `orouter models`: what there is to choose from, and what is known of it. */
export const modelsVerb: Verb = {
  name: "models",
  about: "List models with their limits, and keep the lists fresh",
  examples: [
    { line: "orouter models", does: "the models of every provider with a key, and your chains" },
    { line: "orouter models list nvidia", does: "one provider's" },
    { line: "orouter models refresh", does: "ask everyone again" },
  ],
  args: { json: { type: "boolean", description: "The list as JSON" } },
  run: async (args) => {
    const { printModels } = await import("./models-list.ts");
    await printModels(undefined, args["json"] === true);
    return EXIT.fine;
  },
  children: {
    list: {
      about: "List models: window, longest answer, tools, vision, cost, where that is known from",
      load: async () => (await import("./models-list.ts")).modelsListVerb,
    },
    refresh: {
      about: "Ask every provider and models.dev again, and keep what they say",
      load: async () => modelsRefreshVerb,
    },
    info: {
      about: "Everything that is known about a model or a chain",
      load: async () => (await import("./models-info.ts")).modelsInfoVerb,
    },
    "clear-cache": {
      about: "Forget all lists; they are asked for again when needed",
      load: async () => modelsClearCacheVerb,
    },
  },
};

/** `orouter models clear-cache`: forgets every list. */
export const modelsClearCacheVerb: Verb = {
  name: "clear-cache",
  about: "Forget all lists; they are asked for again when needed",
  examples: [{ line: "orouter models clear-cache", does: "start afresh" }],
  args: { json: { type: "boolean", description: 'Print {"removed":N}' } },
  run: clearCache,
  children: {},
};

async function clearCache(args: VerbArgs): Promise<number> {
  // The settings need not be read for this: it has to work also where they are broken.
  const removed = await openCacheFolder(resolvePaths(process.env).cacheDir, writeCache).clear();
  if (args["json"] === true) outJson({ removed });
  else say(removed === 0 ? "There was nothing in the cache." : `Removed ${counted(removed, "list")}.`);
  return EXIT.fine;
}

/** `orouter models refresh`: asks everyone again, whatever is in the cache. */
export const modelsRefreshVerb: Verb = {
  name: "refresh",
  about: "Ask every provider and models.dev again, and keep what they say; exit 1 if any did not answer",
  examples: [
    { line: "orouter models refresh", does: "every provider with a key" },
    { line: "orouter models refresh nvidia --json", does: "one of them, for scripts" },
  ],
  args: {
    provider: {
      type: "positional",
      required: false,
      description: "Only this provider",
      offers: { names: ["providers"] },
    },
    json: { type: "boolean", description: 'Print {"providers":[…],"modelsDev":{…}}' },
  },
  run: refresh,
  children: {},
};

async function refresh(args: VerbArgs): Promise<number> {
  const world = await readWorld();
  const id = textArg(args, "provider");
  const only = id === undefined ? undefined : findProvider(world.settings, id);
  const loaded = await openCatalog(world, PATIENCE.refresh, only);
  await loaded.settled;
  const { lists, modelsDevFailure } = loaded;
  if (args["json"] === true) {
    outJson({ providers: lists.map(listJson), modelsDev: { failure: modelsDevFailure ?? null } });
  } else if (lists.length > 0) out(resultText(loaded));
  else say("There is no key yet, so nobody can be asked. Add one: orouter keys add ollama-cloud");
  if (modelsDevFailure !== undefined) talk.warn(`models.dev could not be asked: ${modelsDevFailure}.`);
  const hasFailed = modelsDevFailure !== undefined || lists.some((list) => list.failure !== undefined);
  return hasFailed ? EXIT.failed : EXIT.fine;
}

function resultText({ lists }: LoadedCatalog): string {
  const columns = [{ title: "PROVIDER", shrinks: true }, { title: "MODELS" }, { title: "RESULT" }];
  // The reason may wrap: cut short it would tell nothing.
  const rows = lists.map(({ provider, list, failure }) => [
    provider,
    String(list?.models.length ?? 0),
    failure === undefined ? "fresh" : `${failure}${list === undefined ? "" : "; the old list stays"}`,
  ]);
  return tableText(columns, rows, outputWidth());
}
