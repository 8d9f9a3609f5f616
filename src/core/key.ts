/** Where a key was found; the first place wins when the same secret turns up twice. */
export type KeySource = "keys.toml" | "environment" | "auth.json" | "opencode.db" | "embedded";

/** A key as people name it where several providers are spoken of: `nvidia/work`. */
export function keyTitle({ provider, name }: Pick<Key, "provider" | "name">): string {
  return `${provider}/${name}`;
}

/** A credential. The secret leaves this object only in the Authorization header of its own provider. */
export interface Key {
  provider: string;
  name: string;
  /** The only form of a key that is ever shown or stored. */
  fingerprint: string;
  secret: string;
  enabled: boolean;
  source: KeySource;
  /** Where exactly: the variable's name, or the file. */
  from: string;
}

/** Length of a fingerprint in hex digits: 48 bits tell a person's keys apart and give nothing away. */
const DIGITS = 12;

/** The form of a secret that may be shown and stored. */
export function fingerprint(secret: string): string {
  return new Bun.CryptoHasher("sha256").update(`orouter:${secret}`).digest("hex").slice(0, DIGITS);
}

/** A name as it was wished for, or the first with a number behind it that nobody has: `work`, `work-2`, `work-3`. */
export function freeName(wish: string, isTaken: (name: string) => boolean): string {
  let name = wish;
  for (let number = 2; isTaken(name); number++) name = `${wish}-${number}`;
  return name;
}
