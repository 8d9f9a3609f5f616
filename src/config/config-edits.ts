import { EXIT, Problem } from "../core/problem.ts";
import type { Strategy } from "../core/routing/session.ts";
import {
  destinationOf,
  listsNaming,
  type ModelLists,
  type Move,
  moved,
  placeOf,
  withKeyRenamed,
  withMentions,
} from "../core/settings/chains.ts";
import { isTable } from "../core/settings/checks.ts";
import { tomlKey, withValueAt } from "../core/settings/setting-names.ts";
import { parseSettings, type Settings } from "../core/settings/settings.ts";
import { didYouMean, nearest } from "../core/text.ts";
import type { Paths } from "./paths.ts";
import { type Change, editToml, readToml, type TomlValue } from "./toml-edit.ts";

const OPENING =
  "# Settings of orouter. All are optional. Show all of them with their defaults: orouter config show\n";

/** Writes only what can be read again without a fault. Returns whether anything changed. */
export async function editConfig(
  paths: Pick<Paths, "configFile">,
  change: Change,
  opening = OPENING,
): Promise<boolean> {
  return await editToml(paths.configFile, change, {
    check: (value) => {
      const parsed = parseSettings(value);
      return "faults" in parsed ? parsed.faults : [];
    },
    opening,
  });
}

export type ConfigPlace = Pick<Paths, "configFile">;

/** `at` counts from 1; undefined adds at the end. */
export interface AddedModel {
  chain: string;
  model: string;
  at?: number | undefined;
}

interface EditedLists {
  chains: ModelLists;
  fallbacks: ModelLists;
}

/** Creates the chain if it is new. Returns the chain's models now. */
export async function addToChain(place: ConfigPlace, { chain, model, at }: AddedModel): Promise<string[]> {
  return await editLists(place, ({ chains }) => {
    const list = Object.hasOwn(chains, chain) ? listOf(chains, chain) : [];
    const there = list.indexOf(model);
    if (there >= 0)
      throw usage("already-in-chain", `${chain} already contains ${model}, at position ${there + 1}.`);
    if (at !== undefined && !isPlace(at, list.length + 1)) throw noPlace(at, list.length + 1);
    const changed = list.toSpliced((at ?? list.length + 1) - 1, 0, model);
    chains[chain] = changed;
    return changed;
  });
}

/** Returns the removed name and the chain's models now. */
export async function removeFromChain(place: ConfigPlace, chain: string, asked: string) {
  return await editLists(place, ({ chains }) => {
    const list = listOf(chains, chain);
    const at = entryAt(list, chain, asked);
    if (list.length === 1) {
      throw usage(
        "last-in-chain",
        `${list[at]} is the only model of ${chain}, and a chain cannot be empty.`,
        `Remove the chain: orouter chain remove ${chain}`,
      );
    }
    const models = list.toSpliced(at, 1);
    chains[chain] = models;
    return { model: list[at] ?? asked, models };
  });
}

/** Fails if another chain uses it. */
export async function removeChain(place: ConfigPlace, chain: string): Promise<void> {
  await editLists(place, ({ chains, fallbacks }) => {
    listOf(chains, chain);
    const users = [
      ...listsNaming(chain, chains).map((name) => `the chain ${name}`),
      ...listsNaming(chain, fallbacks).map((name) => `the fallback of ${name}`),
    ];
    if (users.length > 0) {
      throw usage("chain-in-use", `${chain} is part of ${users.join(", ")}.`, "Take it out there first.");
    }
    delete chains[chain];
  });
}

/** Returns the moved name and the chain's models now. */
export async function moveInChain(place: ConfigPlace, entry: { chain: string; asked: string }, move: Move) {
  return await editLists(place, ({ chains }) => {
    const list = listOf(chains, entry.chain);
    const from = entryAt(list, entry.chain, entry.asked);
    const to = destinationOf(from, move, list.length);
    const model = list[from] ?? entry.asked;
    if (to === undefined && typeof move === "number") throw noPlace(move, list.length);
    if (to === undefined)
      throw usage("no-such-place", `${model} is already ${move === "up" ? "first" : "last"}.`);
    const models = moved(list, from, to);
    chains[entry.chain] = models;
    return { model, models };
  });
}

