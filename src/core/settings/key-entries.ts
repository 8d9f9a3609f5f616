import * as v from "valibot";
import { cleanSecret } from "./secret.ts";
import { isTable, readSchema, type SettingFault } from "./setting-faults.ts";
import { about, flag, maybeVariable } from "./setting-kinds.ts";

/** Where the secret of a `[[keys]]` entry lies. */
export type SecretPlace =
  | { kind: "value"; secret: string }
  | { kind: "env"; variable: string }
  | { kind: "keychain" };

/** One `[[keys]]` table of keys.toml. */
export interface KeyEntry {
  provider: string;
  name: string;
  enabled: boolean;
  place: SecretPlace;
}

/** A name goes into a header, a path and a table's column. */
const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/;
const KEY_NAME_ALLOWED = "up to 64 letters, digits and . _ @ + -, beginning with a letter or digit";
const PROVIDER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

const text = (pattern: RegExp) => v.pipe(v.string(), v.regex(pattern));

const entry = v.object({
  provider: v.pipe(text(PROVIDER_ID), about("Whose key it is.", "a provider's id")),
  name: v.pipe(v.optional(text(KEY_NAME)), about("What people call it.", KEY_NAME_ALLOWED)),
  value: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.transform((secret) => cleanSecret(secret) ?? null),
        v.string(),
      ),
    ),
    about("The secret.", "printable characters without blanks inside"),
  ),
  env: maybeVariable("The variable that holds the secret."),
  keychain: flag(false, "The secret lies in the system's keychain."),
  enabled: flag(true, "Whether it is used."),
});

const KEYS_FILE = v.object({
  keys: v.pipe(
    v.optional(v.array(entry), () => []),
    about("One table per key.", "tables headed [[keys]]"),
  ),
});

type WrittenEntry = v.InferOutput<typeof entry>;

/** Whether a text may name a key. */
export function isKeyName(name: string): boolean {
  return KEY_NAME.test(name);
}

/** Reads the value of a parsed keys.toml. Faults never repeat a value. */
export function parseKeyEntries(value: unknown): { entries: KeyEntry[] } | { faults: SettingFault[] } {
  const { output, faults } = readSchema(KEYS_FILE, value, "no-values");
  const all = [...faults, ...entryFaults(value)];
  if (output === undefined || all.length > 0) return { faults: all };
  const taken = output.keys.flatMap(({ provider, name }) => (name === undefined ? [] : [{ provider, name }]));
  return {
    entries: output.keys.map((written) => {
      const name = written.name ?? freeKeyName(written.provider, taken);
      if (written.name === undefined) taken.push({ provider: written.provider, name });
      return { provider: written.provider, name, enabled: written.enabled, place: placeOf(written) };
    }),
  };
}

/** The first of `key-1`, `key-2`, … that no other key of the provider has. */
export function freeKeyName(provider: string, taken: readonly { provider: string; name: string }[]): string {
  const names = new Set(taken.filter((key) => key.provider === provider).map((key) => key.name));
  let number = 1;
  while (names.has(`key-${number}`)) number++;
  return `key-${number}`;
}

function placeOf({ value, env }: WrittenEntry): SecretPlace {
  if (value !== undefined) return { kind: "value", secret: value };
  return env === undefined ? { kind: "keychain" } : { kind: "env", variable: env };
}

/** What no single value shows: one secret per entry, one entry per name. */
function entryFaults(value: unknown): SettingFault[] {
  const keys = isTable(value) && Array.isArray(value["keys"]) ? value["keys"] : [];
  const seen = new Set<string>();
  return keys.flatMap((key: unknown, index): SettingFault[] => {
    if (!isTable(key)) return [];
    const faults: SettingFault[] = [];
    const places = [key["value"] !== undefined, key["env"] !== undefined, key["keychain"] === true];
    if (places.filter(Boolean).length !== 1) {
      const what = `keys[${index}] needs one place for its secret`;
      faults.push({
        path: ["keys", index],
        what,
        allowed: 'one of value = "…", env = "VARIABLE", keychain = true',
      });
    }
    const { provider, name } = key;
    if (typeof provider !== "string" || typeof name !== "string" || !isKeyName(name)) return faults;
    const id = `${provider}/${name}`;
    if (seen.has(id)) {
      const what = `keys[${index}].name is another key's of the same provider`;
      faults.push({
        path: ["keys", index, "name"],
        what,
        allowed: "a name of its own for each key of a provider",
      });
    }
    seen.add(id);
    return faults;
  });
}
