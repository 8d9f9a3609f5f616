import { fingerprint } from "../../core/fingerprint.ts";
import type { Key } from "../../core/key.ts";

/** A key that is not in keys.toml yet. */
export interface FreshKey extends Key {
  /** What it was called where it comes from; undefined: it gets the next free name. */
  wishedName: string | undefined;
}

/** What is known of a key before it is kept. */
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
