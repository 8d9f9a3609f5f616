import { fingerprint } from "../fingerprint.ts";
import { freeName } from "../free-name.ts";
import { freeKeyName, isKeyName, type KeyEntry } from "../settings/key-entries.ts";
import type { ImportedKey } from "./key-import.ts";

/** What an import would do to keys.toml. */
export interface ImportPlan {
  fresh: readonly (ImportedKey & { name: string })[];
  /** Keys that are there already, by the name they have there. */
  known: readonly PlannedKey[];
  /** Keys that came more than once; each is taken once. */
  twice: readonly PlannedKey[];
}

export interface PlannedKey {
  provider: string;
  name: string;
}

/** A key of keys.toml, with its secret's fingerprint where the secret can be had. */
export type StandingKey = Pick<KeyEntry, "provider" | "name" | "place"> & { fingerprint: string | undefined };

/** Sorts out what is new. The same secret of a provider counts once, and no name is given twice. */
export function planImport(keys: readonly ImportedKey[], standing: readonly StandingKey[]): ImportPlan {
  const known = new Map<string, PlannedKey>();
  for (const key of standing) for (const id of standingIds(key)) known.set(id, key);
  const taken: PlannedKey[] = standing.map(({ provider, name }) => ({ provider, name }));
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
      taken.push({ provider: key.provider, name });
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

/** A key whose variable is set is known by both. */
function standingIds({ provider, place, fingerprint: print }: StandingKey): string[] {
  return [
    ...(place.kind === "env" ? [`${provider} variable ${place.variable}`] : []),
    ...(print === undefined ? [] : [`${provider} ${print}`]),
  ];
}

/** The name that the key had, made into one that can be kept, and that nobody else has. */
function keptName({ provider, name }: ImportedKey, taken: readonly PlannedKey[]): string {
  const wish = (name ?? "")
    .trim()
    .replaceAll(/[^A-Za-z0-9._@+-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, MAX_CHARS);
  if (!isKeyName(wish)) return freeKeyName(provider, taken);
  const names = new Set(taken.filter((key) => key.provider === provider).map((key) => key.name));
  return freeName(wish, (one) => names.has(one));
}

/** Room for a number behind it. */
const MAX_CHARS = 60;
