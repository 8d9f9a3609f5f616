import type { DailyBudget } from "./quota/budget.ts";

/** In order of priority if the same secret is found twice. */
export type KeySource = "keys.toml" | "environment" | "auth.json" | "opencode.db" | "embedded";

/** With the provider, for lists of several providers: `nvidia/work`. */
export function keyTitle({ provider, name }: Pick<Key, "provider" | "name">): string {
  return `${provider}/${name}`;
}

/** The secret leaves this object only in the Authorization header of its own provider. */
export interface Key {
  provider: string;
  name: string;
  /** The only form of a key that is ever shown or stored. */
  fingerprint: string;
  secret: string;
  enabled: boolean;
  source: KeySource;
  /** The variable's name, or the file. */
  from: string;
  /** A cap of the user's own for this key alone. */
  dailyBudget?: DailyBudget | undefined;
}

/** 48 bits tell a user's keys apart and reveal nothing. */
const DIGITS = 12;

export function fingerprint(secret: string): string {
  return new Bun.CryptoHasher("sha256").update(`orouter:${secret}`).digest("hex").slice(0, DIGITS);
}

/** Adds the first free number if the name is taken: `work`, `work-2`, `work-3`. */
export function freeName(wish: string, isTaken: (name: string) => boolean): string {
  let name = wish;
  for (let number = 2; isTaken(name); number++) name = `${wish}-${number}`;
  return name;
}

/** The header that carries a key: `bearer`, or the name of a header that holds the key alone. */
export function keyHeader(auth: string, secret: string): readonly [name: string, value: string] {
  return auth === BEARER ? ["authorization", `Bearer ${secret}`] : [auth.toLowerCase(), secret];
}

export const BEARER = "bearer";
