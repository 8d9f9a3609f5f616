import { fingerprint, freeName } from "../key.ts";
import { isProviderId } from "../settings/checks.ts";
import { cleanSecret, isKeyName, type KeyEntry, KeyNames } from "../settings/keys.ts";
import { normalizeBaseUrl } from "../settings/presets.ts";
import type { Provider } from "../settings/provider.ts";
import { withValueAt } from "../settings/setting-names.ts";
import type { Settings } from "../settings/settings.ts";
import { writeDuration } from "../text.ts";
import type { ImportedKey, ImportedSettings } from "./export.ts";

export interface ImportPlan {
  fresh: readonly (ImportedKey & { name: string })[];
  /** Existing keys, with their name in keys.toml. */
  known: readonly PlannedKey[];
  /** Keys that occurred more than once; each is imported once. */
  twice: readonly PlannedKey[];
}

export interface PlannedKey {
  provider: string;
  name: string;
}

/** The fingerprint is undefined if the secret is not available. */
export type StandingKey = Pick<KeyEntry, "provider" | "name" | "place"> & { fingerprint: string | undefined };

/** A secret counts once per provider, and every key gets a unique name. */
export function planImport(keys: readonly ImportedKey[], standing: readonly StandingKey[]): ImportPlan {
  const known = new Map<string, PlannedKey>();
  for (const key of standing) for (const id of standingIds(key)) known.set(id, key);
  const taken = new KeyNames(standing);
  const fresh = new Map<string, ImportedKey & { name: string }>();
  const plan = { known: new Map<string, PlannedKey>(), twice: [] as PlannedKey[] };
  for (const key of keys) {
    const id = idOf(key);
    const twin = known.get(id);
    const first = fresh.get(id);
    if (twin !== undefined)
      plan.known.set(`${twin.provider}/${twin.name}`, { provider: twin.provider, name: twin.name });
    else if (first !== undefined) plan.twice.push({ provider: first.provider, name: first.name });
    else {
      const name = keptName(key, taken);
      taken.add(key.provider, name);
      fresh.set(id, { ...key, name });
    }
  }
  return { fresh: [...fresh.values()], known: [...plan.known.values()], twice: plan.twice };
}

function idOf({ provider, place }: ImportedKey): string {
  return place.kind === "env"
    ? `${provider} variable ${place.variable}`
    : `${provider} ${fingerprint(place.secret)}`;
}

/** A key in a variable is matched by the variable and by its secret. */
function standingIds({ provider, place, fingerprint: print }: StandingKey): string[] {
  return [
    ...(place.kind === "env" ? [`${provider} variable ${place.variable}`] : []),
    ...(print === undefined ? [] : [`${provider} ${print}`]),
  ];
}

/** The original name, made valid and unique. */
function keptName({ provider, name }: ImportedKey, taken: KeyNames): string {
  const wish = (name ?? "")
    .trim()
    .replaceAll(/[^A-Za-z0-9._@+-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, MAX_CHARS);
  if (!isKeyName(wish)) return taken.free(provider);
  return freeName(wish, (one) => taken.has(provider, one));
}

/** Leaves room for a number. */
const MAX_CHARS = 60;

/** A setting that came with keys and differs from the current one. */
export interface SettingOffer {
  path: readonly [table: string, name: string];
  value: string | number | readonly string[];
  /** The current value as it would be written; undefined if there is none. */
  now: string | number | undefined;
}

const CHAIN = "nim";

/** Settings of older tools that would change something here; the first value of each counts. */
export function settingOffers(found: readonly ImportedSettings[], settings: Settings): SettingOffer[] {
  const offers = new Map<string, SettingOffer>();
  for (const one of found.flatMap((imported) => wishesOf(imported, settings))) {
    const id = one.path.join(".");
    if (!offers.has(id)) offers.set(id, one);
  }
  // Filter last: if the first value is already set, a second tool's value must not take its place.
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

/** Adds the accepted settings, and the providers that the keys need. */
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

/** Undefined unless it is a whole number in the range. */
export function wholeNumber(value: unknown, min: number, max: number): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
    ? value
    : undefined;
}

/** The name and address of the provider in older tools for Ollama Cloud. */
export interface ImportHome {
  /** The tool's own name for the provider, if it has one. */
  id: string | undefined;
  /** The address in opencode's config. */
  baseUrl: string | undefined;
}

/** The provider of imported keys. With `baseUrl`: it has to be added to config.toml first. */
export interface ImportOwner {
  id: string;
  baseUrl?: string;
}

const OLLAMA = "ollama-cloud";

/** Keys of an older tool belong to Ollama Cloud, unless its provider has another address. */
export function importProvider({ id, baseUrl }: ImportHome, providers: readonly Provider[]): ImportOwner {
  const address = baseUrl === undefined ? undefined : normalizeBaseUrl(baseUrl);
  if (address === undefined) return { id: OLLAMA };
  const known = providers.find((provider) => provider.baseUrl === address);
  if (known !== undefined) return { id: known.id };
  if (["ollama.com", "www.ollama.com"].includes(URL.parse(address)?.hostname ?? "")) return { id: OLLAMA };
  const isTaken = providers.some((provider) => provider.id === id);
  const own = id === undefined || isTaken || !isProviderId(id) ? "imported" : id;
  return { id: own, baseUrl: address };
}

/** Placeholders from readme examples, and references that only opencode resolves. */
const EXAMPLE = /^your[-_ ]|^<.*>$|^(?:sk|nvapi)-?(?:\.{3}|…)$|^\.{3}$|^x{4,}$/i;
const REFERENCE = /^\{(?:env|file):/i;

/** A usable secret, or why the text is not one. */
export function importedSecret(value: unknown): { secret: string } | { why: string } {
  if (typeof value !== "string" || value.trim() === "") return { why: "it is empty" };
  const text = value.trim();
  if (EXAMPLE.test(text)) return { why: "it is the example of the readme, no key" };
  if (REFERENCE.test(text)) return { why: "it is a reference that only opencode resolves" };
  const secret = cleanSecret(text);
  return secret === undefined ? { why: "it has blanks or odd characters inside" } : { secret };
}
