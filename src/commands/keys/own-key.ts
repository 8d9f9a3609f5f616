import { type ArgsOf, looksLikeSecret, secretInWords } from "../../cli/command.ts";
import { fingerprint, type Key, type KeySource, keyTitle } from "../../core/key.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import type { KeyEntry } from "../../core/settings/keys.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { allProviders, type Settings } from "../../core/settings/settings.ts";
import { didYouMean, nearest } from "../../core/text.ts";
import { type CommandContext, readContext } from "../context.ts";

/** Five digits are enough to tell a user's keys apart. */
const FINGERPRINT = /^[0-9a-f]{5,12}$/;

/** Accepts `name`, `provider/name` or the beginning of a fingerprint. */
export function findKey(keys: readonly ListedKey[], asked: string, provider?: string): ListedKey {
  const among = provider === undefined ? keys : keys.filter((key) => key.provider === provider);
  const found = matchingKeys(among, asked);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first !== undefined) throw ambiguous(asked, found);
  if (looksLikeSecret(asked) && !FINGERPRINT.test(asked)) throw secretInWords();
  throw unknownKey(asked, among, provider);
}

/** `provider/name`, with the fingerprint if it is known. */
export function describeKey(key: Pick<ListedKey, "provider" | "name" | "fingerprint">): string {
  return key.fingerprint === undefined ? keyTitle(key) : `${keyTitle(key)} (${key.fingerprint})`;
}

/** A name wins over the beginning of a fingerprint. */
export function matchingKeys(keys: readonly ListedKey[], asked: string): ListedKey[] {
  const byTitle = keys.filter((key) => keyTitle(key) === asked);
  if (byTitle.length > 0) return byTitle;
  const byName = keys.filter((key) => key.name === asked);
  if (byName.length > 0) return byName;
  const digits = asked.toLowerCase();
  return FINGERPRINT.test(digits) ? keys.filter((key) => key.fingerprint?.startsWith(digits) === true) : [];
}

function ambiguous(asked: string, found: readonly ListedKey[]): Problem {
  return new Problem({
    code: "key-ambiguous",
    what: `${asked} matches ${found.length} keys: ${found.map(describeKey).join(", ")}.`,
    fix: "Use provider/name or its fingerprint.",
    exit: EXIT.usage,
  });
}

export function unknownKey(asked: string, keys: readonly ListedKey[], provider?: string): Problem {
  const near = nearest(
    asked,
    keys.flatMap((key) => [key.name, keyTitle(key)]),
  );
  return new Problem({
    code: "key-not-found",
    what: `Unknown key ${JSON.stringify(asked)}${provider === undefined ? "" : ` of ${provider}`}.${didYouMean(near)}`,
    fix: "List them: orouter keys list",
    exit: EXIT.usage,
  });
}

export interface ListedKey {
  provider: string;
  name: string;
  /** Undefined while the secret is missing: an unset variable, a locked keychain. */
  fingerprint: string | undefined;
  source: KeySource;
  /** The variable's name, `keychain`, or the file. */
  from: string;
  variable: string | undefined;
  enabled: boolean;
}

/** Keys of keys.toml come first and include those whose secret is missing. */
export function listKeys(context: Pick<CommandContext, "entries" | "keys" | "paths">): ListedKey[] {
  const own = context.entries.map((entry) => fromEntry(entry, context));
  const others = context.keys.filter((key) => key.source !== "keys.toml").map(fromKey);
  return [...own, ...others];
}

function fromEntry(entry: KeyEntry, { keys, paths }: Pick<CommandContext, "keys" | "paths">): ListedKey {
  const { provider, name, place, enabled } = entry;
  const loaded = keys.find(
    (key) => key.source === "keys.toml" && key.provider === provider && key.name === name,
  );
  const variable = place.kind === "env" ? place.variable : undefined;
  return {
    provider,
    name,
    // A key that is skipped for another reason still has its secret in the file.
    fingerprint: loaded?.fingerprint ?? (place.kind === "value" ? fingerprint(place.secret) : undefined),
    source: "keys.toml",
    from: variable ?? (place.kind === "keychain" ? "keychain" : paths.keysFile),
    variable,
    enabled,
  };
}

