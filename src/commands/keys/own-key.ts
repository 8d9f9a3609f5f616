import { textArg } from "../../cli/text-arg.ts";
import type { VerbArgs } from "../../cli/verb.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { readWorld, type World } from "../world.ts";
import { describeKey, findKey } from "./find-key.ts";
import { type ListedKey, listKeys } from "./listed-key.ts";

/** What is to be done to a key of keys.toml. */
export type KeyDeed = "remove" | "rename" | "enable" | "disable";

/** Arguments that name one key. */
export const KEY_ARGS = {
  name: {
    type: "positional",
    description: "Its name, provider/name, or the first digits of its fingerprint",
    offers: { names: ["keys"] },
  },
  provider: {
    type: "string",
    description: "Only look at this provider's keys",
    valueHint: "PROVIDER",
    offers: { names: ["providers"] },
  },
} as const;

/** The key that the arguments name. It lies in keys.toml: any other is only ours to read. */
export async function ownKey(args: VerbArgs, deed: KeyDeed): Promise<{ world: World; key: ListedKey }> {
  const world = await readWorld();
  const key = findKey(listKeys(world), textArg(args, "name") ?? "", textArg(args, "provider"));
  mustBeOwn(key, deed);
  return { world, key };
}

/** Refuses what can only be done to a key of keys.toml, and says what can be done instead. */
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
  if (source === "environment") return `it comes from the environment, from the variable ${from}`;
  return isOpencodes(source)
    ? `it is opencode's own, from ${from}`
    : "it only stands in where no key is needed";
}

function isOpencodes(source: ListedKey["source"]): boolean {
  return source === "auth.json" || source === "opencode.db";
}

function wayOut(key: ListedKey, deed: KeyDeed): string {
  const { provider, source, from } = key;
  if (source === "environment") {
    const take = `orouter keys add ${provider} --env ${from} --name NAME`;
    if (deed === "remove")
      return `Unset it: unset ${from}. To keep it there unused: ${take} && orouter keys disable ${provider}/NAME`;
    return `Take it into keys.toml first: ${take}; then: orouter keys ${deed} ${provider}/NAME${deed === "rename" ? " NEW" : ""}`;
  }
  if (isOpencodes(source))
    return "Remove it there: opencode auth logout. Or add the same key here, where it can be changed: orouter keys add";
  return `Add a key and it steps back: orouter keys add ${provider}`;
}
