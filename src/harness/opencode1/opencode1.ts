import { CHAIN_PROVIDER } from "../../core/model-ref.ts";
import { OPENCODE_NAMES, type OpencodeNames } from "../../core/opencode-config/names.ts";
import { defaultModel } from "../../core/overlay/default-model.ts";
import { needsModels, opencodeId } from "../../core/overlay/opencode-providers.ts";
import type { Harness, PreparedRun, RunParts, StartPlan } from "../harness.ts";
import { hasChosenModel } from "../opencode/chosen-model.ts";
import { placeRunConfig } from "../opencode/run-config.ts";
import { USUAL_SIGNALS } from "../run/child.ts";
import { isPure, placePlugins } from "./place-plugins.ts";

/** opencode 1: one process, configured by its environment. */
export const opencode1: Harness = opencode1For(OPENCODE_NAMES);

/** opencode 1, or a fork with other file names. */
export function opencode1For(names: OpencodeNames): Harness {
  return {
    profile: "opencode1",
    // Before 1.0 the configuration was read differently.
    versions: { oldest: [1, 0, 0], tried: "1.18.33" },
    plan: async (words) => planOf(words),
    prepare: (run) => prepare(run, names),
    signals: USUAL_SIGNALS,
    printsLines,
    showsPlugin: (words, env) => !WITHOUT_INTERFACE.has(words[0] ?? "") && !isPure(words, env),
    waitsForList: needsModels,
    waitsForNpm: true,
  };
}

/** Commands that never call a model run without the proxy and without a key. */
const PLAIN = new Set([
  "auth",
  "providers",
  "upgrade",
  "uninstall",
  "completion",
  "db",
  "session",
  "export",
  "import",
  "stats",
  "plugin",
  "plug",
  "mcp",
]);

/** Commands that call models without an interface: they have no place for the plugin. */
const WITHOUT_INTERFACE = new Set(["run", "serve", "web", "acp", "models", "debug", "agent", "github", "pr"]);

const INFO_FLAGS = new Set(["--version", "-v", "--help", "-h"]);

function planOf(words: readonly string[]): StartPlan {
  const [first] = words;
  const isPlain =
    first !== undefined && (PLAIN.has(first) || INFO_FLAGS.has(first) || asksHelpOfCommand(words));
  return { kind: isPlain ? "plain" : "routed", args: words };
}

/** `opencode run --help`; after `--`, or in a prompt, it is text. */
function asksHelpOfCommand(words: readonly string[]): boolean {
  const last = words.at(-1);
  return words.length === 2 && !words[0]?.startsWith("-") && (last === "--help" || last === "-h");
}

/** Flags that make `run` draw on the whole terminal. */
const DRAWING = new Set(["-i", "--interactive", "--mini"]);

function printsLines(words: readonly string[]): boolean {
  return words[0] === "run" && !words.some((word) => DRAWING.has(word));
}

function prepare(run: RunParts, names: OpencodeNames): PreparedRun {
  const { runDir, url, tokenFile, env, words, known } = run;
  const { usable, settings } = known;
  const plugins = placePlugins({ runDir, url, tokenFile, env, args: words, settings: settings.opencode });
  const isChosen = hasChosenModel({ env, home: run.home, configs: run.configs() }, names);
  const model = run.model ?? (isChosen ? undefined : defaultModel(usable, settings));
  const config = placeRunConfig({ ...run, plugins: plugins.entries, model, listing: "what-it-lacks" });
  return {
    env: { ...plugins.env, ...config.env },
    providers: [CHAIN_PROVIDER, ...usable.map(({ id }) => opencodeId(id))],
    without: [],
    tellModels: config.tellModels,
  };
}
