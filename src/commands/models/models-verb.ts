import type { Verb } from "../../cli/verb.ts";
import { EXIT } from "../../core/problem.ts";

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
      load: async () => (await import("./models-refresh.ts")).modelsRefreshVerb,
    },
    info: {
      about: "Everything that is known about a model or a chain",
      load: async () => (await import("./models-info.ts")).modelsInfoVerb,
    },
    "clear-cache": {
      about: "Forget all lists; they are asked for again when needed",
      load: async () => (await import("./models-clear-cache.ts")).modelsClearCacheVerb,
    },
  },
};
