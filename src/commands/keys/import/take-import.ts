import { editConfig } from "../../../config/edit-config.ts";
import { addAllKeys } from "../../../config/edit-keys.ts";
import type { ImportSource } from "../../../config/imports/import-source.ts";
import { hasKeychain } from "../../../config/keychain.ts";
import { type PlannedKey, planImport, type StandingKey } from "../../../core/imports/plan-import.ts";
import { type SettingOffer, settingOffers, withImported } from "../../../core/imports/setting-offers.ts";
import { allProviders } from "../../../core/settings/settings.ts";
import { readAgain, type World } from "../../world.ts";
import { type ListedKey, listKeys } from "../listed-key.ts";

/** What is to be taken over. */
export interface ImportOrder {
  sources: readonly ImportSource[];
  settings: readonly SettingOffer[];
}

/** What an import has done. */
export interface ImportResult {
  added: readonly ListedKey[];
  known: readonly PlannedKey[];
  twice: readonly PlannedKey[];
  /** Sentences about what was not taken, with where it stands. */
  leftOut: readonly string[];
  settings: readonly SettingOffer[];
  /** Providers that were written into config.toml, since the keys need them. */
  providers: readonly string[];
}

/** The settings of some sources that differ from what is in force. */
export function offersOf(world: World, sources: readonly ImportSource[]): SettingOffer[] {
  return settingOffers(
    sources.map(({ found }) => found.settings),
    world.settings,
  );
}

/** How many keys of some sources keys.toml does not have yet. */
export function freshCount(world: World, sources: readonly ImportSource[]): number {
  const keys = sources.flatMap(({ found }) => found.keys);
  return planImport(keys, standingKeys(world)).fresh.length;
}

/** Writes config.toml first: a provider without a key harms nobody, a key without its provider is lost to sight. */
export async function takeImport(world: World, { sources, settings }: ImportOrder): Promise<ImportResult> {
  const { keys, leftOut } = await withoutKeychain(sources);
  const plan = planImport(keys, standingKeys(world));
  const providers = newProviders(world, sources).filter(({ id }) => keys.some((key) => key.provider === id));
  if (settings.length + providers.length > 0)
    await editConfig(world.paths, (file) => withImported(file, settings, providers));
  if (plan.fresh.length > 0) await addAllKeys(world, plan.fresh);
  // Read again: what is told is what the files say now.
  const after = await readAgain(world);
  const now = listKeys(after);
  const added = plan.fresh.flatMap(
    ({ provider, name }) => now.find((key) => key.provider === provider && key.name === name) ?? [],
  );
  const known = new Set(allProviders(after.settings).map(({ id }) => id));
  const homeless = [...new Set(added.map(({ provider }) => provider).filter((id) => !known.has(id)))];
  return {
    added,
    known: plan.known,
    twice: plan.twice,
    leftOut: [...leftOut, ...homeless.map(homelessText)],
    settings,
    providers: providers.map(({ id }) => id),
  };
}

/** Where the system has no keychain, keys that lay in one are not put into a file behind their owner's back. */
async function withoutKeychain(sources: readonly ImportSource[]) {
  const keys = sources.flatMap(({ found }) => found.keys);
  const leftOut = sources.flatMap(({ from, found }) => found.leftOut.map((text) => `${from}: ${text}`));
  if (!keys.some(({ place }) => place.kind === "keychain") || (await hasKeychain())) return { keys, leftOut };
  const away = keys.filter(({ place }) => place.kind === "keychain");
  return {
    keys: keys.filter(({ place }) => place.kind !== "keychain"),
    leftOut: [
      ...leftOut,
      ...away.map(
        ({ provider, name }) =>
          `${provider}/${name} is left out: it lay in a keychain, and there is none here. Add it with: orouter keys add ${provider}`,
      ),
    ],
  };
}

function standingKeys(world: World): StandingKey[] {
  const listed = listKeys(world);
  return world.entries.map((entry) => {
    const { provider, name } = entry;
    const key = listed.find((one) => one.provider === provider && one.name === name);
    return { ...entry, fingerprint: key?.fingerprint };
  });
}

function newProviders({ settings }: World, sources: readonly ImportSource[]) {
  const known = new Set(allProviders(settings).map(({ id }) => id));
  const wanted = sources.flatMap(({ found }) => found.settings.provider ?? []);
  return wanted.filter(({ id }) => !known.has(id));
}

function homelessText(provider: string): string {
  return `The keys of ${provider} wait for their provider: it needs [providers.${provider}] with a base_url in config.toml.`;
}
