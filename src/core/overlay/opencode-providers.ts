import type { Catalog } from "../catalog/catalog.ts";
import { isOverridden, withOverrides } from "../catalog/model-kinds.ts";
import { type ModelCost, type ModelEntry, UNKNOWN_TRAITS } from "../catalog/model-list.ts";
import { DEFAULT_DIALECT, dialectSpec } from "../dialect/registry.ts";
import type { JsonObject } from "../json.ts";
import { CHAIN_PROVIDER } from "../model-ref.ts";
import { findPreset } from "../settings/presets.ts";
import type { Provider } from "../settings/provider.ts";
import type { Settings } from "../settings/settings.ts";
import type { OverlayModel, OverlayProvider } from "./overlay.ts";
import { toldLimits } from "./told-limits.ts";
import { windowOf } from "./window.ts";

/** opencode retries a 404 of providers with such names, or sends them its own headers, so they get another name. */
const SPECIAL_TO_OPENCODE = /^(?:openai|opencode)/;

/** Presets that are not in opencode's own table of providers. */
const UNKNOWN_TO_OPENCODE = new Set(["omniroute"]);

/** Assumed where nobody says: too small a window compacts early, too large a one fails. */
export const ASSUMED = { context: 131_072, output: 32_768 };

export function opencodeId(provider: string): string {
  return SPECIAL_TO_OPENCODE.test(provider) ? `${CHAIN_PROVIDER}-${provider}` : provider;
}

/**
 * Which models opencode is told about: those its table lacks; all, with the SDK package; or, with the package, those
 * that the settings name or that no table has.
 */
export type Listing = "what-it-lacks" | "all" | "what-is-named";

/** Providers with a key, and our own chains. */
export function overlayProviders(
  usable: readonly Provider[],
  settings: Settings,
  catalog?: Catalog,
  listing: Listing = "what-it-lacks",
): OverlayProvider[] {
  const providers = usable.map((provider) => overlayProvider(provider, settings, catalog, listing));
  const chains = Object.keys(settings.chains);
  if (chains.length === 0) return providers;
  const models = chains.map((name) => {
    const entry = catalog?.find(`${CHAIN_PROVIDER}/${name}`);
    return overlayModel(`${CHAIN_PROVIDER}/${name}`, { id: name, name: `${name} (chain)`, entry }, settings);
  });
  return [
    ...providers,
    {
      id: CHAIN_PROVIDER,
      route: CHAIN_PROVIDER,
      name: "orouter",
      npm: dialectSpec(DEFAULT_DIALECT).sdk,
      models,
    },
  ];
}

function overlayProvider(
  provider: Provider,
  settings: Settings,
  catalog: Catalog | undefined,
  listing: Listing,
): OverlayProvider {
  const id = opencodeId(provider.id);
  const isKnown = listing === "what-it-lacks" && !needsModels(provider);
  const isBrief = listing !== "all" && !needsModels(provider);
  const ids = isBrief ? toldModels(provider, settings, catalog) : offeredModels(provider, catalog);
  const models = ids.map((model) => {
    const entry = catalog?.find(`${provider.id}/${model}`);
    return overlayModel(
      `${provider.id}/${model}`,
      { id: model, name: entry?.name ?? model, entry },
      settings,
    );
  });
  return {
    id,
    route: provider.id,
    ...(isKnown ? {} : { name: provider.name, npm: dialectSpec(provider.api).sdk }),
    ...(models.length === 0 ? {} : { models }),
  };
}

/** True if opencode does not know the provider by this id. */
export function needsModels({ id }: Pick<Provider, "id">): boolean {
  return findPreset(id) === undefined || UNKNOWN_TO_OPENCODE.has(id) || opencodeId(id) !== id;
}

/** Includes models of the user's config that the provider does not list. */
function offeredModels(provider: Provider, catalog: Catalog | undefined): string[] {
  const ids = catalog?.modelsOf(provider.id).map((entry) => entry.id) ?? [];
  return [...new Set([...ids, ...provider.models])];
}

/** Providers whose lists contain only usable models and change faster than opencode's table. */
const TRUSTED_LISTS = new Set(["ollama-cloud"]);

/** opencode's own data is better, so send only what it cannot know. */
function toldModels(provider: Provider, settings: Settings, catalog: Catalog | undefined): string[] {
  const isTrusted = TRUSTED_LISTS.has(provider.id);
  // The usual case: opencode needs nothing, so skip the work.
  if (!isTrusted && settings.models.length === 0 && provider.models.length === 0) return [];
  const isTold = (id: string) => isOverridden(`${provider.id}/${id}`, settings.models);
  const listed = (catalog?.modelsOf(provider.id) ?? [])
    .filter(
      (entry) => entry.source === "config" || isTold(entry.id) || (isTrusted && entry.source === "live"),
    )
    .map((entry) => entry.id);
  const all = [...new Set([...provider.models, ...listed])];
  return all.filter((id) => isTold(id) || catalog?.isPublic(provider.id, id) !== true);
}

interface Described {
  id: string;
  name: string;
  entry: ModelEntry | undefined;
}

export function overlayModel(ref: string, { id, name, entry }: Described, settings: Settings): OverlayModel {
  const traits = entry ?? withOverrides(ref, UNKNOWN_TRAITS, settings.models);
  const context = traits.context ?? windowOf(ref, settings) ?? ASSUMED.context;
  const details = entry === undefined ? {} : detailsOf(entry);
  return {
    id,
    name,
    ...toldLimits({ context, output: traits.output ?? ASSUMED.output, input: traits.input }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}

/** Leaves out unknown values, for which opencode has defaults. */
function detailsOf(entry: ModelEntry): JsonObject {
  const { toolCall, reasoning, inputs, outputs, cost } = entry;
  return {
    ...(toolCall === undefined ? {} : { tool_call: toolCall }),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(inputs === undefined
      ? {}
      : {
          attachment: inputs.some((one) => one !== "text"),
          modalities: { input: inputs, output: outputs ?? ["text"] },
        }),
    ...(cost === undefined ? {} : { cost: costFields(cost) }),
  };
}

function costFields({ input, output, cacheRead, cacheWrite }: ModelCost): JsonObject {
  return {
    input,
    output,
    ...(cacheRead === undefined ? {} : { cache_read: cacheRead }),
    ...(cacheWrite === undefined ? {} : { cache_write: cacheWrite }),
  };
}
