import { askSure } from "../../cli/ask.ts";
import {
  type ArgDefs,
  type ArgsOf,
  defineCommand,
  looksLikeSecret,
  secretInWords,
  usageFault,
} from "../../cli/command.ts";
import { out, outJson, say, talk } from "../../cli/talk.ts";
import { setStrategy } from "../../config/config-edits.ts";
import { removeKey, renameKey, setKeyEnabled } from "../../config/keys-file.ts";
import { loadConfig } from "../../config/load.ts";
import { type Paths, resolvePaths } from "../../config/paths.ts";
import { keyTitle } from "../../core/key.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { type CooldownSelection, isSelected } from "../../core/routing/cooldown.ts";
import { STRATEGIES, type Strategy } from "../../core/routing/session.ts";
import { counted, didYouMean, nearest } from "../../core/text.ts";
import { type CommandContext, readContext, readContextAgain } from "../context.ts";
import { openOwnState } from "../state.ts";
import { describeKey, findKey, KEY_ARGS, type ListedKey, listKeys, ownKey } from "./own-key.ts";

const KEYS_RESET_ARGS = {
  ...KEY_ARGS,
  name: { ...KEY_ARGS.name, required: false },
  model: {
    type: "string",
    description: "End only cooldowns of this model",
    valueHint: "PROVIDER/MODEL",
    offers: { names: ["models"] },
  },
} satisfies ArgDefs;

/** Also applies to running orouters. */
export const keysResetCommand = defineCommand({
  name: "reset",
  about: "End cooldowns of all keys, one key or one model",
  examples: [
    { line: "orouter keys reset", does: "end all cooldowns" },
    { line: "orouter keys reset work", does: "of this key" },
    { line: "orouter keys reset work --model nvidia/z-ai/glm5", does: "of this key for this model" },
    {
      line: "orouter keys reset --model ollama-cloud/glm-5.2",
      does: "of this model, for example after a plan change",
    },
  ],
  args: KEYS_RESET_ARGS,
  run: reset,
  children: {},
});

async function reset(args: ArgsOf<typeof KEYS_RESET_ARGS>): Promise<number> {
  const context = await readContext();
  const name = args.name;
  const key = name === undefined ? undefined : findKey(listKeys(context), name, args.provider);
  await endCooldowns(context, key, args.model);
  return EXIT.fine;
}

export async function endCooldowns(
  context: CommandContext,
  key: ListedKey | undefined,
  model: string | undefined,
): Promise<void> {
  if (key !== undefined && key.fingerprint === undefined) throw noSecret(describeKey(key));
  const selection: CooldownSelection = {
    ...(key?.fingerprint === undefined ? {} : { fingerprint: key.fingerprint }),
    ...(model === undefined ? {} : { model }),
  };
  let trouble: Problem | undefined;
  const state = await openOwnState(context, (problem) => {
    trouble ??= problem;
  });
  const { cooldowns } = state.store;
  const ended = (await cooldowns.all()).filter((cooldown) => isSelected(cooldown, selection));
  for (const { id } of ended) cooldowns.clear(id);
  await state.close();
  // Unlike a request, this command must fail if the state cannot be written.
  if (trouble !== undefined) throw trouble;
  const whose = [key === undefined ? undefined : describeKey(key), model]
    .filter((one) => one !== undefined)
    .join(" for ");
  const of = whose === "" ? "" : ` of ${whose}`;
  if (ended.length === 0) talk.info(`No cooldowns${of}.`);
  else talk.success(`Ended ${counted(ended.length, "cooldown")}${of}.`);
}

function noSecret(key: string): Problem {
  return new Problem({
    code: "key-without-secret",
    what: `${key} has no secret at the moment, so its cooldowns are unknown.`,
    fix: "Reset everything: orouter keys reset",
    exit: EXIT.usage,
  });
}

const KEYS_REMOVE_ARGS = {
  ...KEY_ARGS,
  yes: { type: "boolean", alias: "y", description: "Skip the confirmation" },
} satisfies ArgDefs;

/** Asks first, since a removed secret cannot be restored. */
export const keysRemoveCommand = defineCommand({
  name: "remove",
  about: "Remove a key from keys.toml",
  examples: [
    { line: "orouter keys remove work", does: "asks, then removes it" },
    { line: "orouter keys remove nvidia/key-1 --yes", does: "without asking" },
  ],
  args: KEYS_REMOVE_ARGS,
  run: remove,
  children: {},
});

async function remove(args: ArgsOf<typeof KEYS_REMOVE_ARGS>): Promise<number> {
  const { context, key } = await ownKey(args, "remove");
  return (await removeOwn(context, key, args.yes === true)) ? EXIT.fine : EXIT.failed;
}

export async function removeOwn(context: CommandContext, key: ListedKey, isSaid: boolean): Promise<boolean> {
  const call = `orouter keys remove ${keyTitle(key)} --yes`;
  if (!isSaid && !(await askSure({ question: `Remove ${describeKey(key)}?`, call }))) {
    talk.info("Nothing was removed.");
    return false;
  }
  const isForgotten = await removeKey(context, key.provider, key.name);
  talk.success(`Removed ${describeKey(key)} from ${context.paths.keysFile}.`);
  if (!isForgotten)
    talk.warn(
      "The system's keychain cannot be reached: if the secret is in it, it stays there, under orouter.",
    );
  const twin = listKeys(await readContextAgain(context)).find(
    (other) => other.provider === key.provider && other.fingerprint === key.fingerprint,
  );
  if (key.fingerprint !== undefined && twin !== undefined) {
    talk.warn(`The same key is still there as ${keyTitle(twin)}, from ${twin.from}.`);
  }
  return true;
}

