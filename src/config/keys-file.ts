import { chmod, stat } from "node:fs/promises";
import { EXIT, Problem } from "../core/problem.ts";
import { isTable } from "../core/settings/checks.ts";
import { cleanSecret, isKeyName, type KeyEntry, KeyNames, parseKeyEntries } from "../core/settings/keys.ts";
import { type Keychain, keychainName, systemKeychain } from "./keychain.ts";
import type { Paths } from "./paths.ts";
import { editToml, faultsProblem, readToml, type TomlValue } from "./toml-edit.ts";
import { errorCode } from "./write.ts";

export interface LoadedEntries {
  entries: KeyEntry[];
  notes: string[];
}

/** No file means no keys. The Problem about an invalid file never repeats a value. */
export async function loadKeyEntries(paths: Pick<Paths, "keysFile">): Promise<LoadedEntries> {
  const file = paths.keysFile;
  const toml = await readToml(file);
  if (toml === undefined) return { entries: [], notes: [] };
  const notes = await tighten(file);
  const parsed = parseKeyEntries(toml.value);
  if ("faults" in parsed) throw await faultsProblem(file, toml.text, parsed.faults);
  return { entries: parsed.entries, notes };
}

const OTHERS = 0o077;
const PRIVATE = 0o600;

/** Reports the change, which happens only once. */
async function tighten(file: string): Promise<string[]> {
  // Windows has no such bits; the profile folder keeps other users out.
  if (process.platform === "win32") return [];
  try {
    if (((await stat(file)).mode & OTHERS) === 0) return [];
    await chmod(file, PRIVATE);
    return [`${file} could be read by others; now only you can (mode 0600).`];
  } catch (error) {
    return [`${file} can be read by others and could not be changed (${errorCode(error) ?? "unknown"}).`];
  }
}

export interface KeyStore {
  paths: Pick<Paths, "keysFile">;
  keychain?: Keychain;
}

/** A secret for the file, a secret for the keychain, or a variable name. */
export interface NewKey {
  /** Defaults to the next free `key-1`, `key-2`, … */
  name?: string | undefined;
  place: { kind: "value" | "keychain"; secret: string } | { kind: "env"; variable: string };
  /** Default: true. */
  enabled?: boolean;
}

/** The names of new keys, and of those that existed already. */
export interface AddedKeys {
  added: string[];
  known: string[];
}

const OPENING = "# API keys of orouter: keep this file private. Edit it here or with: orouter keys\n";

/** Skips a secret that the provider already has. */
export async function addKeys(
  store: KeyStore,
  provider: string,
  keys: readonly NewKey[],
): Promise<AddedKeys> {
  return await addAllKeys(
    store,
    keys.map((key) => ({ ...key, provider })),
  );
}

/** All keys are written, or none. */
export async function addAllKeys(
  store: KeyStore,
  keys: readonly (NewKey & { provider: string })[],
): Promise<AddedKeys> {
  const clean = keys.map((key) => ({ ...cleanKey(key), provider: key.provider }));
  const result: AddedKeys = { added: [], known: [] };
  await editKeys(store, async (entries, tables) => {
    const names = new KeyNames(entries);
    const known = new Map(entries.map((entry) => [placeId(entry), entry.name]));
    for (const key of clean) {
      const { provider } = key;
      const twin = known.get(placeId(key));
      if (twin !== undefined) {
        result.known.push(twin);
        continue;
      }
      const name = key.name ?? names.free(provider);
      if (names.has(provider, name)) throw nameTaken(provider, name);
      if (key.place.kind === "keychain")
        await putInKeychain(chainOf(store), keychainName({ provider, name }), key.place.secret);
      const { enabled = true } = key;
      names.add(provider, name);
      known.set(placeId(key), name);
      tables.push({ provider, name, ...placeFields(key), enabled });
      result.added.push(name);
    }
  });
  return result;
}

/** Also removes it from the keychain. Returns false if the keychain could not be reached. */
export async function removeKey(store: KeyStore, provider: string, name: string): Promise<boolean> {
  const removed = await editKeys(store, (entries, tables) => {
    const { index, entry } = find(entries, provider, name);
    tables.splice(index, 1);
    return entry;
  });
  // Only after the file was written: a lost secret cannot be restored.
  return removed.place.kind !== "keychain" || (await forget(chainOf(store), removed));
}

/** The state of a key follows its secret, so it survives. */
export async function renameKey(
  store: KeyStore,
  provider: string,
  name: string,
  newName: string,
): Promise<void> {
  if (!isKeyName(newName)) throw badName();
  if (newName === name) return;
  const renamed = await editKeys(store, async (entries, tables) => {
    const { index, entry } = find(entries, provider, name);
    if (entries.some((other) => other.provider === provider && other.name === newName)) {
      throw nameTaken(provider, newName);
    }
    if (entry.place.kind === "keychain") await copyInKeychain(chainOf(store), entry, newName);
    tables[index] = { ...tables[index], name: newName };
    return entry;
  });
  // Nothing reads the old keychain entry any more.
  if (renamed.place.kind === "keychain") await forget(chainOf(store), renamed);
}

