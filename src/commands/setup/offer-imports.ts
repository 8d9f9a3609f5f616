import type { Guide } from "../../cli/guide.ts";
import { askMany } from "../../cli/prompts.ts";
import type { ProviderAddition } from "../../config/first-config.ts";
import { findImports } from "../../config/imports/find-imports.ts";
import type { ImportSource } from "../../config/imports/import-source.ts";
import { opencodePlace } from "../../config/opencode-place.ts";
import { settingOffers } from "../../core/imports/setting-offers.ts";
import { answered } from "./answered.ts";
import { type FreshKey, freshKey } from "./fresh-key.ts";
import type { SetupWorld } from "./setup-world.ts";

/** What is taken over from other tools. */
export interface TakenOver {
  keys: FreshKey[];
  /** Whose they are, and what has to be written of services that are not known here. */
  providers: Record<string, ProviderAddition>;
}

/** Offers the keys that other tools on this machine hold and that are not used yet. */
export async function offerImports(guide: Guide, world: SetupWorld): Promise<TakenOver> {
  const found = await findImports({ ...world, ...opencodePlace(world.env) });
  const offers = found
    .map((source) => ({ source, keys: newKeys(source, world) }))
    .filter(({ keys }) => keys.length > 0);
  if (offers.length === 0) return { keys: [], providers: {} };
  const options = offers.map(({ source, keys }, at) => ({
    value: String(at),
    label: `${source.tool}: ${keys.length === 1 ? "a key" : `${keys.length} keys`} of ${ownersOf(keys)}`,
    hint: source.from,
  }));
  const ticked = options.map(({ value }) => value);
  const chosen = answered(
    await askMany("Other tools hold keys. Whose are to be copied into orouter?", options, ticked),
  );
  const taken = offers.filter((_, at) => chosen.includes(String(at)));
  const settings = taken.map(({ source }) => source.found.settings);
  if (settingOffers(settings, world.settings).length > 0)
    guide.tell("Their settings can be taken over later: orouter keys import");
  const keys = taken.flatMap((one) => one.keys);
  const owners = keys.map((key): [string, ProviderAddition] => [key.provider, {}]);
  const own = settings.flatMap(({ provider }): [string, ProviderAddition][] =>
    provider === undefined ? [] : [[provider.id, { base_url: provider.baseUrl }]],
  );
  return { keys, providers: Object.fromEntries([...owners, ...own]) };
}

/** Those that would be news. What is in the environment is used from there. */
function newKeys({ found }: ImportSource, { keys }: SetupWorld): FreshKey[] {
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
