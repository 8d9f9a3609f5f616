import { CHAIN_PROVIDER, parseModelRef } from "../model-ref.ts";
import { chainNamed, expandModels } from "../settings/chains.ts";
import type { Provider } from "../settings/provider.ts";
import { providerOf, type Settings } from "../settings/settings.ts";
import {
  addedModels,
  defaultModels,
  isChatModel,
  isOverridden,
  retirementOf,
  wireModelId,
  withOverrides,
} from "./model-kinds.ts";
import {
  isResolved,
  type ListedModel,
  looseFields,
  type Modality,
  type ModelEntry,
  type ModelSource,
  type ModelTraits,
  UNKNOWN_TRAITS,
} from "./model-list.ts";
import type { ModelsDevIndex } from "./models-dev.ts";

export interface Combo {
  name: string;
  /** Models, or names of other combos. */
  members: readonly string[];
}

/** Accepts a bare list, or one under `combos`. Undefined for anything else. */
export function readCombos(value: unknown): Combo[] | undefined {
  const list = Array.isArray(value) ? value : inside(value);
  return list?.flatMap((entry) => {
    const name = looseFields(entry).text("name", "id");
    const models: unknown = typeof entry === "object" && entry !== null ? entry.models : undefined;
    if (name === undefined || !Array.isArray(models)) return [];
    const members = models.flatMap((one) => {
      return looseFields(typeof one === "string" ? { model: one } : one).text("model", "combo", "name") ?? [];
    });
    return [{ name, members }];
  });
}

function inside(value: unknown): { models?: unknown }[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { combos } = value as Record<string, unknown>;
  return Array.isArray(combos) ? combos : undefined;
}

