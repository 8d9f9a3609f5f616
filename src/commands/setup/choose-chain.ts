import { FETCH_POLICIES } from "../../catalog/cache.ts";
import { loadCatalog } from "../../catalog/load-catalog.ts";
import { askChoice, askText, type Guide, type PromptOption } from "../../cli/ask.ts";
import type { ConfigAddition } from "../../config/config-edits.ts";
import type { Paths } from "../../config/paths.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { freeName, type Key } from "../../core/key.ts";
import { parseModelRef } from "../../core/model-ref.ts";
import { defaultModel } from "../../core/overlay/default-model.ts";
import { opencodeId } from "../../core/overlay/opencode-providers.ts";
import { chainNameFault } from "../../core/settings/chains.ts";
import type { Provider } from "../../core/settings/provider.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { providersWithKey, writeCache } from "../catalog.ts";
import { isInstalled } from "../find-agent.ts";
import { choiceHint, listNotes } from "../models/models-list.ts";
import { answered, type SetupContext } from "./ask-keys.ts";

interface Choosable {
  catalog: Catalog;
  providers: readonly Provider[];
  settings: Pick<Settings, "providers">;
}

/** The model that surely works comes first, retired ones last. */
export function modelOptions({ catalog, providers, settings }: Choosable): PromptOption[] {
  const wish = wishedModel(providers, settings);
  const models = providers.flatMap(({ id }) =>
    catalog.modelsOf(id).map((entry) => ({ ref: `${id}/${entry.id}`, entry })),
  );
  const rank = ({ ref, entry }: (typeof models)[number]) => (ref === wish ? 0 : entry.isRetired ? 2 : 1);
  const options = models
    .toSorted((a, b) => rank(a) - rank(b))
    .map(({ ref, entry }) => ({ value: ref, label: ref, hint: choiceHint(entry) }));
  const isUnlisted = wish !== undefined && !options.some(({ value }) => value === wish);
  // A list that loaded without the model is right; a list that failed to load proves nothing.
  return isUnlisted && catalog.modelsOf(parseModelRef(wish)?.provider ?? "").length === 0
    ? [{ value: wish, label: wish, hint: "most accounts have it" }, ...options]
    : options;
}

/** The model that orouter would use by default, by its id in this catalog. */
function wishedModel(
  providers: readonly Provider[],
  settings: Pick<Settings, "providers">,
): string | undefined {
  const name = defaultModel(providers, { ...settings, chains: {} });
  const owner = providers.find(({ id }) => name?.startsWith(`${opencodeId(id)}/`));
  return owner === undefined ? undefined : `${owner.id}/${name?.slice(opencodeId(owner.id).length + 1)}`;
}

interface ChainParts {
  guide: Guide;
  settings: Settings;
  providers: readonly Provider[];
  models: LoadedModels;
}

type Chain = ConfigAddition["chain"];

/** No model can have this name: it has no provider. */
const TYPED = "type";
const NONE = "none";

const USUAL_NAME = "coding";

export async function chooseChain(parts: ChainParts): Promise<Chain> {
  const { guide, settings, models } = parts;
  if (models.notes.length > 0) guide.warn(...models.notes);
  const [first] = Object.keys(settings.chains);
  if (first !== undefined && !(await wantsAnother(first))) return undefined;
  const listed = modelOptions({ ...parts, catalog: models.catalog });
  const chosen = await chooseModels(parts, listed);
  if (chosen.length === 0) return undefined;
  const name = answered(
    await askText("Name of this chain (in opencode it is the model orouter/NAME)", {
      initial: freeName(USUAL_NAME, (name) => Object.hasOwn(settings.chains, name)),
      fault: (text) => chainNameFault(text, settings.chains),
    }),
  );
  return { name, models: chosen };
}

/**
 * What Claude Code's `haiku` means, for someone who has Claude Code: it is asked for small tasks, which the last model
 * of a chain is often cheap enough for. Its other names mean the first chain anyway.
 */
