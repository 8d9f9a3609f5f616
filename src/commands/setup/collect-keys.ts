import type { Guide } from "../../cli/guide.ts";
import { askMany, askSecrets } from "../../cli/prompts.ts";
import { fingerprint } from "../../core/fingerprint.ts";
import type { Key } from "../../core/key.ts";
import { findPreset } from "../../core/settings/presets.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { cleanSecret } from "../../core/settings/secret.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { answered } from "./answered.ts";
import { type FreshKey, freshKey } from "./fresh-key.ts";
import { type TriedKey, tryKeys } from "./try-keys.ts";

/** What keys are asked for on top of. */
interface KeyCollection {
  guide: Guide;
  settings: Settings;
  /** What is there already of any provider. */
  known: readonly Key[];
  /** What other tools had of any provider. */
  taken: readonly FreshKey[];
}

/** Tries the keys of a provider, asks for more, and returns those to keep; none is an answer, too. */
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
    // Nothing of what was pasted is of use: perhaps the next paste is, whatever else there is.
    if (added.length > 0) return kept;
  }
}

async function tryAll(
  provider: Provider,
  keys: readonly FreshKey[],
  { guide, settings }: KeyCollection,
): Promise<FreshKey[]> {
  if (keys.length === 0) return [];
  guide.tell(`Trying ${keys.length === 1 ? "the key" : `${keys.length} keys`} with one small call each …`);
  const tried = numbered(await tryKeys(provider, keys, settings));
  guide.tell(...tried.map(({ label, outcome }) => `${label}  ${outcome.words}`));
  return await dropRefused(tried);
}

interface NumberedKey extends TriedKey {
  label: string;
}

/** Nobody knows a key of one's own by its fingerprint, but by when it was pasted. */
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
  return `There already: ${name} (${print}), from ${where}.`;
}

/** What can be tried: each key once, and only what could be sent at all. */
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
    if (twin !== undefined) guide.warn(`${print} is there already, as ${twin.name}.`);
    else if (fresh.has(print)) guide.warn(`${print} came twice; it is taken once.`);
    else fresh.set(print, freshKey({ provider: id, secret }));
  }
  return [...fresh.values()];
}

/** A key that was refused may be good tomorrow: its owner knows. */
async function dropRefused(tried: readonly NumberedKey[]): Promise<FreshKey[]> {
  const refused = tried.filter(({ outcome }) => outcome.kind === "refused");
  if (refused.length === 0) return tried.map(({ key }) => key);
  const options = refused.map(({ key, label }) => ({ value: key.fingerprint, label }));
  const message = "Refused keys are left out. Tick any that is to be kept all the same";
  const kept = answered(await askMany(message, options));
  return tried
    .filter(({ key, outcome }) => outcome.kind !== "refused" || kept.includes(key.fingerprint))
    .map(({ key }) => key);
}