/** Resolves nested combos; each model once, also if combos form a cycle. */
export function comboMembers(name: string, combos: readonly Combo[]): string[] {
  const members = new Set<string>();
  const opened = new Set<string>();
  const open = (one: string): void => {
    const bare = one.replace(/^combo\//, "");
    const combo = combos.find((each) => each.name === bare);
    if (combo === undefined) members.add(one);
    else if (!opened.has(bare)) {
      opened.add(bare);
      for (const member of combo.members) open(member);
    }
  };
  open(name);
  members.delete(name);
  return [...members];
}

/**
 * What every member can do. Limits are the smallest known ones and an ability counts if all have it; unknown values
 * stay unknown, since an invented limit would cut answers short. There is no price, because any member may answer.
 */
export function commonTraits(members: readonly ModelTraits[]): ModelTraits {
  if (members.length === 0) return UNKNOWN_TRAITS;
  return {
    context: smallest(members.map((member) => member.context)),
    output: smallest(members.map((member) => member.output)),
    // A prompt limit that one member lacks would bind the others too.
    input: members.every((member) => member.input !== undefined)
      ? smallest(members.map((member) => member.input))
      : undefined,
    toolCall: allOf(members.map((member) => member.toolCall)),
    reasoning: allOf(members.map((member) => member.reasoning)),
    inputs: sharedBy(members.map((member) => member.inputs)),
    outputs: sharedBy(members.map((member) => member.outputs)),
    cost: undefined,
  };
}

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function allOf(flags: readonly (boolean | undefined)[]): boolean | undefined {
  if (flags.every((flag) => flag === true)) return true;
  return flags.includes(false) ? false : undefined;
}

function sharedBy(lists: readonly (readonly Modality[] | undefined)[]): Modality[] | undefined {
  const known = lists.filter((list) => list !== undefined);
  const [first] = known;
  if (first === undefined) return undefined;
  const shared = first.filter((modality) => known.every((list) => list.includes(modality)));
  // A member without information can be expected to take text only.
  return known.length === lists.length ? shared : shared.filter((modality) => modality === "text");
}

export interface Common {
  traits: ModelTraits;
  leftOut: readonly string[];
}

/** The common traits of the members with known traits; the others are reported, not guessed. */
export function commonOf(
  members: readonly string[],
  find: (member: string) => ModelTraits | undefined,
): Common {
  const known: ModelTraits[] = [];
  const leftOut: string[] = [];
  for (const member of members) {
    const traits = find(member);
    if (traits !== undefined && isResolved(traits)) known.push(traits);
    else leftOut.push(member);
  }
  return { traits: commonTraits(known), leftOut };
}

/** OmniRoute lists many models twice, with the short and the long prefix of their account. */
const LONG_FORMS: Readonly<Record<string, string>> = {
  claude: "cc",
  codex: "cx",
  "kimi-coding": "kmc",
  github: "gh",
  "gemini-cli": "gc",
};

/** Drops the long form of models that are listed in the short one, and repetitions. */
export function dropTwins<T extends { id: string }>(models: readonly T[]): T[] {
  const ids = new Set(models.map((model) => model.id));
  const seen = new Set<string>();
  return models.filter(({ id }) => {
    const slash = id.indexOf("/");
    const short =
      slash > 0 && Object.hasOwn(LONG_FORMS, id.slice(0, slash)) ? LONG_FORMS[id.slice(0, slash)] : undefined;
    if (seen.has(id) || (short !== undefined && ids.has(short + id.slice(slash)))) return false;
    seen.add(id);
    return true;
  });
}

/** The first one wins field by field. */
export function fillTraits(first: ModelTraits, second: ModelTraits | undefined): ModelTraits {
  return {
    context: first.context ?? second?.context,
    output: first.output ?? second?.output,
    input: first.input ?? second?.input,
    toolCall: first.toolCall ?? second?.toolCall,
    reasoning: first.reasoning ?? second?.reasoning,
    inputs: first.inputs ?? second?.inputs,
    outputs: first.outputs ?? second?.outputs,
    cost: first.cost ?? second?.cost,
  };
}

export interface ModelList {
  models: readonly ListedModel[];
  combos: readonly Combo[];
}

export interface ListParts {
  settings: Pick<Settings, "models">;
  modelsDev: ModelsDevIndex | undefined;
  /** Undefined while the provider has never answered. */
  list: ModelList | undefined;
}

/** OmniRoute's model that picks any of the others. */
const AUTO = "auto";

/** Listed models first, then those that the user adds. */
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

export function plainEntry(id: string, source: ModelSource): ModelEntry {
  return { ...UNKNOWN_TRAITS, id, name: id, source, isRetired: false, replacement: undefined, leftOut: [] };
}

/** Sources in order: the provider, the user's config, the built-in table, models.dev. */
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
  // A model in the live list exists, whatever the table says.
  const retirement = source === "live" ? undefined : retirementOf(provider.id, model.id);
  // Many lists, including models.dev, repeat the id as the name.
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

/** `auto` may pick any model, so only what all of them can do counts. */
function anyOf(models: readonly ModelEntry[]): Common {
  const { traits } = commonOf(
    models.map(({ id }) => id),
    (id) => models.find((model) => model.id === id),
  );
  return { traits, leftOut: [] };
}

export interface Catalog {
  /** The models that a provider offers, or is assumed to offer while it cannot be asked. */
  modelsOf: (provider: string) => readonly ModelEntry[];
  /** Accepts a model or a chain as users write it, also an unlisted one. Undefined if nothing is known. */
  find: (ref: string) => ModelEntry | undefined;
  /** In tokens; for a chain, the smallest known window of its models. */
  windowOf: (ref: string) => number | undefined;
  /** Whether models.dev lists the model under this provider. */
  isPublic: (provider: string, model: string) => boolean;
}

export interface CatalogParts {
  settings: Settings;
  /** What the providers last answered. */
  lists: ReadonlyMap<string, ModelList>;
  modelsDev: ModelsDevIndex | undefined;
}

/** Merges the providers' lists, models.dev and the user's settings, lazily. */
export function createCatalog({ settings, lists, modelsDev }: CatalogParts): Catalog {
  const known = new Map<string, Map<string, ModelEntry>>();

  const modelsOf = (id: string): Map<string, ModelEntry> => {
    let models = known.get(id);
    if (models === undefined) {
      const provider = providerOf(settings, id);
      const entries =
        provider === undefined ? [] : listProvider(provider, { settings, modelsDev, list: lists.get(id) });
      models = new Map(entries.map((entry) => [entry.id, entry]));
      known.set(id, models);
    }
    return models;
  };

  const find = (ref: string): ModelEntry | undefined => {
    const chain = chainNamed(ref);
    if (chain !== undefined) return findChain(chain);
    const parsed = parseModelRef(ref);
    const provider = parsed === undefined ? undefined : providerOf(settings, parsed.provider);
    if (parsed === undefined || provider === undefined) return undefined;
    const model = wireModelId(parsed.model, provider.baseUrl);
    return modelsOf(provider.id).get(model) ?? unlisted(provider, model, { settings, modelsDev });
  };

  const findChain = (name: string): ModelEntry | undefined => {
    if (!Object.hasOwn(settings.chains, name)) return undefined;
    const { traits, leftOut } = commonOf(expandModels([name], settings.chains), find);
    const entry = { ...plainEntry(name, "config"), ...traits, name: `${name} (chain)`, leftOut };
    return withOverrides(`${CHAIN_PROVIDER}/${name}`, entry, settings.models);
  };

  return {
    modelsOf: (provider) => [...modelsOf(provider).values()],
    find,
    windowOf: (ref) => find(ref)?.context,
    isPublic: (provider, model) => modelsDev?.modelsOf(provider).some(({ id }) => id === model) === true,
  };
}

/** Some providers still serve models that they no longer list, and chains may name them. */
function unlisted(
  provider: Provider,
  model: string,
  { settings, modelsDev }: Pick<CatalogParts, "settings" | "modelsDev">,
): ModelEntry | undefined {
  const ref = `${provider.id}/${model}`;
  const found = modelsDev?.find(provider.id, model);
  const retirement = retirementOf(provider.id, model);
  if (found === undefined && retirement === undefined && !isOverridden(ref, settings.models))
    return undefined;
  const traits: ModelTraits = found ?? UNKNOWN_TRAITS;
  const entry = plainEntry(model, found === undefined ? "config" : "models.dev");
  return withOverrides(
    ref,
    {
      ...entry,
      ...traits,
      id: model,
      name: found?.name ?? model,
      isRetired: retirement !== undefined,
      replacement: retirement?.replacement,
    },
    settings.models,
  );
}
