import type { Strategy } from "../routing/strategy.ts";

/** Where keys can be taken over from, by the word that people name it with. */
export const IMPORT_KINDS = ["ollama-router", "multi-auth", "nim-rotator", "env", "auth", "export"] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];

/** What a file or an environment has for us. Its secrets stay in memory. */
export interface KeyImport {
  keys: readonly ImportedKey[];
  /** Sentences about what was not taken; never with a secret. */
  leftOut: readonly string[];
  settings: ImportedSettings;
}

export interface ImportedKey {
  provider: string;
  /** Undefined, or no name that we could keep: it gets the next free one. */
  name: string | undefined;
  enabled: boolean;
  place: { kind: "value" | "keychain"; secret: string } | { kind: "env"; variable: string };
}

/** What stands beside the keys and has a place in config.toml. */
export interface ImportedSettings {
  strategy?: Strategy;
  triesPerKey?: number;
  failWindowMs?: number;
  rateLimitThreshold?: number;
  /** Models as `provider/model-id`, in the order they are tried. */
  chain?: readonly string[];
  /** A provider that is neither known by its name nor in config.toml. */
  provider?: { id: string; baseUrl: string };
}
