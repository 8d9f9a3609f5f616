import { existsSync, mkdirSync } from "node:fs";
import { type ArgDefs, type ArgsOf, defineCommand, usageFault } from "../../cli/command.ts";
import { tableText } from "../../cli/table.ts";
import { out, outJson, talk } from "../../cli/talk.ts";
import { loadKeys } from "../../config/keys.ts";
import { loadKeyEntries } from "../../config/keys-file.ts";
import { loadConfig } from "../../config/load.ts";
import { type Env, type Paths, resolvePaths } from "../../config/paths.ts";
import { EXIT, Problem } from "../../core/problem.ts";

export const configCommand = defineCommand({
  name: "config",
  about: "Show, change and check the configuration",
  examples: [
    { line: "orouter config path", does: "the files and folders that are used" },
    { line: "orouter config show", does: "the settings in effect" },
    { line: "orouter config set routing.strategy round-robin", does: "change one of them" },
    { line: "orouter config check", does: "whether the files are right" },
  ],
  args: {},
  run: undefined,
  children: {
    path: {
      about: "Show the files and folders in use",
      load: async () => configPathCommand,
    },
    show: {
      about: "List the settings in effect and those from config.toml",
      aliases: ["list", "ls"],
      load: async () => (await import("./config-settings.ts")).configShowCommand,
    },
    get: {
      about: "Show one setting and where its value comes from",
      load: async () => (await import("./config-settings.ts")).configGetCommand,
    },
    set: {
      about: "Change one setting in config.toml, keeping comments",
      load: async () => (await import("./config-settings.ts")).configSetCommand,
    },
    edit: {
      about: "Open config.toml in your editor and check it afterwards",
      load: async () => configEditCommand,
    },
    check: {
      about: "Check config.toml and keys.toml; exit 3 on an error",
      load: async () => configCheckCommand,
    },
    opencode: {
      about: "Write a provider into opencode's own config",
      load: async () => (await import("./config-opencode.ts")).configOpencodeCommand,
    },
  },
});

const CONFIG_PATH_ARGS = {
  json: { type: "boolean", description: 'Print {"paths":{"config":{"path","exists"},…}}' },
} satisfies ArgDefs;

export const configPathCommand = defineCommand({
  name: "path",
  about: "Show the files and folders in use",
  examples: [
    { line: "orouter config path", does: "each with its place" },
    { line: "orouter config path --json", does: "the same for scripts" },
  ],
  args: CONFIG_PATH_ARGS,
  run: path,
  children: {},
});

const PLACES = (paths: Paths) => ({
  config: { title: "config.toml", path: paths.configFile },
  keys: { title: "keys.toml", path: paths.keysFile },
  state: { title: "state", path: paths.stateDb },
  cache: { title: "cache", path: paths.cacheDir },
  runs: { title: "runs", path: paths.runRoot },
  auth: { title: "opencode's keys", path: paths.opencodeAuthFile },
  database: { title: "opencode 2's keys", path: paths.opencodeDatabase },
});

async function path(args: ArgsOf<typeof CONFIG_PATH_ARGS>): Promise<number> {
  const places = Object.entries(PLACES(resolvePaths(process.env))).map(([id, place]) => {
    return { id, ...place, exists: existsSync(place.path) };
  });
  if (args.json === true) {
    outJson({
      paths: Object.fromEntries(places.map(({ id, path: at, exists }) => [id, { path: at, exists }])),
    });
    return EXIT.fine;
  }
  const columns = [{ title: "WHAT" }, { title: "EXISTS" }, { title: "PATH" }];
  const rows = places.map((place) => [place.title, place.exists ? "yes" : "no", place.path]);
  // Do not shorten paths: the terminal may wrap them.
  out(tableText(columns, rows, Number.POSITIVE_INFINITY));
  return EXIT.fine;
}

export const configEditCommand = defineCommand({
  name: "edit",
  about: "Open config.toml in your editor and check it afterwards",
  examples: [{ line: "orouter config edit", does: "with $VISUAL or $EDITOR" }],
  args: {},
  run: edit,
  children: {},
});

async function edit(): Promise<number> {
  const { env } = process;
  const paths = resolvePaths(env);
  const editor = editorOf(env);
  mkdirSync(paths.configDir, { recursive: true, mode: 0o700 });
  const child = Bun.spawn(editorCall(editor, paths.configFile), {
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await child.exited) !== 0) {
    throw new Problem({
      code: "editor-failed",
      what: `The editor ${editor} ended with exit code ${child.exitCode}.`,
      fix: "Set EDITOR to an editor that works, or open the file yourself: orouter config path",
    });
  }
  await loadConfig(paths).catch((error: unknown) => {
    throw error instanceof Problem ? afterEdit(error) : error;
  });
  return await check({ _: [], json: undefined });
}

/** The edited file stays as the user saved it, so the way back into the editor matters most. */
function afterEdit(problem: Problem): Problem {
  return new Problem({
    code: problem.code,
    what: problem.message,
    fix: "Edit it again: orouter config edit\nRunning orouters keep the previous version until the file is valid.",
    exit: EXIT.config,
  });
}

function editorOf({ VISUAL, EDITOR }: Env): string {
  const chosen = [VISUAL, EDITOR].find((editor) => editor !== undefined && editor.trim() !== "");
  const usual = process.platform === "win32" ? ["notepad"] : ["nano", "vi"];
  const found = chosen ?? usual.find((name) => Bun.which(name) !== null);
  if (found !== undefined) return found;
  throw usageFault("No editor found.", "Name one: EDITOR=nano orouter config edit");
}

/** EDITOR may contain arguments (`code --wait`), so a shell splits it, as git does. */
function editorCall(editor: string, file: string): string[] {
  if (process.platform === "win32") return ["cmd", "/c", `${editor} "${file}"`];
  return ["sh", "-c", `${editor} "$1"`, "sh", file];
}

const CONFIG_CHECK_ARGS = {
  json: { type: "boolean", description: 'Print {"ok":true,"warnings":[…]}' },
} satisfies ArgDefs;

/** Checks both files, so that a mistake in one does not hide mistakes in the other. */
export const configCheckCommand = defineCommand({
  name: "check",
  about: "Check config.toml and keys.toml; exit 3 on an error",
  examples: [
    { line: "orouter config check", does: "report each error with its line and the allowed values" },
  ],
  args: CONFIG_CHECK_ARGS,
  run: check,
  children: {},
});

async function check(args: ArgsOf<typeof CONFIG_CHECK_ARGS>): Promise<number> {
  const { env } = process;
  const paths = resolvePaths(env);
  const [config, entries] = await Promise.allSettled([loadConfig(paths), loadKeyEntries(paths)]);
  if (config.status === "rejected" && entries.status === "rejected")
    throw both(config.reason, entries.reason);
  if (config.status === "rejected") throw config.reason;
  if (entries.status === "rejected") throw entries.reason;
  const { settings, warnings } = config.value;
  // Reading the entries also tightens the file's permissions; other oddities appear when the keys are loaded.
  const { notes } = await loadKeys({ paths, settings, env });
  const all = [...warnings, ...entries.value.notes, ...notes];
  if (args.json === true) outJson({ ok: true, warnings: all });
  else tell(paths, all);
  return EXIT.fine;
}

function tell(paths: Paths, warnings: readonly string[]): void {
  for (const warning of warnings) talk.warn(warning);
  out(existsSync(paths.configFile) ? "config.toml is fine" : "No config.toml; the defaults apply");
  out(existsSync(paths.keysFile) ? "keys.toml is fine" : "No keys.toml");
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
