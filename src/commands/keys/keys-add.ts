import {
  type ArgDefs,
  type ArgsOf,
  defineCommand,
  looksLikeSecret,
  secretInWords,
  usageFault,
  usageProblem,
} from "../../cli/command.ts";
import { holdKeyboard, readKeyLines } from "../../cli/keyboard.ts";
import { isInteractive, talk } from "../../cli/talk.ts";
import { hasKeychain } from "../../config/keychain.ts";
import { addKeys, type NewKey } from "../../config/keys-file.ts";
import type { Env } from "../../config/paths.ts";
import { fingerprint, type Key } from "../../core/key.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { cleanSecret } from "../../core/settings/keys.ts";
import { findPreset } from "../../core/settings/presets.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { isVariableName } from "../../core/settings/setting-kinds.ts";
import { allProviders, type Settings } from "../../core/settings/settings.ts";
import { type CommandContext, readContext, readContextAgain } from "../context.ts";
import { describeKey, findProvider, listKeys } from "./own-key.ts";

export async function chooseProvider(
  settings: Settings,
  id: string | undefined,
): Promise<Provider | undefined> {
  if (id !== undefined) return findProvider(settings, id);
  if (!isInteractive()) throw usageProblem("orouter keys add needs PROVIDER.", ["orouter", "keys", "add"]);
  const { askChoice } = await import("../../cli/ask.ts");
  const options = allProviders(settings).map((provider) => ({
    value: provider.id,
    label: provider.name,
    hint: findPreset(provider.id)?.note ?? provider.id,
  }));
  const chosen = await askChoice("Which provider is the key for?", options);
  return chosen === undefined ? undefined : findProvider(settings, chosen);
}

export type SecretWays =
  | { kind: "env"; variable: string }
  | { kind: "stdin" | "ask"; place: "value" | "keychain" };

export interface NewSecret {
  secret: string;
  place: NewKey["place"];
}

/** Rejects flags that contradict each other. */
export function secretWays(args: ArgsOf<typeof KEYS_ADD_ARGS>): SecretWays {
  const variable = args.env;
  const name = args.name;
  if ([variable, name].some((word) => word !== undefined && looksLikeSecret(word))) throw secretInWords();
  const place = args.keychain === true ? "keychain" : "value";
  if (variable === undefined) return { kind: args.stdin === true ? "stdin" : "ask", place };
  if (args.stdin === true || place === "keychain") {
    throw usageFault(
      "--env keeps a variable's name; it does not go with --stdin or --keychain.",
      "Choose one.",
    );
  }
  if (!isVariableName(variable))
    throw usageFault("--env must be the name of a variable, not its value.", "For example: --env MY_KEY");
  return { kind: "env", variable };
}

export async function readSecrets(
  ways: SecretWays,
  provider: Provider,
  env: Env,
): Promise<NewSecret[] | undefined> {
  if (ways.kind === "env") return [fromVariable(ways.variable, env)];
  const lines = ways.kind === "stdin" ? await fromStdin() : await ask(provider);
  return lines?.map((line, at) => {
    const secret = cleanSecret(line);
    if (secret === undefined) throw noKey(lines.length === 1 ? "This" : `Line ${at + 1}`);
    return { secret, place: { kind: ways.place, secret } };
  });
}

function fromVariable(variable: string, env: Env): NewSecret {
  const text = env[variable] ?? "";
  if (text.trim() === "") {
    throw usageFault(
      `The variable ${variable} is not set.`,
      `Set it first, so that it is there whenever orouter runs: export ${variable}=…`,
    );
  }
  const secret = cleanSecret(text);
  if (secret === undefined) throw noKey(`What ${variable} holds`);
  return { secret, place: { kind: "env", variable } };
}

async function fromStdin(): Promise<string[]> {
  const lines = await readKeyLines("Omit --stdin to type it at a prompt.");
  if (lines.length === 0) throw usageFault("Nothing was read from stdin.", "Send one key per line.");
  return lines;
}

async function ask(provider: Provider): Promise<string[] | undefined> {
  const { askSecrets } = await import("../../cli/ask.ts");
  const page = findPreset(provider.id)?.keysUrl;
  if (page !== undefined) talk.info(`Keys of ${provider.name} are made at ${page}`);
  return askSecrets(`Key for ${provider.name} (several: one per line)`);
}

function noKey(what: string): Problem {
  return usageFault(
    `${what} is not a key: it contains spaces or unusual characters.`,
    "Copy it again from the provider's page. Nothing was added.",
  );
}

const KEYS_ADD_ARGS = {
  provider: {
    type: "positional",
    required: false,
    description: "Name the provider (default: prompt for it)",
    offers: { names: ["providers"] },
  },
  name: { type: "string", description: "Name the key (default: key-1, key-2, …)", valueHint: "NAME" },
  stdin: { type: "boolean", description: "Read keys from stdin, one per line" },
  env: { type: "string", description: "Read the key from this environment variable", valueHint: "VARIABLE" },
  keychain: { type: "boolean", description: "Store the key in the system's keychain, not in keys.toml" },
} satisfies ArgDefs;

export const keysAddCommand = defineCommand({
  name: "add",
  about: "Add keys from a prompt, stdin or an environment variable",
  examples: [
    { line: "orouter keys add ollama-cloud", does: "prompt for it; paste several, one per line" },
    { line: "orouter keys add nvidia --name work", does: "the same, with a name" },
    { line: "orouter keys add nvidia --stdin < keys.txt", does: "one key per line, from a file or program" },
    { line: "orouter keys add groq --env MY_GROQ_KEY", does: "store the variable's name, not the key" },
  ],
  args: KEYS_ADD_ARGS,
  // Accept a second word to reject it without repeating it: it is most likely a key.
  rest: true,
  run: add,
  children: {},
});

