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
