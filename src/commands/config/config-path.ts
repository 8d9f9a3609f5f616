import { existsSync } from "node:fs";
import { out, outJson } from "../../cli/io.ts";
import { tableText } from "../../cli/table.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { type Paths, resolvePaths } from "../../config/paths.ts";
import { EXIT } from "../../core/problem.ts";

/** `orouter config path`. */
export const configPathVerb: Verb = {
  name: "path",
  about: "The files and folders that are used, and whether they exist",
  examples: [
    { line: "orouter config path", does: "each with its place" },
    { line: "orouter config path --json", does: "the same for scripts" },
  ],
  args: { json: { type: "boolean", description: 'Print {"paths":{"config":{"path","exists"},…}}' } },
  run: path,
  children: {},
};

/** A file or folder by the name scripts know it by. */
const PLACES = (paths: Paths) => ({
  config: { title: "config.toml", path: paths.configFile },
  keys: { title: "keys.toml", path: paths.keysFile },
  state: { title: "state", path: paths.stateDb },
  cache: { title: "cache", path: paths.cacheDir },
  runs: { title: "runs", path: paths.runRoot },
  auth: { title: "opencode's keys", path: paths.opencodeAuthFile },
  database: { title: "opencode 2's keys", path: paths.opencodeDatabase },
});

async function path(args: VerbArgs): Promise<number> {
  const places = Object.entries(PLACES(resolvePaths(process.env))).map(([id, place]) => {
    return { id, ...place, exists: existsSync(place.path) };
  });
  if (args["json"] === true) {
    outJson({
      paths: Object.fromEntries(places.map(({ id, path: at, exists }) => [id, { path: at, exists }])),
    });
    return EXIT.fine;
  }
  const columns = [{ title: "WHAT" }, { title: "EXISTS" }, { title: "PATH" }];
  const rows = places.map((place) => [place.title, place.exists ? "yes" : "no", place.path]);
  // A path that is cut short leads nowhere: the terminal may wrap it.
  out(tableText(columns, rows, Number.POSITIVE_INFINITY));
  return EXIT.fine;
}