function fromKey({ provider, name, fingerprint: print, source, from, enabled }: Key): ListedKey {
  const variable = source === "environment" ? from : undefined;
  return { provider, name, fingerprint: print, source, from, variable, enabled };
}

export type KeyDeed = "remove" | "rename" | "enable" | "disable";

export const KEY_ARGS = {
  name: {
    type: "positional",
    description: "Name a key: NAME, PROVIDER/NAME or its fingerprint",
    offers: { names: ["keys"] },
  },
  provider: {
    type: "string",
    description: "Look only at this provider's keys",
    valueHint: "PROVIDER",
    offers: { names: ["providers"] },
  },
} as const;

/** Only keys in keys.toml can be edited; all others are read-only. */
export async function ownKey(
  args: ArgsOf<typeof KEY_ARGS>,
  deed: KeyDeed,
): Promise<{ context: CommandContext; key: ListedKey }> {
  const context = await readContext();
  const key = findKey(listKeys(context), args.name, args.provider);
  mustBeOwn(key, deed);
  return { context, key };
}

/** Throws a Problem that names the alternative. */
export function mustBeOwn(key: ListedKey, deed: KeyDeed): void {
  if (key.source !== "keys.toml") throw notOurs(key, deed);
}

function notOurs(key: ListedKey, deed: KeyDeed): Problem {
  return new Problem({
    code: "key-elsewhere",
    what: `${describeKey(key)} cannot be ${deed}d here: ${origin(key)}.`,
    fix: wayOut(key, deed),
    exit: EXIT.usage,
  });
}

function origin({ source, from }: ListedKey): string {
  if (source === "environment") return `it is in the environment variable ${from}`;
  return isOpencodes(source)
    ? `it is opencode's own, from ${from}`
    : "it is a placeholder for a provider that needs no key";
}

function isOpencodes(source: ListedKey["source"]): boolean {
  return source === "auth.json" || source === "opencode.db";
}

function wayOut(key: ListedKey, deed: KeyDeed): string {
  const { provider, source, from } = key;
  if (source === "environment") {
    const take = `orouter keys add ${provider} --env ${from} --name NAME`;
    if (deed === "remove")
      return `Unset it: unset ${from}. To keep the variable but not use it: ${take} && orouter keys disable ${provider}/NAME`;
    return `Import it into keys.toml first: ${take}; then: orouter keys ${deed} ${provider}/NAME${deed === "rename" ? " NEW" : ""}`;
  }
  if (isOpencodes(source))
    return "Remove it in opencode: opencode auth logout. Or add it to orouter to edit it here: orouter keys add";
  return `Add a key to replace it: orouter keys add ${provider}`;
}

export function findProvider(settings: Settings, id: string): Provider {
  const providers = allProviders(settings);
  const found = providers.find((provider) => provider.id === id);
  if (found !== undefined) return found;
  if (looksLikeSecret(id)) throw secretInWords();
  const near = nearProvider(id, providers);
  throw new Problem({
    code: "unknown-provider",
    what: `Unknown provider ${JSON.stringify(id)}.${didYouMean(near)}`,
    fix: [
      `Known providers: ${providers.map((provider) => provider.id).join(", ")}.`,
      "Add another service to config.toml first:",
      `  [providers.${/^[\w-]+$/.test(id) ? id : "NAME"}]`,
      '  base_url = "https://example.com/v1"',
    ].join("\n"),
    exit: EXIT.usage,
  });
}

/** Users write `ollama` for ollama-cloud and `nvidia-nim` for nvidia, which no typo distance finds. */
function nearProvider(id: string, providers: readonly Provider[]): string | undefined {
  const word = id.toLowerCase();
  const kin = providers.find(({ id: one }) => one.startsWith(`${word}-`) || word.startsWith(`${one}-`));
  return (
    kin?.id ??
    nearest(
      word,
      providers.map((provider) => provider.id),
    )
  );
}
