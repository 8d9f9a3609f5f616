import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OPENCODE_NAMES, type OpencodeNames } from "../../core/opencode-config/names.ts";

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
  const { recent } = parse(readText(join(stateHome, names.folder, "model.json")));
  if (!Array.isArray(recent)) return [];
  return recent.map((one: unknown) => {
    const { providerID, modelID } =
      typeof one === "object" && one !== null ? ({ ...one } as Record<string, unknown>) : {};
    return `${providerID}/${modelID}`;
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** opencode itself reports an invalid file. */
function parse(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  try {
    const value: unknown = Bun.JSONC.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
