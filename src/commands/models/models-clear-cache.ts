import { openCacheFolder } from "../../catalog/cache-folder.ts";
import { outJson, say } from "../../cli/io.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { resolvePaths } from "../../config/paths.ts";
import { counted } from "../../core/counted.ts";
import { EXIT } from "../../core/problem.ts";
import { writeCache } from "./open-catalog.ts";

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
