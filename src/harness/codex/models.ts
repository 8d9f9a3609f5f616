import { isObject, type JsonObject, parseJson } from "../../core/json.ts";
import { CHAIN_PROVIDER, formatModelRef } from "../../core/model-ref.ts";
import { defaultRef } from "../../core/overlay/default-model.ts";
import { ASSUMED } from "../../core/overlay/opencode-providers.ts";
import { windowOf } from "../../core/overlay/window.ts";
import { namedModels } from "../../core/routing/targets.ts";
import type { RunParts } from "../harness.ts";
import { withoutOurs } from "../run/child-env.ts";

/** The model to start with: as it was asked for, as config.toml says, or the usual one. */
export function startModel({ model, known }: Pick<RunParts, "model" | "known">): string | undefined {
  const { settings, usable, catalog } = known;
  const usual = defaultRef(usable, settings, catalog);
  return model ?? settings.agents.codex.model ?? (usual === undefined ? undefined : formatModelRef(usual));
}

/** It answers within a few hundredths of a second. */
const ANSWER_MS = 5_000;

/**
 * Codex's table of models with ours in it: without one it warns of every model that it does not know, and assumes a
 * window. Ours are described like one of its own, whose prompt and tools any model can use. Undefined for a version
 * that does not print its table; it works without, too.
 */
export function codexCatalog(
  run: Pick<RunParts, "file" | "env" | "known" | "words">,
  first: string,
): string | undefined {
  const shown = Bun.spawnSync([run.file, "debug", "models"], {
    env: withoutOurs(run.env),
    stdin: "ignore",
    stderr: "ignore",
    timeout: ANSWER_MS,
  });
  const table = shown.success ? parseJson(shown.stdout.toString()) : undefined;
  const entries = isObject(table) && Array.isArray(table["models"]) ? table["models"].filter(isObject) : [];
  // The newest describe tools that only OpenAI's own service understands.
  const template = entries.findLast(
    (one) => one["use_responses_lite"] !== true && one["visibility"] === "list",
  );
  if (template === undefined) return undefined;
  return JSON.stringify({
    models: listedModels(run, first).map((ref, at) => entryOf(template, ref, at, run)),
  });
}

/** Models with a place in Codex's list; more than these are found by their name. */
const MAX_LISTED = 100;

/** What was asked for comes first, then chains, then what the settings name and the providers list. */
function listedModels({ known, words }: Pick<RunParts, "known" | "words">, first: string): string[] {
  const { settings, usable, catalog } = known;
  const asked = words.flatMap((word, at) => (/^(?:-m|--model)$/.test(word) ? (words[at + 1] ?? []) : []));
  const chains = Object.keys(settings.chains).map((name) => `${CHAIN_PROVIDER}/${name}`);
  const listed = usable.flatMap(({ id, models }) => {
    const ids = [...models, ...(catalog?.modelsOf(id) ?? []).map((entry) => entry.id)];
    return ids.map((model) => `${id}/${model}`);
  });
  const all = [first, ...asked, ...chains, ...namedModels(settings).map(formatModelRef), ...listed];
  return [...new Set(all)].slice(0, MAX_LISTED);
}

function entryOf(
  template: JsonObject,
  ref: string,
  priority: number,
  { known: { settings, catalog } }: Pick<RunParts, "known">,
): JsonObject {
  const window = windowOf(ref, settings, catalog) ?? ASSUMED.context;
  const inputs = catalog?.find(ref)?.inputs ?? ["text"];
  return {
    ...template,
    slug: ref,
    display_name: ref,
    description: "through orouter",
    context_window: window,
    max_context_window: window,
    priority,
    supported_reasoning_levels: [],
    default_reasoning_level: null,
    apply_patch_tool_type: null,
    supports_search_tool: false,
    support_verbosity: false,
    default_verbosity: null,
    additional_speed_tiers: [],
    service_tiers: [],
    default_service_tier: null,
    availability_nux: null,
    upgrade: null,
    input_modalities: inputs.includes("image") ? ["text", "image"] : ["text"],
  };
}
