import { isInteractive } from "../../../cli/io.ts";
import { holdKeyboard } from "../../../cli/keyboard.ts";
import { talk } from "../../../cli/talk.ts";
import { textArg } from "../../../cli/text-arg.ts";
import { secretInWords, usageFault } from "../../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../../cli/verb.ts";
import { addKeys, type NewKey } from "../../../config/edit-keys.ts";
import { hasKeychain } from "../../../config/keychain.ts";
import { fingerprint } from "../../../core/fingerprint.ts";
import type { Key } from "../../../core/key.ts";
import { EXIT, Problem } from "../../../core/problem.ts";
import { readAgain, readWorld, type World } from "../../world.ts";
import { describeKey } from "../find-key.ts";
import { findProvider } from "../find-provider.ts";
import { listKeys } from "../listed-key.ts";
import { chooseProvider } from "./choose-provider.ts";
import { type NewSecret, readSecrets, secretWays } from "./new-secrets.ts";

/** `orouter keys add`: a key comes in without ever standing on a command line. */
export const keysAddVerb: Verb = {
  name: "add",
  about: "Add keys to a provider: asked for, piped in, or by a variable's name",
  examples: [
    { line: "orouter keys add ollama-cloud", does: "asks; several may be pasted, one a line" },
    { line: "orouter keys add nvidia --name work", does: "the same, with a name of your choice" },
    { line: "orouter keys add nvidia --stdin < keys.txt", does: "one key a line, from a file or a program" },
    { line: "orouter keys add groq --env MY_GROQ_KEY", does: "keeps the variable's name, not the key" },
  ],
  args: {
    provider: {
      type: "positional",
      required: false,
      description: "Whose key it is (asked for when left out)",
      offers: { names: ["providers"] },
    },
    name: { type: "string", description: "What to call it (default: key-1, key-2, …)", valueHint: "NAME" },
    stdin: { type: "boolean", description: "Read keys from stdin, one a line" },
    env: { type: "string", description: "The variable that holds the key", valueHint: "VARIABLE" },
    keychain: { type: "boolean", description: "Keep the key in the system's keychain, not in keys.toml" },
  },
  // A second word is most likely a key: the refusal must be ours, since the usual one repeats the word.
  rest: true,
  run: add,
  children: {},
};

async function add(args: VerbArgs): Promise<number> {
  if (args._.length > 1) throw secretInWords();
  const ways = secretWays(args);
  const world = await readWorld();
  const id = textArg(args, "provider");
  if (id !== undefined) findProvider(world.settings, id);
  if (ways.kind === "ask" && !isInteractive()) throw nobodyToAsk();
  // Nobody is asked for a key that then cannot be kept.
  if (ways.kind !== "env" && ways.place === "keychain" && !(await hasKeychain())) throw noKeychain();
  using _held = ways.kind === "ask" ? holdKeyboard() : undefined;
  const provider = await chooseProvider(world.settings, id);
  const secrets = provider === undefined ? undefined : await readSecrets(ways, provider, world.env);
  if (provider === undefined || secrets === undefined) {
    talk.info("Nothing was added.");
    return EXIT.failed;
  }
  await keepSecrets(world, provider.id, { secrets, name: textArg(args, "name") });
  return EXIT.fine;
}

/** Asks for everything: whose keys they are, where they are to be kept, and the keys. */
export async function addAsked(world: World): Promise<void> {
  const provider = await chooseProvider(world.settings, undefined);
  const place = provider === undefined ? undefined : await choosePlace();
  const secrets =
    provider === undefined || place === undefined
      ? undefined
      : await readSecrets({ kind: "ask", place }, provider, world.env);
  if (provider === undefined || secrets === undefined) talk.info("Nothing was added.");
  else await keepSecrets(world, provider.id, { secrets, name: undefined });
}

/** A question only where there is a choice. Undefined: the person left. */
async function choosePlace(): Promise<"value" | "keychain" | undefined> {
  if (!(await hasKeychain())) return "value";
  const { askChoice } = await import("../../../cli/prompts.ts");
  const answer = await askChoice("Where is it to be kept?", [
    { value: "value", label: "In keys.toml", hint: "which only you can read" },
    { value: "keychain", label: "In the system's keychain" },
  ]);
  return answer === undefined ? undefined : answer === "keychain" ? "keychain" : "value";
}

interface KeptSecrets {
  secrets: readonly NewSecret[];
  name: string | undefined;
}

async function keepSecrets(world: World, provider: string, { secrets, name }: KeptSecrets): Promise<void> {
  const { fresh, known } = sortOut(secrets, provider, world.keys);
  if (name !== undefined && fresh.length > 1) throw oneName(fresh.length);
  for (const sentence of known) talk.info(sentence);
  if (fresh.length === 0) return;
  const places = fresh.map(({ place }): NewKey => ({ name, place }));
  await store(world, provider, places);
}

/** The secrets that keys.toml does not have yet, each once, and a sentence about each of the others. */
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
    else if (fresh.has(print)) known.push(`The same key came twice (${print}). It is added once.`);
    else fresh.set(print, one);
  }
  return { fresh: [...fresh.values()], known };
}

async function store(world: World, provider: string, keys: readonly NewKey[]): Promise<void> {
  const { paths } = world;
  const { added, known } = await addKeys({ paths }, provider, keys).catch((error: unknown) => {
    // What a keychain says is the system's own and may be anything.
    if (error instanceof Problem || keys[0]?.place.kind !== "keychain") throw error;
    throw keychainRefused();
  });
  // Read again: what is told is what the file says now.
  const now = listKeys(await readAgain(world));
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

function nobodyToAsk(): Problem {
  return usageFault(
    "There is no terminal to ask for the key.",
    [
      "Pipe it in, one a line:   orouter keys add PROVIDER --stdin < FILE",
      "or name a variable:       orouter keys add PROVIDER --env NAME",
    ].join("\n"),
  );
}

function oneName(count: number): Problem {
  return usageFault(
    `--name is for one key, and there are ${count}.`,
    "Leave --name off and rename them afterwards: orouter keys rename OLD NEW",
  );
}

function noKeychain(): Problem {
  return new Problem({
    code: "no-keychain",
    what: "This system has no keychain that orouter can reach.",
    fix: "Leave --keychain off: keys.toml is readable by you alone. On Linux a keychain needs libsecret and a service behind it, such as GNOME Keyring.",
  });
}

function keychainRefused(): Problem {
  return new Problem({
    code: "keychain",
    what: "The system's keychain did not take the key.",
    fix: "Unlock it and try again, or leave --keychain off: keys.toml is readable by you alone.",
  });
}
