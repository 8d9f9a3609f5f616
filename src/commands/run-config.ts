import type { Catalog } from "../core/catalog/catalog.ts";
import { withAskedModel } from "../core/overlay/asked-model.ts";
import { overlayProviders } from "../core/overlay/opencode-providers.ts";
import { buildOverlay, type JsonObject, layOver, withoutModels } from "../core/overlay/overlay.ts";
import { EXIT, Problem } from "../core/problem.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import { MAX_ENV_BYTES } from "../opencode/child-env.ts";
import { ownConfig } from "../opencode/own-config.ts";
import { RUN_FILES } from "../opencode/run-card.ts";
import type { RunDir } from "../opencode/run-dir.ts";

export interface RunConfigOptions {
  baseUrl: string;
  tokenFile: string;
  runId: string;
  runDir: RunDir;
  runRoot: string;
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Files of ours that opencode is to load. */
  plugins: readonly unknown[];
  /** The model to start with, where there is a reason to choose one. */
  model: string | undefined;
}

/** What the models that opencode is told of come from. */
export interface Known {
  settings: Settings;
  /** The providers with a key. */
  usable: readonly Provider[];
  catalog: Catalog | undefined;
}

/** opencode's configuration for one run. */
export interface RunConfig {
  env: Record<string, string>;
  /** Tells of the models as they are now; whether that is anything new to an opencode that looks again. */
  tell: (known: Known) => boolean;
}

/**
 * What stays as it is goes into a variable, which opencode reads last; the models go into a file, which it can read
 * again while it runs. A user with such a file of their own keeps it: then all goes into the variable, and stays so.
 */
export function placeRunConfig(options: RunConfigOptions, known: Known): RunConfig {
  const { runDir, env } = options;
  const overlay = overlayOf(options, known);
  if (ownConfig(env, options.runRoot) !== undefined)
    return { env: { OPENCODE_CONFIG_CONTENT: fitting(overContent(overlay, options)) }, tell: () => false };
  let told = modelsOf(overlay);
  return {
    env: {
      OPENCODE_CONFIG: runDir.write(RUN_FILES.config, told),
      OPENCODE_CONFIG_CONTENT: overContent(withoutModels(overlay), options),
    },
    tell: (now) => {
      const text = modelsOf(overlayOf(options, now));
      if (text === told) return false;
      runDir.replace(RUN_FILES.config, text);
      told = text;
      return true;
    },
  };
}

function overlayOf({ baseUrl, tokenFile, runId, args, model }: RunConfigOptions, known: Known): JsonObject {
  const providers = overlayProviders(known.usable, known.settings, known.catalog);
  return buildOverlay({
    baseUrl,
    tokenFile,
    runId,
    providers: withAskedModel(providers, args, known),
    ...(model === undefined ? {} : { model }),
  });
}

/** The whole entries, so that a provider that came while opencode ran is one that it can reach. */
function modelsOf({ model: _, ...overlay }: JsonObject): string {
  return JSON.stringify(overlay);
}

function overContent(overlay: JsonObject, { env, plugins }: RunConfigOptions): string {
  const ours = plugins.length === 0 ? overlay : { ...overlay, plugin: plugins };
  const theirs = parseTheirs(env["OPENCODE_CONFIG_CONTENT"]);
  return JSON.stringify(theirs === undefined ? ours : layOver(theirs, ours));
}

function fitting(content: string): string {
  if (Buffer.byteLength(content) <= MAX_ENV_BYTES) return content;
  throw new Problem({
    code: "overlay-too-large",
    what: "The list of models is too long to hand to opencode beside your own OPENCODE_CONFIG.",
    fix: "Name fewer models under [providers.*] models, or unset OPENCODE_CONFIG.",
    exit: EXIT.config,
  });
}

function parseTheirs(text: string | undefined): JsonObject | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  try {
    const value: unknown = Bun.JSONC.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Said below: opencode itself would print the whole value, keys in it included.
  }
  throw new Problem({
    code: "config-content",
    what: "OPENCODE_CONFIG_CONTENT is set, but it is no JSON object.",
    fix: "Correct it or unset it; orouter lays its own settings over yours.",
    exit: EXIT.config,
  });
}