export async function askAgentModels(
  { settings, env }: Pick<SetupContext, "settings" | "env">,
  fresh: Chain,
): Promise<NonNullable<ConfigAddition["agents"]>> {
  const { haiku, model } = settings.agents.claude;
  const chains = fresh === undefined ? settings.chains : { ...settings.chains, [fresh.name]: fresh.models };
  const [first] = Object.entries(chains);
  if (first === undefined || haiku !== undefined || model !== undefined) return {};
  const [name, models] = first;
  if (models.length < 2 || !(await isInstalled("claude", { settings, env }))) return {};
  const usual = `orouter/${name}`;
  const choice = answered(
    await askChoice("Claude Code is installed. Which model does its `haiku` mean, for small tasks?", [
      { value: usual, label: `${usual}, like its other models` },
      ...models.map((one) => ({ value: one, label: one })),
    ]),
  );
  return choice === usual ? {} : { claude: { haiku: choice } };
}

async function wantsAnother(first: string): Promise<boolean> {
  const choice = await askChoice("Which model does opencode start with?", [
    { value: "keep", label: `orouter/${first}, as it is now` },
    { value: "more", label: "Keep it and create another chain" },
  ]);
  return answered(choice) === "more";
}

async function chooseModels(parts: ChainParts, listed: readonly PromptOption[]): Promise<string[]> {
  const chosen: string[] = [];
  for (;;) {
    const left = listed.filter(({ value }) => !chosen.includes(value));
    const isFirst = chosen.length === 0;
    const message = isFirst ? "Which model is tried first?" : `Which model is tried after ${chosen.at(-1)}?`;
    const choice = answered(await askChoice(message, isFirst ? firstOptions(left) : nextOptions(left)));
    if (choice === NONE) return chosen;
    const model = choice === TYPED ? await typeModel(parts, chosen) : choice;
    chosen.push(model);
  }
}

/** The default is one press of Enter away; the alternatives follow. */
function firstOptions(models: readonly PromptOption[]): PromptOption[] {
  const others = [
    { value: TYPED, label: "A model that is not on the list", hint: "type its name" },
    { value: NONE, label: "None for now", hint: "choose in opencode" },
  ];
  return [...models.slice(0, 1), ...others, ...models.slice(1)];
}

function nextOptions(models: readonly PromptOption[]): PromptOption[] {
  return [
    { value: NONE, label: "Done with this chain" },
    ...models,
    { value: TYPED, label: "A model that is not on the list", hint: "type its name" },
  ];
}

async function typeModel({ providers }: ChainParts, chosen: readonly string[]): Promise<string> {
  const ids = providers.map(({ id }) => id);
  return answered(
    await askText("Model, as provider/model", {
      initial: ids.length === 1 ? `${ids[0]}/` : "",
      placeholder: `${ids[0]}/…`,
      fault: (text) => {
        const ref = parseModelRef(text);
        if (ref === undefined || !ids.includes(ref.provider)) {
          return `A service you have a key for, a slash and the model: ${ids.map((id) => `${id}/…`).join(", ")}`;
        }
        return chosen.includes(text) ? "The chain already contains it." : undefined;
      },
    }),
  );
}

export interface ModelSources {
  settings: Settings;
  keys: readonly Key[];
  paths: Pick<Paths, "cacheDir">;
}

export interface LoadedModels {
  catalog: Catalog;
  notes: string[];
  /** The providers without a list of models. */
  unlisted: readonly string[];
  /** Writes the lists into the cache for the first start. Until then nothing is written. */
  keepLists: () => Promise<void>;
}

/** A list that takes longer than seconds is left out. */
export async function loadModels({ settings, keys, paths }: ModelSources): Promise<LoadedModels> {
  const held = new Map<string, string>();
  const loaded = await loadCatalog({
    settings,
    providers: providersWithKey({ settings, keys }),
    keys,
    cacheDir: paths.cacheDir,
    writeFile: async (file, text) => void held.set(file, text),
    policy: FETCH_POLICIES.list,
  });
  return {
    catalog: loaded.catalog,
    notes: listNotes(loaded, []),
    unlisted: loaded.lists.filter(({ list }) => list === undefined).map(({ provider }) => provider),
    keepLists: async () => {
      // A cache that cannot be written only costs time.
      for (const [file, text] of held) await writeCache(file, text).catch(() => undefined);
    },
  };
}
