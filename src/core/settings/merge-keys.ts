import { freeName } from "../free-name.ts";
import type { Key } from "../key.ts";

/**
 * Joins keys from several places, the first place first. The same secret of the same provider counts once and stays
 * as its first place has it: a key disabled in keys.toml is not brought back by the environment. Names are made
 * unique per provider.
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
