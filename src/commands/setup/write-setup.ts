import { existsSync } from "node:fs";
import { askMany, type Guide } from "../../cli/ask.ts";
import { addToConfig, type ConfigAddition, type ProviderAddition } from "../../config/config-edits.ts";
import { addAllKeys, loadKeyEntries } from "../../config/keys-file.ts";
import { findImports, type ImportSource } from "../../config/older-tools.ts";
import { opencodePlace, readOpencodeConfigs } from "../../config/opencode-configs.ts";
import type { Paths } from "../../config/paths.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import type { ImportedKey } from "../../core/imports/export.ts";
import { planImport, settingOffers } from "../../core/imports/plan-import.ts";
import type { Key } from "../../core/key.ts";
import { parseModelRef } from "../../core/model-ref.ts";
import { defaultModel } from "../../core/overlay/default-model.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { hasChosenModel } from "../../harness/opencode/chosen-model.ts";
import { providersWithKey } from "../catalog.ts";
import { readContextAgain } from "../context.ts";
import type { KeyPlace } from "../keys/keys-add.ts";
import { tokenText } from "../models/models-list.ts";
import { answered, type FreshKey, freshKey, type SetupContext } from "./ask-keys.ts";

/** Writes keys first: if the second file fails, choices are easier to repeat than keys. */
export async function writeSetup(guide: Guide, plan: SetupPlan, context: SetupContext): Promise<void> {
  const { paths } = context;
  const { addition, keys } = plan;
  const hasConfig = !isEmptyPlan({ addition, keys: [], place: "value" });
  if (keys.length > 0) {
    await addAllKeys({ paths }, await namedKeys(plan, paths));
    guide.succeed(
      `Written: ${paths.keysFile}${plan.place === "keychain" ? ", the secrets in the keychain" : ""}`,
    );
  }
  if (hasConfig && (await addToConfig(paths, addition))) guide.succeed(`Written: ${paths.configFile}`);
  guide.tell(await startText(context));
}

async function namedKeys({ keys, place: kind }: SetupPlan, paths: SetupContext["paths"]) {
  const { entries } = await loadKeyEntries(paths);
  const standing = entries.map((entry) => ({ ...entry, fingerprint: undefined }));
  const wished = keys.map(({ provider, wishedName: name, enabled, secret }): ImportedKey => {
    return { provider, name, enabled, place: { kind, secret } };
  });
  return planImport(wished, standing).fresh;
}

async function startText(context: SetupContext): Promise<string> {
  const after = await readContextAgain(context);
  const here = opencodePlace(after.env);
  if (hasChosenModel({ ...here, configs: readOpencodeConfigs(here) })) {
    return "opencode keeps the model you chose there; change it with /models.";
  }
  const model = defaultModel(providersWithKey(after), after.settings);
  return model === undefined ? "Choose a model in opencode: /models" : `opencode starts with ${model}.`;
}

export interface SetupPlan {
  addition: ConfigAddition;
  keys: readonly FreshKey[];
  /** Where the secrets go. */
  place: KeyPlace;
}

export interface SetupAnswers {
  before: Settings;
  chosen: Readonly<Record<string, ProviderAddition>>;
  known: readonly Key[];
  fresh: readonly FreshKey[];
  chain: ConfigAddition["chain"];
  agents: NonNullable<ConfigAddition["agents"]>;
  /** The providers without a list of models. */
  unlisted: readonly string[];
}

/** Leaves out what exists already, and services without a key. */
export function planSetup(answers: SetupAnswers): SetupPlan {
  const { before, chosen, known, fresh, chain, agents, unlisted } = answers;
  const withKey = new Set([...known, ...fresh].map((key) => key.provider));
  const added = Object.entries(chosen).filter(
    ([id]) => withKey.has(id) && !Object.hasOwn(before.providers, id),
  );
  const providers = added.map(([id, table]): [string, ProviderAddition] => {
    const models = modelsOf(id, chain?.models ?? []);
    // A custom service without a list gets the models that the user typed; presets have their own.
    const isBare = table.base_url !== undefined && unlisted.includes(id) && models.length > 0;
    return [id, isBare ? { ...table, models } : table];
  });
  return {
    addition: { providers: Object.fromEntries(providers), chain, agents },
    keys: fresh,
    place: "value",
  };
}