const KEYS_RENAME_ARGS = {
  name: { ...KEY_ARGS.name, valueHint: "OLD" },
  to: { type: "positional", valueHint: "NEW", description: "Choose the new name" },
  provider: KEY_ARGS.provider,
} satisfies ArgDefs;

/** Cooldowns and statistics follow the fingerprint, so they survive a rename. */
export const keysRenameCommand = defineCommand({
  name: "rename",
  about: "Rename a key",
  examples: [{ line: "orouter keys rename key-1 work", does: "key-1 is called work from now on" }],
  args: KEYS_RENAME_ARGS,
  run: rename,
  children: {},
});

async function rename(args: ArgsOf<typeof KEYS_RENAME_ARGS>): Promise<number> {
  const newName = args.to;
  if (looksLikeSecret(newName)) throw secretInWords();
  const { context, key } = await ownKey(args, "rename");
  await renameOwn(context, key, newName);
  return EXIT.fine;
}

export async function renameOwn(context: CommandContext, key: ListedKey, newName: string): Promise<void> {
  await renameKey(context, key.provider, key.name, newName);
  talk.success(`Renamed ${describeKey(key)} to ${key.provider}/${newName}.`);
}

export const keysEnableCommand = defineCommand({
  name: "enable",
  about: "Enable a key",
  examples: [{ line: "orouter keys enable work", does: "use it for requests again" }],
  args: KEY_ARGS,
  run: (args) => switchKey(args, true),
  children: {},
});

export const keysDisableCommand = defineCommand({
  name: "disable",
  about: "Disable a key without removing it",
  examples: [{ line: "orouter keys disable work", does: "stop using it for requests" }],
  args: KEY_ARGS,
  run: (args) => switchKey(args, false),
  children: {},
});

async function switchKey(args: ArgsOf<typeof KEY_ARGS>, enabled: boolean): Promise<number> {
  const { context, key } = await ownKey(args, enabled ? "enable" : "disable");
  await switchOwn(context, key, enabled);
  return EXIT.fine;
}

export async function switchOwn(context: CommandContext, key: ListedKey, enabled: boolean): Promise<void> {
  const state = enabled ? "enabled" : "disabled";
  if (key.enabled === enabled) {
    say(`${describeKey(key)} is already ${state}.`);
    return;
  }
  await setKeyEnabled(context, key.provider, key.name, enabled);
  talk.success(`${describeKey(key)} is now ${state}.`);
}

export const STRATEGY_WORDS: Record<Strategy, string> = {
  auto: "a session keeps its key; new ones go where quota would expire unused first",
  sticky: "a session keeps its key; new ones are spread",
  random: "any available key, each time",
  "round-robin": "one after another",
  "least-failures": "the key with the fewest failures",
};

const KEYS_STRATEGY_ARGS = {
  strategy: {
    type: "positional",
    required: false,
    description: `Choose ${STRATEGIES.join(", ")}`,
    offers: { words: STRATEGIES },
  },
  json: { type: "boolean", description: 'Print {"strategy":…}' },
} satisfies ArgDefs;

export const keysStrategyCommand = defineCommand({
  name: "strategy",
  about: "Show or set the order in which keys are used",
  examples: [
    { line: "orouter keys strategy", does: "show the current strategy" },
    { line: "orouter keys strategy round-robin", does: "write it to config.toml, keeping comments" },
  ],
  args: KEYS_STRATEGY_ARGS,
  run: strategy,
  children: {},
});

async function strategy(args: ArgsOf<typeof KEYS_STRATEGY_ARGS>): Promise<number> {
  const paths = resolvePaths(process.env);
  const asked = args.strategy;
  const chosen = asked === undefined ? undefined : named(asked);
  if (chosen !== undefined) await changeStrategy(paths, chosen);
  if (chosen !== undefined && args.json !== true) return EXIT.fine;
  const { settings } = await loadConfig(paths);
  const now = settings.routing.strategy;
  if (args.json === true) outJson({ strategy: now });
  else out(`${now}: ${STRATEGY_WORDS[now]}`);
  return EXIT.fine;
}

export async function changeStrategy(paths: Pick<Paths, "configFile">, chosen: Strategy): Promise<void> {
  if (await setStrategy(paths, chosen))
    talk.success(`The strategy is now ${chosen}: ${STRATEGY_WORDS[chosen]}.`);
  else talk.info(`The strategy is already ${chosen}.`);
}

function named(text: string): Strategy {
  const found = STRATEGIES.find((one) => one === text);
  if (found !== undefined) return found;
  const near = nearest(text, STRATEGIES);
  throw usageFault(
    `Unknown strategy ${JSON.stringify(text)}.${didYouMean(near)}`,
    `Choose one of: ${STRATEGIES.join(", ")}.`,
  );
}
