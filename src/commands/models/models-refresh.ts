import type { LoadedCatalog } from "../../catalog/load-catalog.ts";
import { PATIENCE } from "../../catalog/patience.ts";
import { out, outJson, say } from "../../cli/io.ts";
import { outputWidth, tableText } from "../../cli/table.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { EXIT } from "../../core/problem.ts";
import { findProvider } from "../keys/find-provider.ts";
import { readWorld } from "../world.ts";
import { listJson } from "./list-notes.ts";
import { openCatalog } from "./open-catalog.ts";

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
