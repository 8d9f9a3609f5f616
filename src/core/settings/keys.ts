import * as v from "valibot";
import { parseJson } from "../json.ts";
import { freeName, type Key } from "../key.ts";
import type { DailyBudget } from "../quota/budget.ts";
import { isTable, readSchema, type SettingFault } from "./checks.ts";
import { about, flag, maybeBudget, maybeVariable } from "./setting-kinds.ts";

/** Printable ASCII without blanks, since it goes into a header. */
const SENDABLE = /^[\x21-\x7e]+$/;

/** Removes blanks from copying; undefined if the text cannot go into a header. */
export function cleanSecret(text: string): string | undefined {
  const trimmed = text.trim();
  return SENDABLE.test(trimmed) ? trimmed : undefined;
}

/** Where the secret of a `[[keys]]` entry is stored. */
export type SecretPlace =
  | { kind: "value"; secret: string }
  | { kind: "env"; variable: string }
  | { kind: "keychain" };

export interface KeyEntry {
  provider: string;
  name: string;
  enabled: boolean;
  place: SecretPlace;
  /** A cap for this key alone. */
  dailyBudget?: DailyBudget | undefined;
}

/** A name is used in a header, a path and a table column. */
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
  keychain: flag(false, "The secret is in the system keychain."),
  enabled: flag(true, "Whether it is used."),
  daily_budget: maybeBudget("A cap of your own for this key and day; overrides that of its provider."),
});

const KEYS_FILE = v.object({
  keys: v.pipe(
    v.optional(v.array(entry), () => []),
    about("One table per key.", "tables headed [[keys]]"),
  ),
});

type WrittenEntry = v.InferOutput<typeof entry>;

export function isKeyName(name: string): boolean {
  return KEY_NAME.test(name);
}

/** Faults never repeat a value. */
export function parseKeyEntries(value: unknown): { entries: KeyEntry[] } | { faults: SettingFault[] } {
  const { output, faults } = readSchema(KEYS_FILE, value, "no-values");
  const all = [...faults, ...entryFaults(value)];
  if (output === undefined || all.length > 0) return { faults: all };
  const taken = new KeyNames(
    output.keys.flatMap(({ provider, name }) => (name === undefined ? [] : [{ provider, name }])),
  );
  return {
    entries: output.keys.map((written) => {
      const name = written.name ?? taken.free(written.provider);
      taken.add(written.provider, name);
      const { provider, enabled, daily_budget } = written;
      const cap = daily_budget === undefined ? {} : { dailyBudget: daily_budget };
      return { provider, name, enabled, place: placeOf(written), ...cap };
    }),
  };
}

/** The names of the keys of each provider. A search starts where the last one ended: imports have thousands of keys. */
export class KeyNames {
  readonly #names = new Map<string, { all: Set<string>; nextFree: number }>();

  constructor(taken: Iterable<{ provider: string; name: string }>) {
    for (const { provider, name } of taken) this.add(provider, name);
  }

  add(provider: string, name: string): void {
    this.#of(provider).all.add(name);
  }

  has(provider: string, name: string): boolean {
    return this.#names.get(provider)?.all.has(name) === true;
  }

  /** The first of `key-1`, `key-2`, … that no other key of the provider has. */
  free(provider: string): string {
    const names = this.#of(provider);
    while (names.all.has(`key-${names.nextFree}`)) names.nextFree++;
    return `key-${names.nextFree}`;
  }

  #of(provider: string) {
    const known = this.#names.get(provider);
    if (known !== undefined) return known;
    const names = { all: new Set<string>(), nextFree: 1 };
    this.#names.set(provider, names);
    return names;
  }
}

function placeOf({ value, env }: WrittenEntry): SecretPlace {
  if (value !== undefined) return { kind: "value", secret: value };
  return env === undefined ? { kind: "keychain" } : { kind: "env", variable: env };
}

/** Checks over several entries: one secret per entry, one entry per name. */
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
        allowed: "a unique name for each key of a provider",
      });
    }
    seen.add(id);
    return faults;
  });
}

export interface AuthEntry {
  provider: string;
  text: string;
}

/**
 * Reads the plain API keys of opencode's auth.json; OAuth sign-ins are left to opencode. Undefined if it is not such a
 * file.
 */
export function readAuthEntries(text: string): AuthEntry[] | undefined {
  const value = parseJson(text);
  if (!isTable(value)) return undefined;
  return Object.entries(value).flatMap(([provider, entry]) => {
    if (!isTable(entry) || entry["type"] !== "api" || typeof entry["key"] !== "string") return [];
    return [{ provider, text: entry["key"] }];
  });
}

/** A row of the table in which opencode 2 stores the keys of `/connect`. */
export interface CredentialRow {
  provider: unknown;
  value: unknown;
}

/** The plain API keys; OAuth sign-ins and organisation tokens are left to opencode. */
export function credentialEntries(rows: readonly CredentialRow[]): AuthEntry[] {
  return rows.flatMap(({ provider, value }) => {
    const entry = typeof value === "string" ? parseJson(value) : undefined;
    if (typeof provider !== "string" || !isTable(entry)) return [];
    if (entry["type"] !== "key" || typeof entry["key"] !== "string") return [];
    return [{ provider, text: entry["key"] }];
  });
}

export interface EnvKey {
  provider: string;
  variable: string;
  text: string;
}

/** The fields of a provider that tell where its keys are. */
interface KeyedProvider {
  id: string;
  env: readonly string[];
}

/** `NAME`, then `NAME_1`, `NAME_2`, … by number, for each provider's names. */
export function findEnvKeys(
  env: Readonly<Record<string, string | undefined>>,
  providers: readonly KeyedProvider[],
): EnvKey[] {
  const numbered = numberedVariables(env);
  return providers.flatMap((provider) =>
    provider.env.flatMap((base) =>
      [base, ...(numbered.get(base) ?? [])].flatMap((variable) => {
        const text = env[variable] ?? "";
        return text.trim() === "" ? [] : [{ provider: provider.id, variable, text }];
      }),
    ),
  );
}

/** Grouped by the part before the number, so that an environment is searched once, not per provider. */
function numberedVariables(env: Readonly<Record<string, string | undefined>>): Map<string, string[]> {
  const found = new Map<string, { variable: string; number: number }[]>();
  for (const variable of Object.keys(env)) {
    const match = /^(.+)_(\d{1,9})$/.exec(variable);
    if (match?.[1] === undefined) continue;
    const list = found.get(match[1]) ?? [];
    list.push({ variable, number: Number(match[2]) });
    found.set(match[1], list);
  }
  const sorted = [...found].map(([base, list]): [string, string[]] => {
    list.sort((a, b) => a.number - b.number || a.variable.localeCompare(b.variable));
    return [base, list.map(({ variable }) => variable)];
  });
  return new Map(sorted);
}

/**
 * Earlier places win: a key disabled in keys.toml stays disabled even if it is in the environment. A secret counts once
 * per provider, and names become unique per provider.
 */
export function mergeKeys(places: readonly (readonly Key[])[]): Key[] {
  const secrets = new Set<string>();
  const names = new Set<string>();
  return places.flat().flatMap((key) => {
    const id = `${key.provider}\n${key.secret}`;
    if (secrets.has(id)) return [];
    secrets.add(id);
    const name = freeName(key.name, (one) => names.has(`${key.provider}\n${one}`));
    names.add(`${key.provider}\n${name}`);
    return [name === key.name ? key : { ...key, name }];
  });
}
