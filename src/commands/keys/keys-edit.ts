import { askSure } from "../../cli/ask.ts";
import {
  looksLikeSecret,
  secretInWords,
  textArg,
  usageFault,
  type Verb,
  type VerbArgs,
} from "../../cli/command.ts";
import { out, outJson, say, talk } from "../../cli/talk.ts";
import { removeKey, renameKey, setKeyEnabled } from "../../config/edit-keys.ts";
import { loadConfig } from "../../config/load.ts";
import { type Paths, resolvePaths } from "../../config/paths.ts";
import { setStrategy } from "../../config/set-strategy.ts";
import { keyTitle } from "../../core/key.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import { EXIT } from "../../core/problem.ts";
import { STRATEGIES, type Strategy } from "../../core/routing/session.ts";
import { readAgain, type World } from "../world.ts";
import { describeKey, KEY_ARGS, type ListedKey, listKeys, ownKey } from "./own-key.ts";

/** `orouter keys remove`: asks first, since a secret that is gone cannot be brought back. */
export const keysRemoveVerb: Verb = {
  name: "remove",
  about: "Remove a key from keys.toml",
  examples: [
    { line: "orouter keys remove work", does: "asks, then removes it" },
    { line: "orouter keys remove nvidia/key-1 --yes", does: "without asking" },
  ],
  args: { ...KEY_ARGS, yes: { type: "boolean", alias: "y", description: "Do not ask" } },
  run: remove,
  children: {},
};

async function remove(args: VerbArgs): Promise<number> {
  const { world, key } = await ownKey(args, "remove");
  return (await removeOwn(world, key, args["yes"] === true)) ? EXIT.fine : EXIT.failed;
}

/** Removes a key of keys.toml once somebody is sure. Whether it was removed. */
export async function removeOwn(world: World, key: ListedKey, isSaid: boolean): Promise<boolean> {
  const call = `orouter keys remove ${keyTitle(key)} --yes`;
  if (!isSaid && !(await askSure({ question: `Remove ${describeKey(key)}?`, call }))) {
    talk.info("Nothing was removed.");
    return false;
  }
  const isForgotten = await removeKey(world, key.provider, key.name);
  talk.success(`Removed ${describeKey(key)} from ${world.paths.keysFile}.`);
  if (!isForgotten)
    talk.warn(
      "The system's keychain cannot be reached: if the secret is in it, it stays there, under orouter.",
    );
  const twin = listKeys(await readAgain(world)).find(
    (other) => other.provider === key.provider && other.fingerprint === key.fingerprint,
  );
  if (key.fingerprint !== undefined && twin !== undefined) {
    talk.warn(`The same key is still there as ${keyTitle(twin)}, from ${twin.from}.`);
  }
  return true;
}

/** `orouter keys rename`: what is known about the key stays with it. */
export const keysRenameVerb: Verb = {
  name: "rename",
  about: "Give a key another name",
  examples: [{ line: "orouter keys rename key-1 work", does: "key-1 is called work from now on" }],
  args: {
    name: { ...KEY_ARGS.name, valueHint: "OLD" },
    to: { type: "positional", valueHint: "NEW", description: "Its new name" },
    provider: KEY_ARGS.provider,
  },
  run: rename,
  children: {},
};

async function rename(args: VerbArgs): Promise<number> {
  const newName = textArg(args, "to") ?? "";
  if (looksLikeSecret(newName)) throw secretInWords();
  const { world, key } = await ownKey(args, "rename");
  await renameOwn(world, key, newName);
  return EXIT.fine;
}

/** Renames a key of keys.toml, and tells so. */
export async function renameOwn(world: World, key: ListedKey, newName: string): Promise<void> {
  await renameKey(world, key.provider, key.name, newName);
  talk.success(`Renamed ${describeKey(key)} to ${key.provider}/${newName}.`);
}

/** `orouter keys enable`. */
export const keysEnableVerb: Verb = {
  name: "enable",
  about: "Use a key again",
  examples: [{ line: "orouter keys enable work", does: "requests may go to it again" }],
  args: KEY_ARGS,
  run: (args) => switchKey(args, true),
  children: {},
};

/** `orouter keys disable`. */
export const keysDisableVerb: Verb = {
  name: "disable",
  about: "Keep a key, but do not use it",
  examples: [{ line: "orouter keys disable work", does: "no request goes to it any more" }],
  args: KEY_ARGS,
  run: (args) => switchKey(args, false),
  children: {},
};

async function switchKey(args: VerbArgs, enabled: boolean): Promise<number> {
  const { world, key } = await ownKey(args, enabled ? "enable" : "disable");
  await switchOwn(world, key, enabled);
  return EXIT.fine;
}

/** Switches a key of keys.toml on or off, and tells so. */
export async function switchOwn(world: World, key: ListedKey, enabled: boolean): Promise<void> {
  const state = enabled ? "enabled" : "disabled";
  if (key.enabled === enabled) {
    say(`${describeKey(key)} is ${state} already.`);
    return;
  }
  await setKeyEnabled(world, key.provider, key.name, enabled);
  talk.success(`${describeKey(key)} is ${state} now.`);
}

/** What each of them does, for those who choose. */
export const STRATEGY_WORDS: Record<Strategy, string> = {
  sticky: "a session keeps its key; new ones are spread",
  random: "any healthy key, each time",
  "round-robin": "one after another",
  "least-failures": "the one that rested least",
};

/** `orouter keys strategy`: in which order the healthy keys are used. */
export const keysStrategyVerb: Verb = {
  name: "strategy",
  about: "Show or set the order in which healthy keys are used",
  examples: [
    { line: "orouter keys strategy", does: "the one in force" },
    { line: "orouter keys strategy round-robin", does: "writes it into config.toml; comments stay" },
  ],
  args: {
    strategy: {
      type: "positional",
      required: false,
      description: `One of: ${STRATEGIES.join(", ")}`,
      offers: { words: STRATEGIES },
    },
    json: { type: "boolean", description: 'Print {"strategy":…}' },
  },
  run: strategy,
  children: {},
};

async function strategy(args: VerbArgs): Promise<number> {
  const paths = resolvePaths(process.env);
  const asked = textArg(args, "strategy");
  const chosen = asked === undefined ? undefined : named(asked);
  if (chosen !== undefined) await changeStrategy(paths, chosen);
  if (chosen !== undefined && args["json"] !== true) return EXIT.fine;
  const { settings } = await loadConfig(paths);
  const now = settings.routing.strategy;
  if (args["json"] === true) outJson({ strategy: now });
  else out(`${now}: ${STRATEGY_WORDS[now]}`);
  return EXIT.fine;
}

/** Writes a strategy and tells so. */
export async function changeStrategy(paths: Pick<Paths, "configFile">, chosen: Strategy): Promise<void> {
  if (await setStrategy(paths, chosen))
    talk.success(`The strategy is ${chosen} now: ${STRATEGY_WORDS[chosen]}.`);
  else talk.info(`It is ${chosen} already.`);
}

function named(text: string): Strategy {
  const found = STRATEGIES.find((one) => one === text);
  if (found !== undefined) return found;
  const near = nearest(text, STRATEGIES);
  throw usageFault(
    `There is no strategy ${JSON.stringify(text)}.${didYouMean(near)}`,
    `It is one of: ${STRATEGIES.join(", ")}.`,
  );
}
