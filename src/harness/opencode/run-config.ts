import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../../core/json.ts";
import { askedModel, withAskedModels } from "../../core/overlay/default-model.ts";
import { type Listing, overlayProviders } from "../../core/overlay/opencode-providers.ts";
import {
  buildOverlay,
  layOver,
  type OverlayProvider,
  withoutModels,
  withoutOverlay,
} from "../../core/overlay/overlay.ts";
import { withRoomKept } from "../../core/overlay/told-limits.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import type { Known, PreparedRun, RunParts } from "../harness.ts";
import { type Env, MAX_ENV_BYTES, withoutOurs } from "../run/child.ts";
import { isInRunFolder, RUN_FILES } from "../run/run-dir.ts";

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

export interface RunConfigOptions extends Omit<RunParts, "file" | "token" | "args" | "home" | "configs"> {
  plugins: readonly unknown[];
  listing: Listing;
  /** True if it keeps so much of a window free that small windows have to be reported larger. */
  keepsRoom?: boolean;
  /** A header that also contains the token. */
  tokenHeader?: string;
  /** Models of configurations that their provider's own list may lack. */
  listedToo?: readonly string[];
  more?: JsonObject;
}

export type RunConfig = Pick<PreparedRun, "env" | "tellModels">;

/**
 * Fixed settings go into a variable, which opencode reads last; models go into a file, which opencode can reload. If
 * the user already has such a file, leave it alone and put everything into the variable.
 */
export function placeRunConfig(options: RunConfigOptions): RunConfig {
  const { runDir, env } = options;
  const overlay = overlayOf(options, options.known);
  if (ownConfig(env, options.runRoot) !== undefined)
    return { env: inOneVariable(options), tellModels: () => false };
  let told = modelsOf(overlay);
  return {
    env: {
      OPENCODE_CONFIG: runDir.write(RUN_FILES.config, told),
      OPENCODE_CONFIG_CONTENT: overContent(withoutModels(overlay), options),
    },
    tellModels: (now) => {
      const text = modelsOf(overlayOf(options, now));
      if (text === told) return false;
      runDir.replace(RUN_FILES.config, text);
      told = text;
      return true;
    },
  };
}

/** All models of a large provider do not fit, so list only those that opencode cannot know. */
function inOneVariable(options: RunConfigOptions): Record<string, string> {
  const listings: Listing[] = options.listing === "all" ? ["all", "what-is-named"] : [options.listing];
  for (const listing of listings) {
    const content = overContent(overlayOf({ ...options, listing }, options.known), options);
    if (Buffer.byteLength(content) <= MAX_ENV_BYTES) return { OPENCODE_CONFIG_CONTENT: content };
  }
  throw new Problem({
    code: "overlay-too-large",
    what: "The list of models is too long to hand to opencode beside your own OPENCODE_CONFIG.",
    fix: "Name fewer models under [providers.*] models, or unset OPENCODE_CONFIG.",
    exit: EXIT.config,
  });
}

function overlayOf(options: RunConfigOptions, known: Known): JsonObject {
  const { url, tokenFile, runId, words, model, listing, tokenHeader, listedToo = [], keepsRoom } = options;
  const providers = overlayProviders(known.usable, known.settings, known.catalog, listing);
  const asked = withAskedModels(providers, [askedModel(words) ?? ""], known);
  const all = withAskedModels(asked, listedToo, { ...known, isForced: true });
  return buildOverlay({
    baseUrl: url,
    tokenFile,
    runId,
    providers: keepsRoom === true ? all.map(roomy) : all,
    tokenHeader,
    ...(model === undefined ? {} : { model }),
  });
}

function roomy(provider: OverlayProvider): OverlayProvider {
  const { models } = provider;
  return models === undefined ? provider : { ...provider, models: models.map(withRoomKept) };
}

/** Complete entries, so that opencode can reach a provider that was added while it runs. */
function modelsOf({ model: _, ...overlay }: JsonObject): string {
  return JSON.stringify(overlay);
}

function overContent(overlay: JsonObject, { env, plugins, more }: RunConfigOptions): string {
  const ours = { ...overlay, ...(plugins.length === 0 ? {} : { plugin: plugins }), ...more };
  const theirs = parseTheirs(env["OPENCODE_CONFIG_CONTENT"]);
  return JSON.stringify(theirs === undefined ? ours : layOver(theirs, ours));
}

function parseTheirs(text: string | undefined): JsonObject | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  try {
    const value: unknown = Bun.JSONC.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Reported below: opencode itself would print the whole value with its keys.
  }
  throw new Problem({
    code: "config-content",
    what: "OPENCODE_CONFIG_CONTENT is set, but it is no JSON object.",
    fix: "Correct it or unset it; orouter lays its own settings over yours.",
    exit: EXIT.config,
  });
}

/** opencode does not report a rejected plugin, so a run without contact to its plugin leaves this mark for doctor. */
const NAME = "plugin-refused";

/** When the last run had no plugin; undefined if it had one. */
export function readPluginMark(cacheDir: string): number | undefined {
  try {
    const atMs = Number(readFileSync(join(cacheDir, NAME), "utf8"));
    return Number.isFinite(atMs) && atMs > 0 ? atMs : undefined;
  } catch {
    return undefined;
  }
}

/** Only a hint: failing to write it has no effect. */
export function writePluginMark(cacheDir: string, refusedAtMs: number | undefined): void {
  const file = join(cacheDir, NAME);
  try {
    if (refusedAtMs === undefined) rmSync(file, { force: true });
    else {
      mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
      writeFileSync(file, `${refusedAtMs}\n`, { mode: 0o600 });
    }
  } catch {
    // A full disk is reported elsewhere.
  }
}