export async function setKeyEnabled(
  store: KeyStore,
  provider: string,
  name: string,
  enabled: boolean,
): Promise<void> {
  await editKeys(store, (entries, tables) => {
    const { index } = find(entries, provider, name);
    tables[index] = { ...tables[index], enabled };
  });
}

/** Changes the tables in place; `entries` are the same keys, parsed, in the same order. */
type KeysChange<T> = (entries: readonly KeyEntry[], tables: TomlValue[]) => T | Promise<T>;

async function editKeys<T>(store: KeyStore, change: KeysChange<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  const edit = async (value: TomlValue): Promise<TomlValue> => {
    const parsed = parseKeyEntries(value);
    const tables = Array.isArray(value["keys"]) ? value["keys"].filter(isTable) : [];
    resolve(await change("entries" in parsed ? parsed.entries : [], tables));
    const { keys: _old, ...rest } = value;
    return tables.length === 0 ? rest : { ...rest, keys: tables };
  };
  const check = (value: TomlValue) => {
    const parsed = parseKeyEntries(value);
    return "faults" in parsed ? parsed.faults : [];
  };
  await editToml(store.paths.keysFile, edit, { check, opening: OPENING });
  return await promise;
}

function cleanKey(key: NewKey): NewKey {
  if (key.name !== undefined && !isKeyName(key.name)) throw badName();
  if (key.place.kind === "env") return key;
  const secret = cleanSecret(key.place.secret);
  if (secret !== undefined) return { ...key, place: { ...key.place, secret } };
  throw new Problem({
    code: "bad-key",
    what: "This is no key: it is empty, or has blanks or odd characters inside.",
    fix: "Copy it again from the provider's page; one key, nothing around it.",
    exit: EXIT.usage,
  });
}

function placeFields({ place }: NewKey): TomlValue {
  if (place.kind === "env") return { env: place.variable };
  return place.kind === "keychain" ? { keychain: true } : { value: place.secret };
}

/** Equal for the same secret or variable of a provider. What is in the keychain is not read, so it equals nothing. */
function placeId({
  provider,
  place,
}: {
  provider: string;
  place: KeyEntry["place"] | NewKey["place"];
}): string {
  if (place.kind === "env") return `${provider} variable ${place.variable}`;
  return "secret" in place ? `${provider} secret ${place.secret}` : `${provider} ${crypto.randomUUID()}`;
}

function chainOf(store: KeyStore): Keychain {
  return store.keychain ?? systemKeychain;
}

async function putInKeychain(keychain: Keychain, name: string, secret: string): Promise<void> {
  try {
    await keychain.set(name, secret);
  } catch {
    // The text of a keychain error is arbitrary, so it is not shown.
    throw new Problem({
      code: "keychain",
      what: "The system's keychain did not take the key.",
      fix: "Unlock it and try again, or store the key in keys.toml: it is readable by you alone.",
    });
  }
}

async function copyInKeychain(keychain: Keychain, entry: KeyEntry, newName: string): Promise<void> {
  try {
    const secret = await keychain.get(keychainName(entry));
    if (secret !== undefined) await keychain.set(keychainName({ ...entry, name: newName }), secret);
  } catch {
    // The text of a keychain error is arbitrary, so it is not shown.
    throw new Problem({
      code: "keychain",
      what: `The secret of ${entry.name} is in the system keychain, which cannot be reached.`,
      fix: "Unlock it and try again. Nothing was renamed.",
    });
  }
}

async function forget(keychain: Keychain, entry: KeyEntry): Promise<boolean> {
  try {
    await keychain.remove(keychainName(entry));
    return true;
  } catch {
    return false;
  }
}

function find(
  entries: readonly KeyEntry[],
  provider: string,
  name: string,
): { index: number; entry: KeyEntry } {
  const index = entries.findIndex((entry) => entry.provider === provider && entry.name === name);
  const entry = entries[index];
  if (entry !== undefined) return { index, entry };
  const names = entries.filter((other) => other.provider === provider).map((other) => other.name);
  throw new Problem({
    code: "key-not-found",
    what: `keys.toml has no key ${name} of ${provider}.`,
    fix: names.length === 0 ? `It has none of ${provider} at all.` : `There are: ${names.join(", ")}.`,
    exit: EXIT.usage,
  });
}

function nameTaken(provider: string, name: string): Problem {
  return new Problem({
    code: "key-name-taken",
    what: `${provider} already has a key called ${name}.`,
    fix: "Choose another name.",
    exit: EXIT.usage,
  });
}

function badName(): Problem {
  return new Problem({
    code: "bad-key-name",
    what: "This cannot be the name of a key.",
    fix: "Take up to 64 letters, digits and . _ @ + -, beginning with a letter or digit.",
    exit: EXIT.usage,
  });
}