async function add(args: ArgsOf<typeof KEYS_ADD_ARGS>): Promise<number> {
  if (args._.length > 1) throw secretInWords();
  const ways = secretWays(args);
  const context = await readContext();
  const id = args.provider;
  if (id !== undefined) findProvider(context.settings, id);
  if (ways.kind === "ask" && !isInteractive()) throw noTerminal();
  // Ask for a key only if it can be stored.
  if (ways.kind !== "env" && ways.place === "keychain" && !(await hasKeychain())) throw noKeychain();
  using _held = ways.kind === "ask" ? holdKeyboard() : undefined;
  const provider = await chooseProvider(context.settings, id);
  const placed = provider === undefined ? undefined : await withPlace(ways);
  const secrets =
    provider === undefined || placed === undefined
      ? undefined
      : await readSecrets(placed, provider, context.env);
  if (provider === undefined || secrets === undefined) {
    talk.info("Nothing was added.");
    return EXIT.failed;
  }
  await keepSecrets(context, provider.id, { secrets, name: args.name });
  return EXIT.fine;
}

/** A user who is asked for the key may also say where it goes; --keychain has said so already. */
async function withPlace(ways: SecretWays): Promise<SecretWays | undefined> {
  if (ways.kind !== "ask" || ways.place === "keychain") return ways;
  const place = await choosePlace();
  return place === undefined ? undefined : { ...ways, place };
}

export async function addAsked(context: CommandContext): Promise<void> {
  const provider = await chooseProvider(context.settings, undefined);
  const place = provider === undefined ? undefined : await choosePlace();
  const secrets =
    provider === undefined || place === undefined
      ? undefined
      : await readSecrets({ kind: "ask", place }, provider, context.env);
  if (provider === undefined || secrets === undefined) talk.info("Nothing was added.");
  else await keepSecrets(context, provider.id, { secrets, name: undefined });
}

/** keys.toml, or the system's keychain. */
export type KeyPlace = "value" | "keychain";

/** Asks only if there is a choice. Undefined if the user cancelled. */
export async function choosePlace(): Promise<KeyPlace | undefined> {
  if (!(await hasKeychain())) return "value";
  const { askChoice } = await import("../../cli/ask.ts");
  const answer = await askChoice("Where do you want to store it?", [
    { value: "value", label: "In keys.toml", hint: "readable only by you" },
    { value: "keychain", label: "In the system's keychain" },
  ]);
  return answer === undefined ? undefined : answer === "keychain" ? "keychain" : "value";
}

interface KeptSecrets {
  secrets: readonly NewSecret[];
  name: string | undefined;
}

async function keepSecrets(
  context: CommandContext,
  provider: string,
  { secrets, name }: KeptSecrets,
): Promise<void> {
  const { fresh, known } = sortOut(secrets, provider, context.keys);
  if (name !== undefined && fresh.length > 1) throw oneName(fresh.length);
  for (const sentence of known) talk.info(sentence);
  if (fresh.length === 0) return;
  const places = fresh.map(({ place }): NewKey => ({ name, place }));
  await store(context, provider, places);
}

/** Returns new secrets, each once, and a sentence about each of the others. */
function sortOut(secrets: readonly NewSecret[], provider: string, keys: readonly Key[]) {
  const own = keys.filter((key) => key.source === "keys.toml" && key.provider === provider);
  const names = new Map(own.map((key) => [key.fingerprint, key.name]));
  const fresh = new Map<string, NewSecret>();
  const known: string[] = [];
  for (const one of secrets) {
    const print = fingerprint(one.secret);
    const name = names.get(print);
    if (name !== undefined)
      known.push(`Already there: ${provider}/${name} (${print}). It was not added again.`);
    else if (fresh.has(print)) known.push(`The key ${print} was given twice and is added once.`);
    else fresh.set(print, one);
  }
  return { fresh: [...fresh.values()], known };
}

async function store(context: CommandContext, provider: string, keys: readonly NewKey[]): Promise<void> {
  const { paths } = context;
  const { added, known } = await addKeys({ paths }, provider, keys);
  // Read again, to report what the file says now.
  const now = listKeys(await readContextAgain(context));
  for (const name of added) {
    const key = now.find((one) => one.provider === provider && one.name === name);
    if (key === undefined) continue;
    const via = key.variable === undefined ? "" : `, which names the variable ${key.variable}`;
    const where =
      key.from === "keychain" ? `the keychain, and its name to ${paths.keysFile}` : paths.keysFile;
    talk.success(`Added ${describeKey(key)} to ${where}${via}.`);
  }
  for (const name of known) talk.warn(`Already there: ${provider}/${name}. It was not added again.`);
}

function noTerminal(): Problem {
  return usageFault(
    "Cannot ask for the key without a terminal.",
    [
      "Pipe it in, one per line: orouter keys add PROVIDER --stdin < FILE",
      "or name a variable:       orouter keys add PROVIDER --env NAME",
    ].join("\n"),
  );
}

function oneName(count: number): Problem {
  return usageFault(
    `--name needs a single key, not ${count}.`,
    "Leave --name off and rename them afterwards: orouter keys rename OLD NEW",
  );
}

function noKeychain(): Problem {
  return new Problem({
    code: "no-keychain",
    what: "This system has no keychain that orouter can reach.",
    fix: "Omit --keychain: only you can read keys.toml. On Linux a keychain needs libsecret and a service such as GNOME Keyring.",
  });
}