/** Also renames it in other chains and fallbacks. */
export async function renameChain(place: ConfigPlace, from: string, to: string): Promise<void> {
  await editLists(place, (lists) => {
    listOf(lists.chains, from);
    if (from === to) return;
    if (Object.hasOwn(lists.chains, to)) throw usage("chain-name-taken", `A chain ${to} already exists.`);
    lists.chains = withMentions(withKeyRenamed(lists.chains, from, to), from, to);
    lists.fallbacks = withMentions(lists.fallbacks, from, to);
  });
}

/** Sets the fallback of a model, or of every other model with `"*"`. */
export async function setFallback(
  place: ConfigPlace,
  model: string,
  behind: readonly string[],
): Promise<void> {
  await editLists(place, ({ fallbacks }) => {
    fallbacks[model] = [...behind];
  });
}

export async function removeFallback(place: ConfigPlace, model: string): Promise<void> {
  await editLists(place, ({ fallbacks }) => {
    if (!Object.hasOwn(fallbacks, model)) {
      const near = nearest(model, Object.keys(fallbacks));
      throw usage("no-fallback", `${model} has no fallback.${didYouMean(near)}`, "See: orouter chain list");
    }
    delete fallbacks[model];
  });
}

async function editLists<T>(place: ConfigPlace, change: (lists: EditedLists) => T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  await editConfig(place, (file) => {
    const lists = { chains: listsIn(file["chains"]), fallbacks: listsIn(file["fallbacks"]) };
    resolve(change(lists));
    return withLists(file, lists);
  });
  return await promise;
}

/** An empty table stays where it was, to keep the comments around it. */
function withLists(file: TomlValue, lists: EditedLists): TomlValue {
  const changed = { ...file };
  for (const [name, list] of Object.entries(lists)) {
    if (Object.hasOwn(file, name) || Object.keys(list).length > 0) changed[name] = list;
  }
  return changed;
}

function listsIn(table: unknown): ModelLists {
  const entries = Object.entries(isTable(table) ? table : {});
  return Object.fromEntries(
    entries.map(([name, list]) => [name, Array.isArray(list) ? list.map(String) : []]),
  );
}

export function unknownChain(name: string, names: readonly string[]): Problem {
  const near = nearest(name, names);
  const fix =
    names.length === 0
      ? `Make one: orouter chain add ${/^[\w-]+$/.test(name) ? name : "NAME"} PROVIDER/MODEL`
      : `There are: ${names.join(", ")}.`;
  return usage("unknown-chain", `There is no chain ${JSON.stringify(name)}.${didYouMean(near)}`, fix);
}

function listOf(chains: ModelLists, name: string): string[] {
  const list = Object.hasOwn(chains, name) ? chains[name] : undefined;
  if (list === undefined) throw unknownChain(name, Object.keys(chains));
  return list;
}

function entryAt(list: readonly string[], chain: string, asked: string): number {
  const at = placeOf(list, asked);
  if (at !== undefined) return at;
  const near = nearest(asked, list);
  const fix = `It has: ${list.map((entry, index) => `${index + 1} ${entry}`).join(", ")}.`;
  throw usage("not-in-chain", `${chain} has no ${JSON.stringify(asked)}.${didYouMean(near)}`, fix);
}

function isPlace(at: number, last: number): boolean {
  return Number.isInteger(at) && at >= 1 && at <= last;
}

function noPlace(at: number, last: number): Problem {
  return usage("no-such-place", `Position ${at} does not exist; use 1 to ${last}.`);
}

function usage(code: string, what: string, fix?: string): Problem {
  return new Problem({ code, what, exit: EXIT.usage, ...(fix === undefined ? {} : { fix }) });
}

