import { getJson } from "../../catalog/cache.ts";
import { askChoice, askMany, askSecrets, askText, type Guide, type PromptOption } from "../../cli/ask.ts";
import type { ProviderAddition } from "../../config/config-edits.ts";
import { fingerprint, freeName, type Key } from "../../core/key.ts";
import { Problem } from "../../core/problem.ts";
import { cleanSecret } from "../../core/settings/keys.ts";
import { findPreset, normalizeBaseUrl } from "../../core/settings/presets.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { allProviders, parseSettings, type Settings } from "../../core/settings/settings.ts";
import type { CommandContext } from "../context.ts";
import { trialOptions } from "../keys/keys-test.ts";
import { type KeyOutcome, keyOutcome, testKey } from "../keys/test-key.ts";

/** Cancelling one question cancels setup before anything is written. */
export function answered<T>(answer: T | undefined): T {
  if (answer !== undefined) return answer;
  throw setupLeft();
}

export function setupLeft(): Problem {
  return new Problem({
    code: "setup-left",
    what: "Setup was cancelled; nothing was written.",
    fix: "Start again: orouter setup",
  });
}

export interface FreshKey extends Key {
  /** The key's name in the other tool; undefined if it gets the next free name. */
  wishedName: string | undefined;
}

interface KeyParts {
  provider: string;
  secret: string;
  wishedName?: string | undefined;
  enabled?: boolean;
}

export function freshKey({ provider, secret, wishedName, enabled = true }: KeyParts): FreshKey {
  const print = fingerprint(secret);
  return {
    provider,
    name: wishedName ?? print,
    fingerprint: print,
    secret,
    enabled,
    source: "keys.toml",
    from: "",
    wishedName,
  };
}

export interface TriedKey {
  key: FreshKey;
  outcome: KeyOutcome;
}

/** All at once, with one cheap request each. */
export async function tryKeys(
  provider: Provider,
  keys: readonly FreshKey[],
  settings: Settings,
): Promise<TriedKey[]> {
  const options = trialOptions(settings);
  return await Promise.all(
    keys.map(async (key) => ({ key, outcome: keyOutcome(await testKey(provider, key, options)) })),
  );
}

interface KeyCollection {
  guide: Guide;
  settings: Settings;
  known: readonly Key[];
  taken: readonly FreshKey[];
}

/** Returns the keys to keep; there may be none. */
export async function collectKeys(provider: Provider, collection: KeyCollection): Promise<FreshKey[]> {
  const { guide } = collection;
  const there = collection.known.filter((key) => key.provider === provider.id);
  const page = findPreset(provider.id)?.keysUrl;
  guide.tell(
    ...(page === undefined ? [] : [`Keys of ${provider.name} are made at ${page}`]),
    ...there.map(thereText),
  );
  const taken = collection.taken.filter((key) => key.provider === provider.id);
  const kept = await tryAll(provider, taken, collection);
  for (;;) {
    const held = [...there, ...kept];
    const pasted = answered(await askSecrets(question(provider, held.length), true));
    if (pasted.length === 0) return kept;
    const fresh = sortOut(pasted, provider, { ...collection, known: held });
    const added = await tryAll(provider, fresh, collection);
    kept.push(...added);
    // Nothing in this paste is usable, so ask again.
    if (added.length > 0) return kept;
  }
}

async function tryAll(
  provider: Provider,
  keys: readonly FreshKey[],
  { guide, settings }: KeyCollection,
): Promise<FreshKey[]> {
  if (keys.length === 0) return [];
  guide.tell(`Testing ${keys.length === 1 ? "the key" : `${keys.length} keys`} with one small call each …`);
  const tried = numbered(await tryKeys(provider, keys, settings));
  guide.tell(...tried.map(({ label, outcome }) => `${label}  ${outcome.words}`));
  return await dropRefused(tried);
}

interface NumberedKey extends TriedKey {
  label: string;
}

/** Users know a key by its position in the paste, not by its fingerprint. */
function numbered(tried: readonly TriedKey[]): NumberedKey[] {
  return tried.map((one, at) => {
    const { fingerprint: print } = one.key;
    return { ...one, label: tried.length === 1 ? print : `${at + 1}. ${print}` };
  });
}

function question({ name }: Provider, there: number): string {
  const none = there === 0 ? "leave it out" : "no more";
  return `Keys for ${name}, one or several (Enter alone: ${none})`;
}

function thereText({ name, fingerprint: print, source, from }: Key): string {
  if (source === "embedded") return "It is on this machine and may need no key.";
  const where =
    source === "keys.toml" ? "keys.toml" : source === "environment" ? `the variable ${from}` : from;
  return `Already there: ${name} (${print}), from ${where}.`;
}

/** Drops duplicates and text that cannot be a key. */
function sortOut(pasted: readonly string[], { id }: Provider, { guide, known }: KeyCollection): FreshKey[] {
  const fresh = new Map<string, FreshKey>();
  for (const [at, text] of pasted.entries()) {
    const secret = cleanSecret(text);
    if (secret === undefined) {
      guide.warn(`Key ${at + 1} of ${pasted.length} is left out: it has odd characters inside.`);
      continue;
    }
    const print = fingerprint(secret);
    const twin = known.find((key) => key.fingerprint === print && key.source !== "embedded");
    if (twin !== undefined) guide.warn(`${print} already exists as ${twin.name}.`);
    else if (fresh.has(print)) guide.warn(`${print} is a duplicate; it is added once.`);
    else fresh.set(print, freshKey({ provider: id, secret }));
  }
  return [...fresh.values()];
}

