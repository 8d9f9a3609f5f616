import type { JsonObject } from "../../core/json.ts";
import { withoutOverlay } from "../../core/overlay/overlay.ts";
import { type Env, withoutOurs } from "../run/child-env.ts";
import { isInRunFolder } from "../run/run-dir.ts";

const CONTENT = "OPENCODE_CONFIG_CONTENT";

/** Variables with which a run names files of its folder. */
const FILES = ["OPENCODE_CONFIG", "OPENCODE_TUI_CONFIG", "OPENCODE_PLUGIN_META_FILE", "OPENCODE_MODELS_PATH"];

/** The user's own OPENCODE_CONFIG, ignoring one of an outer run. */
export function ownConfig(env: Env, runRoot: string): string | undefined {
  const named = env["OPENCODE_CONFIG"];
  return named === undefined || named === "" || isInRunFolder(runRoot, named) ? undefined : named;
}

/**
 * The user's environment without variables of a run. A command without proxy may start opencode's background service,
 * which would keep the address of a proxy that is gone.
 */
export function cleanEnv(env: Env, runRoot: string): Record<string, string> {
  const { [CONTENT]: content, ...clean } = withoutOurs(env);
  for (const name of FILES) if (isInRunFolder(runRoot, clean[name] ?? "")) delete clean[name];
  const own = content === undefined ? undefined : ownContent(content);
  return own === undefined ? clean : { ...clean, [CONTENT]: own };
}

/** The user's own part of the content. */
function ownContent(text: string): string | undefined {
  let given: unknown;
  try {
    given = Bun.JSONC.parse(text);
  } catch {
    return text;
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) return text;
  const own = withoutOverlay(given as JsonObject);
  if (own === given) return text;
  return Object.keys(own).length === 0 ? undefined : JSON.stringify(own);
}