export interface ConfigAddition {
  /** By id; a preset has an empty table. */
  providers: Readonly<Record<string, ProviderAddition>>;
  chain: { name: string; models: readonly string[] } | undefined;
  /** The settings of coding agents, by the name of the agent. */
  agents?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The settings of a provider that is not a preset. */
export interface ProviderAddition {
  base_url?: string;
  models?: string[];
}

const HEAD = `# Settings of orouter. All of them are optional. To see every setting with its value: orouter config show
# Keys are stored in keys.toml in the same folder. To change them: orouter keys
`;

const PROVIDERS = `# The providers, in order of preference. A provider that orouter knows needs only its header.
# Optional settings for each provider:
#   rpm = 40                       # calls per minute and key
#   concurrency = 3                # calls at the same time per key
#   models = ["some-model"]        # only for a provider without a model list
`;

const CHAINS = `# Each chain is a model in opencode: orouter/NAME. If its first model cannot answer, the next one is tried.
# The first chain is opencode's default model unless you chose another. Change chains here or with: orouter chain
`;

const CHAIN_EXAMPLE = `# [chains]
# coding = ["ollama-cloud/gpt-oss:120b", "nvidia/openai/gpt-oss-120b"]
`;

const MORE = `# Fallbacks for every model that has none of its own:
# [fallbacks]
# "*" = ["coding"]

# [routing]
# strategy = "auto"                # or sticky, random, round-robin, least-failures
# first_token_timeout = "60s"      # without a first token after this time, another key or model is tried
# max_wait = "90s"                 # keep waiting and retrying up to this long before a request fails
`;

export function firstConfig({ providers, chain, agents = {} }: ConfigAddition): string {
  const tables = Object.entries(providers).map(([id, table]) => tableText(`providers.${tomlKey(id)}`, table));
  const chains =
    chain === undefined ? CHAIN_EXAMPLE : `[chains]\n${tomlKey(chain.name)} = ${listText(chain.models)}\n`;
  const agentTables = Object.entries(agents).map(([name, table]) => tableText(`agents.${name}`, table));
  return [HEAD, PROVIDERS + tables.join("\n"), CHAINS + chains, ...agentTables, MORE].join("\n");
}

function tableText(name: string, table: object): string {
  const lines = Object.entries(table).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  return `[${name}]\n${lines.join("")}`;
}

/** One model per line is easy to read and to reorder. */
function listText(models: readonly string[]): string {
  if (models.length === 1) return JSON.stringify(models);
  return `[\n${models.map((model) => `  ${JSON.stringify(model)},\n`).join("")}]`;
}

/** Existing settings stay as they are; a new file gets comments. */
export async function addToConfig(
  paths: Pick<Paths, "configFile">,
  addition: ConfigAddition,
): Promise<boolean> {
  return await editConfig(paths, (value) => withAddition(value, addition), firstConfig(addition));
}

/** Validates the result without writing it. */
export async function settingsWith(
  paths: Pick<Paths, "configFile">,
  addition: ConfigAddition,
): Promise<Settings> {
  const toml = await readToml(paths.configFile);
  const parsed = parseSettings(withAddition(toml?.value ?? {}, addition));
  if ("settings" in parsed) return parsed.settings;
  throw new Error(`an addition breaks the settings: ${parsed.faults[0]?.what}`);
}

function withAddition(value: TomlValue, { providers, chain, agents = {} }: ConfigAddition): TomlValue {
  const chains = chain === undefined ? {} : { [chain.name]: [...chain.models] };
  return {
    ...value,
    ...merged(value, "providers", providers),
    ...merged(value, "chains", chains),
    ...mergedAgents(value, agents),
  };
}

function mergedAgents(value: TomlValue, agents: NonNullable<ConfigAddition["agents"]>): TomlValue {
  if (Object.keys(agents).length === 0) return {};
  const old = isTable(value["agents"]) ? value["agents"] : {};
  const tables = Object.entries(agents).map(([name, added]) => {
    const own = old[name];
    return [name, { ...added, ...(isTable(own) ? own : {}) }];
  });
  return { agents: { ...old, ...Object.fromEntries(tables) } };
}

function merged(value: TomlValue, name: string, added: Readonly<Record<string, unknown>>): TomlValue {
  if (Object.keys(added).length === 0) return {};
  const old = isTable(value[name]) ? value[name] : {};
  return { [name]: { ...old, ...added, ...old } };
}

/** Returns whether anything changed. */
export async function setStrategy(paths: Pick<Paths, "configFile">, strategy: Strategy): Promise<boolean> {
  return await editConfig(paths, (file) => withValueAt(file, ["routing", "strategy"], strategy));
}