/** A rejected key may work tomorrow; the user decides. */
async function dropRefused(tried: readonly NumberedKey[]): Promise<FreshKey[]> {
  const refused = tried.filter(({ outcome }) => outcome.kind === "refused");
  if (refused.length === 0) return tried.map(({ key }) => key);
  const options = refused.map(({ key, label }) => ({ value: key.fingerprint, label }));
  const message = "Refused keys are left out. Select any you want to keep anyway";
  const kept = answered(await askMany(message, options));
  return tried
    .filter(({ key, outcome }) => outcome.kind !== "refused" || kept.includes(key.fingerprint))
    .map(({ key }) => key);
}

interface OwnService {
  id: string;
  table: ProviderAddition;
}

/** Long enough for a slow service, short enough for a prompt. */
const ASK_MS = 5_000;

export async function askService(guide: Guide, settings: Settings): Promise<OwnService> {
  const base = await askAddress(guide);
  const taken = allProviders(settings).map((provider) => provider.id);
  const id = answered(
    await askText("Short name of the service", {
      initial: freeName(nameFrom(base), (name) => taken.includes(name)),
      fault: (name) => nameFault(name, base, taken),
    }),
  );
  return { id, table: { base_url: base } };
}

async function askAddress(guide: Guide): Promise<string> {
  for (let initial = ""; ; ) {
    initial = answered(
      await askText("Base URL of the service", {
        initial,
        placeholder: "http://localhost:8000/v1",
        fault: addressFault,
      }),
    );
    const base = normalizeBaseUrl(initial) ?? initial;
    const doubt = await doubtAbout(base);
    if (doubt === undefined) return base;
    guide.warn(`Could not load the models of ${base}: ${doubt}.`);
    const choice = await askChoice("What now?", [
      { value: "again", label: "Type the address again" },
      { value: "keep", label: "Use it anyway" },
    ]);
    if (answered(choice) === "keep") return base;
  }
}

function addressFault(text: string): string | undefined {
  if (normalizeBaseUrl(text) !== undefined) return undefined;
  return "An http:// or https:// address, without user name, query or fragment.";
}

/** A server that demands a key is reachable; setup asks for the key next. */
async function doubtAbout(base: string): Promise<string | undefined> {
  const answer = await getJson({ url: `${base}/models`, signal: AbortSignal.timeout(ASK_MS) });
  if (answer.kind === "json" || answer.status === 401 || answer.status === 403) return undefined;
  return answer.message;
}

/** `api.example.com` becomes `example`, and a server on this machine `local`. */
function nameFrom(base: string): string {
  const host = URL.parse(base)?.hostname ?? "";
  if (host === "localhost" || !/[a-z]/i.test(host)) return "local";
  return host.split(".").at(-2) ?? host;
}

function nameFault(name: string, base: string, taken: readonly string[]): string | undefined {
  if (taken.includes(name)) return "A service with that name already exists.";
  const parsed = parseSettings({ providers: { [name]: { base_url: base } } });
  if ("settings" in parsed) return undefined;
  const [fault] = parsed.faults;
  return fault?.allowed === undefined ? "orouter uses that name itself." : `Only ${fault.allowed}.`;
}

/** Stands for a service that is not on the list; no provider can have this name. */
const OTHER = "+";

const FIRST = 3;

/** Returns the providers to add to config.toml, by id; they may include a custom one. */
export async function chooseProviders(
  guide: Guide,
  context: SetupContext,
): Promise<Record<string, ProviderAddition>> {
  const { settings, keys } = context;
  const isFirst = Object.keys(settings.providers).length === 0;
  const message = isFirst
    ? "Which services do you want to use?"
    : "Which services do you want to add, or give more keys?";
  const options = optionsOf(context);
  // Providers that are complete in config.toml are not ticked, but can be.
  const ticked = keys.map((key) => key.provider).filter((id) => !Object.hasOwn(settings.providers, id));
  for (;;) {
    const ids = answered(await askMany(message, options, [...new Set(ticked)]));
    const known = ids.filter((id) => id !== OTHER).map((id): [string, ProviderAddition] => [id, {}]);
    const own = ids.includes(OTHER) ? [await askService(guide, settings)] : [];
    if (ids.length > 0 || keys.length > 0)
      return Object.fromEntries([...known, ...own.map(({ id, table }) => [id, table])]);
    guide.warn("Nothing selected: Space selects a line, Enter continues.");
  }
}

/** Providers with a key come first, as the likeliest choice. */
function optionsOf({ settings, keys }: SetupContext): PromptOption[] {
  const real = keys.filter((key) => key.source !== "embedded");
  const countOf = ({ id }: Provider) => real.filter((key) => key.provider === id).length;
  const providers = allProviders(settings).toSorted(
    (a, b) => Number(countOf(b) > 0) - Number(countOf(a) > 0),
  );
  const options = providers.map((provider) => ({
    value: provider.id,
    label: provider.name,
    hint: hintOf(provider, countOf(provider)),
  }));
  const other = { value: OTHER, label: "Another service", hint: "any OpenAI-compatible API" };
  const place = Math.max(FIRST, providers.filter((provider) => countOf(provider) > 0).length);
  return options.toSpliced(place, 0, other);
}

function hintOf(provider: Provider, keys: number): string {
  if (keys > 0) return keys === 1 ? "has a key" : `has ${keys} keys`;
  return URL.parse(provider.baseUrl)?.host ?? provider.id;
}

export type SetupContext = Pick<CommandContext, "env" | "paths" | "settings" | "keys">;
