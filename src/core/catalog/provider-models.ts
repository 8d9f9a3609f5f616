import type { Provider } from "../settings/provider.ts";
import type { Settings } from "../settings/settings.ts";
import { type Combo, comboMembers } from "./combos.ts";
import { type Common, commonOf } from "./common-of.ts";
import { defaultModels } from "./default-models.ts";
import { dropTwins } from "./drop-twins.ts";
import { fillTraits } from "./fill-traits.ts";
import { isChatModel } from "./is-chat-model.ts";
import { isResolved, type ModelEntry, type ModelSource, UNKNOWN_TRAITS } from "./model-entry.ts";
import type { ModelsDevIndex } from "./models-dev-index.ts";
import { addedModels, withOverrides } from "./overrides.ts";
import type { ListedModel } from "./read-model-list.ts";
import { retirementOf } from "./retired-models.ts";
import { wireModelId } from "./wire-model-id.ts";

/** What a provider said about its models. */
export interface ModelList {
  models: readonly ListedModel[];
  combos: readonly Combo[];
}

/** What the models of one provider are made of. */
export interface ListParts {
  settings: Pick<Settings, "models">;
  modelsDev: ModelsDevIndex | undefined;
  /** Undefined while the provider has never answered. */
  list: ModelList | undefined;
}

/** OmniRoute's model that picks any of the others. */
const AUTO = "auto";

/** The models of a provider: listed ones first, then those that the user adds. */
export function listProvider(provider: Provider, parts: ListParts): ModelEntry[] {
  const { models, source } = modelsFor(provider, parts);
  const named = models.map((model) => ({ ...model, id: wireModelId(model.id, provider.baseUrl) }));
  const chat = dropTwins(named).filter((model) => isChatModel(model.id));
  const combos = parts.list?.combos ?? [];
  const isCombo = (model: ListedModel) =>
    combos.some(({ name }) => name === model.id) || model.isCombo || model.id === AUTO;
  const plain = chat
    .filter((model) => !isCombo(model))
    .map((model) => describe(provider, model, { ...parts, source }));
  const byId = new Map(plain.map((entry) => [entry.id, entry]));
  const mixed = chat.filter(isCombo).map((model) => {
    const common = model.id === AUTO ? anyOf(plain) : membersOf(model, provider, { ...parts, combos, byId });
    return {
      ...plainEntry(model.id, source),
      ...fillTraits(model, common.traits),
      name: model.name ?? model.id,
      leftOut: common.leftOut,
    };
  });
  const entries = [...mixed, ...plain].filter((entry) => entry.outputs?.includes("text") !== false);
  const listed = new Set(entries.map((entry) => entry.id));
  const added = addedModels(provider.id, parts.settings.models)
    .filter((id) => !listed.has(id))
    .map((id) => describe(provider, unknownModel(id), { ...parts, source: "config" }));
  return [...entries, ...added].map((entry) =>
    withOverrides(`${provider.id}/${entry.id}`, entry, parts.settings.models),
  );
}

/** The entry of a model of which only the name is known. */
export function plainEntry(id: string, source: ModelSource): ModelEntry {
  return { ...UNKNOWN_TRAITS, id, name: id, source, isRetired: false, replacement: undefined, leftOut: [] };
}

/** What the provider said; else what the user wrote, what is built in, what models.dev has. */
function modelsFor(
  provider: Provider,
  parts: ListParts,
): { models: readonly ListedModel[]; source: ModelSource } {
  if (parts.list !== undefined) return { models: parts.list.models, source: "live" };
  if (provider.models.length > 0) return { models: provider.models.map(unknownModel), source: "config" };
  const builtIn = defaultModels(provider.id);
  if (builtIn.length > 0) return { models: builtIn, source: "default" };
  const known = parts.modelsDev?.modelsOf(provider.id) ?? [];
  return { models: known.map((model) => ({ ...model, isCombo: false })), source: "models.dev" };
}

function unknownModel(id: string): ListedModel {
  return { ...UNKNOWN_TRAITS, id, name: undefined, isCombo: false };
}

function describe(
  provider: Provider,
  model: ListedModel,
  { modelsDev, source }: ListParts & { source: ModelSource },
): ModelEntry {
  const known = modelsDev?.find(provider.id, model.id);
  // The live list wins over any table: what is in it is there.
  const retirement = source === "live" ? undefined : retirementOf(provider.id, model.id);
  // Many lists repeat the id where the name belongs, and some in models.dev, too.
  const name = [model.name, known?.name].find(
    (one) => one !== undefined && one !== model.id && !one.includes("/"),
  );
  return {
    ...plainEntry(model.id, source),
    ...fillTraits(model, known),
    name: name ?? model.id,
    isRetired: retirement !== undefined,
    replacement: retirement?.replacement,
  };
}

interface ComboParts extends ListParts {
  combos: readonly Combo[];
  byId: ReadonlyMap<string, ModelEntry>;
}

function membersOf(model: ListedModel, provider: Provider, { combos, byId, modelsDev }: ComboParts): Common {
  const members = comboMembers(model.id.replace(/^combo\//, ""), combos);
  return commonOf(members, (member) => {
    const listed = byId.get(member);
    return listed !== undefined && isResolved(listed) ? listed : modelsDev?.find(provider.id, member);
  });
}

/** Whichever it picks: no more can be counted on than all of them have. That some are unknown is no news here. */
function anyOf(models: readonly ModelEntry[]): Common {
  const { traits } = commonOf(
    models.map(({ id }) => id),
    (id) => models.find((model) => model.id === id),
  );
  return { traits, leftOut: [] };
}