export function isEmptyPlan({ addition, keys }: SetupPlan): boolean {
  const { providers, chain, agents = {} } = addition;
  return (
    keys.length + Object.keys(providers).length + Object.keys(agents).length === 0 && chain === undefined
  );
}

function modelsOf(provider: string, models: readonly string[]): string[] {
  return models.flatMap((model) => {
    const ref = parseModelRef(model);
    return ref?.provider === provider ? [ref.model] : [];
  });
}

/** Grouped by file; keys appear as fingerprints. */
export function summaryLines(plan: SetupPlan, paths: Paths, catalog: Catalog): string[] {
  const services = Object.entries(plan.addition.providers).map(([id, { base_url: base }]) =>
    base === undefined ? `  service ${id}` : `  service ${id}, at ${base}`,
  );
  const agents = Object.entries(plan.addition.agents ?? {}).flatMap(([name, table]) =>
    Object.entries(table).map(([setting, model]) => `  ${name}: ${setting} is ${model}`),
  );
  const config = [...services, ...chainLines(plan, catalog), ...agents];
  const keys = [...Map.groupBy(plan.keys, (key) => key.provider)].map(
    ([provider, own]) => `  ${provider}: ${own.map((key) => key.fingerprint).join(", ")}`,
  );
  return [
    ...(config.length === 0 ? [] : [fileLine(paths.configFile), ...config]),
    ...(keys.length === 0 ? [] : [fileLine(paths.keysFile, ", readable by you alone"), ...keys]),
  ];
}

function chainLines({ addition: { chain } }: SetupPlan, catalog: Catalog): string[] {
  if (chain === undefined) return [];
  const windows = chain.models.flatMap((model) => catalog.windowOf(model) ?? []);
  const window = windows.length === 0 ? "" : `, ${tokenText(Math.min(...windows))} window`;
  return [`  chain ${chain.name}${window}`, ...chain.models.map((model, at) => `    ${at + 1}. ${model}`)];
}

function fileLine(file: string, remark = ""): string {
  return existsSync(file) ? `Into ${file}` : `New: ${file}${remark}`;
}

export interface TakenOver {
  keys: FreshKey[];
  /** The providers of the keys, and the tables to add for unknown ones. */
  providers: Record<string, ProviderAddition>;
}

/** Offers keys of other tools on this machine that are not used yet. */
export async function offerImports(guide: Guide, context: SetupContext): Promise<TakenOver> {
  const found = await findImports({ ...context, ...opencodePlace(context.env) });
  const offers = found
    .map((source) => ({ source, keys: newKeys(source, context) }))
    .filter(({ keys }) => keys.length > 0);
  if (offers.length === 0) return { keys: [], providers: {} };
  const options = offers.map(({ source, keys }, at) => ({
    value: String(at),
    label: `${source.tool}: ${keys.length === 1 ? "a key" : `${keys.length} keys`} of ${ownersOf(keys)}`,
    hint: source.from,
  }));
  const ticked = options.map(({ value }) => value);
  const chosen = answered(
    await askMany("Other tools have keys. Which do you want to copy?", options, ticked),
  );
  const taken = offers.filter((_, at) => chosen.includes(String(at)));
  const settings = taken.map(({ source }) => source.found.settings);
  if (settingOffers(settings, context.settings).length > 0)
    guide.tell("Import their settings later: orouter keys import");
  const keys = taken.flatMap((one) => one.keys);
  const owners = keys.map((key): [string, ProviderAddition] => [key.provider, {}]);
  const own = settings.flatMap(({ provider }): [string, ProviderAddition][] =>
    provider === undefined ? [] : [[provider.id, { base_url: provider.baseUrl }]],
  );
  return { keys, providers: Object.fromEntries([...owners, ...own]) };
}

/** Keys in the environment are used from there. */
function newKeys({ found }: ImportSource, { keys }: SetupContext): FreshKey[] {
  const known = new Set(keys.map((key) => `${key.provider} ${key.fingerprint}`));
  return found.keys.flatMap(({ provider, name, enabled, place }) => {
    if (place.kind === "env") return [];
    const key = freshKey({ provider, secret: place.secret, wishedName: name, enabled });
    return known.has(`${provider} ${key.fingerprint}`) ? [] : [key];
  });
}

function ownersOf(keys: readonly FreshKey[]): string {
  return [...new Set(keys.map((key) => key.provider))].join(", ");
}
