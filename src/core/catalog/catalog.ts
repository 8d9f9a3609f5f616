import { CHAIN_PROVIDER, parseModelRef } from "../model-ref.ts";
import { chainNamed, expandModels } from "../settings/chains.ts";
import type { Provider } from "../settings/provider.ts";
import { providerOf, type Settings } from "../settings/settings.ts";
import { type Combo, comboMembers } from "./combos.ts";
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
  type Modality,
  type ModelEntry,
  type ModelSource,
  type ModelTraits,
  UNKNOWN_TRAITS,
} from "./model-list.ts";
import type { ModelsDevIndex } from "./models-dev.ts";

/**
 * What every one of some models can do. Limits are the smallest; an ability counts when all have it, and what is known
 * of none stays unknown: a limit made up would cut answers short. A price there is none, since any of them may answer.
 */
export function commonTraits(members: readonly ModelTraits[]): ModelTraits {
  if (members.length === 0) return UNKNOWN_TRAITS;
  return {
    context: smallest(members.map((member) => member.context)),
    output: smallest(members.map((member) => member.output)),
    // A limit on prompts that one member does not have would bind the others, too.
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
  // Of a member that says nothing only text can be expected.
  return known.length === lists.length ? shared : shared.filter((modality) => modality === "text");
}

/** What several models have in common, and the members of which nothing is known. */
export interface Common {
  traits: ModelTraits;
  leftOut: readonly string[];
}

/** The common traits of those members that something is known about; the others are told, not guessed. */
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

/** OmniRoute lists many models twice, under the short prefix of their account and under its long one. */
const LONG_FORMS: Readonly<Record<string, string>> = {
  claude: "cc",
  codex: "cx",
  "kimi-coding": "kmc",
  github: "gh",
  "gemini-cli": "gc",
};

/** A list without the long forms of what is there in the short one, and without repetitions. */
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

/** The traits of the first, and of the second where the first says nothing. */
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

/** What is known of the models of all providers. */
export interface Catalog {
  /** The models that a provider offers, or is thought to while it cannot be asked. */
  modelsOf: (provider: string) => readonly ModelEntry[];
  /** A model or a chain as users write it; also one that is in no list. Undefined where nothing is known of it. */
  find: (ref: string) => ModelEntry | undefined;
  /** Its window in tokens; that of a chain is the smallest known one of its models. */
  windowOf: (ref: string) => number | undefined;
  /** Whether models.dev has a model under this very provider. */
  isPublic: (provider: string, model: string) => boolean;
}

/** What a catalogue is made of. */
export interface CatalogParts {
  settings: Settings;
  /** What the providers said, now or when they were last asked. */
  lists: ReadonlyMap<string, ModelList>;
  modelsDev: ModelsDevIndex | undefined;
}

/** Joins the providers' lists, models.dev and the user's own words. What nobody asks for is not worked out. */
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

/** A model that its provider does not list: still served by some, and named in chains. */
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
