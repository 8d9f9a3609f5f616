import { existsSync } from "node:fs";
import type { Verb, VerbArgs } from "../../cli/command.ts";
import { tableText } from "../../cli/table.ts";
import { out, outJson, talk } from "../../cli/talk.ts";
import { loadKeys } from "../../config/keys.ts";
import { loadKeyEntries } from "../../config/keys-file.ts";
import { loadConfig } from "../../config/load.ts";
import { type Paths, resolvePaths } from "../../config/paths.ts";
import { EXIT, Problem } from "../../core/problem.ts";

/** `orouter config`: where the settings are, what they say, and whether they are right. */
export const configVerb: Verb = {
  name: "config",
  about: "Show, change and check the configuration",
  examples: [
    { line: "orouter config path", does: "the files and folders that are used" },
    { line: "orouter config show", does: "the settings in force" },
    { line: "orouter config set routing.strategy round-robin", does: "change one of them" },
    { line: "orouter config check", does: "whether the files are right" },
  ],
  args: {},
  run: undefined,
  children: {
    path: {
      about: "The files and folders that are used, and whether they exist",
      load: async () => configPathVerb,
    },
    show: {
      about: "The settings in force, and which of them come from config.toml",
      load: async () => (await import("./config-settings.ts")).configShowVerb,
    },
    get: {
      about: "One setting as it holds now, and whether config.toml says so",
      load: async () => (await import("./config-settings.ts")).configGetVerb,
    },
    set: {
      about: "Change one setting in config.toml; comments and order stay",
      load: async () => (await import("./config-settings.ts")).configSetVerb,
    },
    check: {
      about: "Whether config.toml and keys.toml are right; exit 3 and the place if not",
      load: async () => configCheckVerb,
    },
    opencode: {
      about: "Write a provider into opencode's own config; everything else in it stays",
      load: async () => (await import("./config-opencode.ts")).configOpencodeVerb,
    },
  },
};

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

/** `orouter config check`: both files, so that one mistake does not hide the other. */
export const configCheckVerb: Verb = {
  name: "check",
  about: "Whether config.toml and keys.toml are right; exit 3 and the place if not",
  examples: [{ line: "orouter config check", does: "says what is wrong, where, and what is allowed" }],
  args: { json: { type: "boolean", description: 'Print {"ok":true,"warnings":[…]}' } },
  run: check,
  children: {},
};

async function check(args: VerbArgs): Promise<number> {
  const { env } = process;
  const paths = resolvePaths(env);
  const [config, entries] = await Promise.allSettled([loadConfig(paths), loadKeyEntries(paths)]);
  if (config.status === "rejected" && entries.status === "rejected")
    throw both(config.reason, entries.reason);
  if (config.status === "rejected") throw config.reason;
  if (entries.status === "rejected") throw entries.reason;
  const { settings, warnings } = config.value;
  // Reading the entries has tightened the file, if need be; the rest of what is odd shows when the keys are gathered.
  const { notes } = await loadKeys({ paths, settings, env });
  const all = [...warnings, ...entries.value.notes, ...notes];
  if (args["json"] === true) outJson({ ok: true, warnings: all });
  else tell(paths, all);
  return EXIT.fine;
}

function tell(paths: Paths, warnings: readonly string[]): void {
  for (const warning of warnings) talk.warn(warning);
  out(
    existsSync(paths.configFile)
      ? "config.toml is fine"
      : "There is no config.toml; the defaults are in force",
  );
  out(existsSync(paths.keysFile) ? "keys.toml is fine" : "There is no keys.toml");
}

function both(first: unknown, second: unknown): unknown {
  if (!(first instanceof Problem) || !(second instanceof Problem))
    return first instanceof Problem ? second : first;
  return new Problem({
    code: first.code,
    what: `${first.message}\n${second.message}`,
    ...(first.fix === undefined ? {} : { fix: first.fix }),
    exit: EXIT.config,
  });
}
