import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { OPENCODE_NAMES, type OpencodeNames } from "../../core/opencode-config/opencode-config.ts";

export interface ChosenThemePlaces {
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  cwd: string;
}

/** The user's opencode theme, and its mode if it is fixed. */
export interface ChosenTheme {
  theme: string;
  mode: "dark" | "light" | undefined;
}

/** opencode's default theme. */
const DEFAULT_THEME = "opencode";

/** Older versions have the theme in opencode.json, newer ones in tui.json. */
const NAMES = ["opencode.json", "opencode.jsonc", "tui.json", "tui.jsonc"];

/**
 * 2.x has the theme in cli.json, which it creates from the files of 1.x; those have it in a config, or as chosen in the
 * interface.
 */
export function chosenTheme(places: ChosenThemePlaces): ChosenTheme {
  const own = cliTheme(places);
  if (own !== undefined) return own;
  const stateHome = places.env["XDG_STATE_HOME"] ?? join(places.home, ".local", "state");
  const picked = readObject(join(stateHome, "opencode", "kv.json"));
  const named = configFiles(places)
    .map((file) => readObject(file)["theme"])
    .findLast(isName);
  const theme = named ?? picked["theme"];
  const mode = picked["theme_mode_lock"];
  return {
    theme: isName(theme) ? theme : DEFAULT_THEME,
    mode: isMode(mode) ? mode : undefined,
  };
}

/** Undefined if the config of opencode 2 has no theme. */
function cliTheme({ env, home }: ChosenThemePlaces): ChosenTheme | undefined {
  const folder =
    env["OPENCODE_CONFIG_DIR"] || join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "opencode");
  const texts = [readText(join(folder, "cli.json")), env["OPENCODE_CLI_CONFIG_CONTENT"] ?? ""];
  const themes = texts.map((text) => parseObject(text)["theme"]);
  const theme = Object.assign({}, ...themes.map((one) => (typeof one === "object" ? one : {})));
  const { name, mode } = theme as { name?: unknown; mode?: unknown };
  if (!isName(name) && !isMode(mode)) return undefined;
  return { theme: isName(name) ? name : DEFAULT_THEME, mode: isMode(mode) ? mode : undefined };
}

/** A later file wins. */
function configFiles({ env, home, cwd }: ChosenThemePlaces): string[] {
  const named = (variable: string): string[] => (env[variable] ? [env[variable]] : []);
  const global = join(env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "opencode");
  const folders = [...foldersDownTo(cwd), ...named("OPENCODE_CONFIG_DIR")];
  const inFolder = (folder: string): string[] => NAMES.map((name) => join(folder, name));
  return [...inFolder(global), ...named("OPENCODE_TUI_CONFIG"), ...folders.flatMap(inFolder)];
}

/** The project's folder and its parents, outermost first, each with its `.opencode`. */
function foldersDownTo(folder: string): string[] {
  const above = dirname(folder);
  const own = [folder, join(folder, ".opencode")];
  return above === folder ? own : [...foldersDownTo(above), ...own];
}

function isMode(value: unknown): value is "dark" | "light" {
  return value === "dark" || value === "light";
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function readObject(file: string): Record<string, unknown> {
  return parseObject(readText(file));
}

/** An unreadable file must not fail because of colours. */
function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = Bun.JSONC.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

type Env = Readonly<Record<string, string | undefined>>;

export interface ChosenModelPlaces {
  env: Env;
  home: string;
  /** Undefined for a config that opencode could not read either. */
  configs: readonly { value: Record<string, unknown> | undefined }[];
}

/**
 * Whether the user has chosen a model: in any of opencode's configs, or in its interface. Only otherwise may we choose,
 * or every start would undo their choice.
 */
export function hasChosenModel(places: ChosenModelPlaces, names?: OpencodeNames): boolean {
  return configuredModel(places.configs) !== undefined || recentModels(places, names).length > 0;
}

/** A later config wins. */
export function configuredModel(configs: ChosenModelPlaces["configs"]): string | undefined {
  return configs
    .map(({ value }) => value?.["model"])
    .findLast((model): model is string => typeof model === "string");
}

/** The latest first, as `provider/model`. */
export function recentModels(
  { env, home }: Pick<ChosenModelPlaces, "env" | "home">,
  names: OpencodeNames = OPENCODE_NAMES,
): string[] {
  const stateHome = env["XDG_STATE_HOME"] ?? join(home, ".local", "state");
  const { recent } = parseObject(readText(join(stateHome, names.folder, "model.json")));
  if (!Array.isArray(recent)) return [];
  return recent.map((one: unknown) => {
    const { providerID, modelID } =
      typeof one === "object" && one !== null ? ({ ...one } as Record<string, unknown>) : {};
    return `${providerID}/${modelID}`;
  });
}
