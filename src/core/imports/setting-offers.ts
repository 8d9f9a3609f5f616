import { writeDuration } from "../duration.ts";
import { freeName } from "../free-name.ts";
import { withValueAt } from "../settings/setting-value.ts";
import type { Settings } from "../settings/settings.ts";
import type { ImportedSettings } from "./key-import.ts";

/** A setting that came with keys and differs from what is in force. */
export interface SettingOffer {
  /** Two steps: the table, and the name in it. */
  path: readonly [table: string, name: string];
  value: string | number | readonly string[];
  /** What is in force now, as it would be written; undefined: nothing is. */
  now: string | number | undefined;
}

/** A chain that comes without a name gets this one. */
const CHAIN = "nim";

/** What of the settings of older tools would change something here; each setting once, its first value counts. */
export function settingOffers(found: readonly ImportedSettings[], settings: Settings): SettingOffer[] {
  const offers = new Map<string, SettingOffer>();
  for (const one of found.flatMap((imported) => wishesOf(imported, settings))) {
    const id = one.path.join(".");
    if (!offers.has(id)) offers.set(id, one);
  }
  // Only now: where the first value is in force, a second tool's other one does not get its turn.
  return [...offers.values()].filter(({ value, now }) => value !== now);
}

function wishesOf(imported: ImportedSettings, settings: Settings): SettingOffer[] {
  const { strategy, triesPerKey, failWindowMs, rateLimitThreshold, chain } = imported;
  const { routing, chains } = settings;
  const wishes: SettingOffer[] = [];
  const wish = (name: string, value: string | number | undefined, now: string | number) => {
    if (value !== undefined) wishes.push({ path: ["routing", name], value, now });
  };
  wish("strategy", strategy, routing.strategy);
  wish("tries_per_key", triesPerKey, routing.triesPerKey);
  const windowText = failWindowMs === undefined ? undefined : writeDuration(failWindowMs);
  wish("fail_window", windowText, writeDuration(routing.failWindowMs));
  wish("rate_limit_threshold", rateLimitThreshold, routing.rateLimitThreshold);
  const isThere = Object.values(chains).some((models) => models.join("\n") === chain?.join("\n"));
  if (chain !== undefined && !isThere)
    wishes.push({
      path: ["chains", freeName(CHAIN, (name) => Object.hasOwn(chains, name))],
      value: chain,
      now: undefined,
    });
  return wishes;
}

/** The value of config.toml with the settings that were taken, and with the providers that its keys need. */
export function withImported(
  file: Record<string, unknown>,
  offers: readonly SettingOffer[],
  providers: readonly NonNullable<ImportedSettings["provider"]>[],
): Record<string, unknown> {
  let value = file;
  for (const { path, value: setting } of offers) value = withValueAt(value, path, setting);
  for (const { id, baseUrl } of providers)
    value = withValueAt(value, ["providers", id], { base_url: baseUrl });
  return value;
}
