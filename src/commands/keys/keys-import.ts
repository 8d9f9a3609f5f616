import { readFile, stat } from "node:fs/promises";
import { type ArgDefs, type ArgsOf, defineCommand, usageFault } from "../../cli/command.ts";
import { holdKeyboard } from "../../cli/keyboard.ts";
import { isInteractive, outJson, talk } from "../../cli/talk.ts";
import { editConfig } from "../../config/config-edits.ts";
import { hasKeychain } from "../../config/keychain.ts";
import { addAllKeys } from "../../config/keys-file.ts";
import { findImports, type ImportPlaces, type ImportSource, readImport } from "../../config/older-tools.ts";
import { opencodePlace } from "../../config/opencode-configs.ts";
import { fileProblem } from "../../config/write.ts";
import { IMPORT_KINDS } from "../../core/imports/export.ts";
import {
  type PlannedKey,
  planImport,
  type SettingOffer,
  type StandingKey,
  settingOffers,
  withImported,
} from "../../core/imports/plan-import.ts";
import { keyTitle } from "../../core/key.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { allProviders } from "../../core/settings/settings.ts";
import { counted } from "../../core/text.ts";
import { type CommandContext, readContext, readContextAgain } from "../context.ts";
import { describeKey, type ListedKey, listKeys } from "./own-key.ts";

/** Never prints a secret. */
export function tellImport(
  result: ImportResult,
  keysFile: string,
  offered: readonly SettingOffer[] = [],
): void {
  const { added, known, twice, leftOut, settings, providers } = result;
  for (const key of added)
    talk.success(`Added ${describeKey(key)}${key.enabled ? "" : ", disabled as it was"}.`);
  if (added.length > 0) talk.info(`${counted(added.length, "key")} went into ${keysFile}.`);
  if (known.length > 0) talk.info(`Already there: ${known.map(keyTitle).join(", ")}.`);
  if (twice.length > 0) talk.info(`Duplicates, added once: ${[...new Set(twice.map(keyTitle))].join(", ")}.`);
  for (const sentence of leftOut) talk.info(sentence);
  for (const id of providers) talk.success(`Wrote [providers.${id}] into config.toml: its keys need it.`);
  for (const one of settings) talk.success(`Set ${offerText(one, "before")}.`);
  if (offered.length > 0)
    talk.info(`Skipped without --settings: ${offered.map((one) => offerText(one)).join("; ")}.`);
  if (added.length + settings.length === 0) talk.info("Nothing to add.");
}

/** `routing.strategy = "round-robin" (now "sticky")` */
export function offerText({ path, value, now }: SettingOffer, when: "now" | "before" = "now"): string {
  const was = now === undefined ? "" : ` (${when} ${JSON.stringify(now)})`;
  const text = typeof value === "object" ? `[${value.join(", ")}]` : JSON.stringify(value);
  return `${path.join(".")} = ${text}${was}`;
}

/** `3 keys of ollama-cloud` */
export function sourceText({ found: { keys, leftOut } }: ImportSource): string {
  const providers = [...new Set(keys.map(({ provider }) => provider))];
  if (keys.length === 0) return `no usable key (${leftOut.length} left out)`;
  const whose = providers.length > 3 ? `${providers.length} services` : providers.join(", ");
  return `${counted(keys.length, "key")} of ${whose}`;
}

export function importJson(
  sources: readonly ImportSource[],
  result: ImportResult,
  offered: readonly SettingOffer[],
) {
  return {
    sources: sources.map(({ kind, from, tool, found }) => ({ kind, from, tool, keys: found.keys.length })),
    added: result.added.map(({ provider, name, fingerprint, enabled }: ListedKey) => {
      return { provider, name, fingerprint: fingerprint ?? null, enabled };
    }),
    known: result.known,
    twice: result.twice,
    leftOut: result.leftOut,
    providers: result.providers,
    settings: result.settings.map(offerJson),
    offered: offered.map(offerJson),
  };
}

function offerJson({ path, value, now }: SettingOffer) {
  return { path: path.join("."), value, before: now ?? null };
}

export interface ImportOrder {
  sources: readonly ImportSource[];
  settings: readonly SettingOffer[];
}

export interface ImportResult {
  added: readonly ListedKey[];
  known: readonly PlannedKey[];
  twice: readonly PlannedKey[];
  leftOut: readonly string[];
  settings: readonly SettingOffer[];
  /** Providers that were added to config.toml because the keys need them. */
  providers: readonly string[];
}

export function offersOf(context: CommandContext, sources: readonly ImportSource[]): SettingOffer[] {
  return settingOffers(
    sources.map(({ found }) => found.settings),
    context.settings,
  );
}

export function freshCount(context: CommandContext, sources: readonly ImportSource[]): number {
  const keys = sources.flatMap(({ found }) => found.keys);
  return planImport(keys, standingKeys(context)).fresh.length;
}

/** Writes config.toml first: a provider without a key does no harm, a key without its provider is invisible. */
export async function takeImport(
  context: CommandContext,
  { sources, settings }: ImportOrder,
): Promise<ImportResult> {
  const { keys, leftOut } = await withoutKeychain(sources);
  const plan = planImport(keys, standingKeys(context));
  const providers = newProviders(context, sources).filter(({ id }) =>
    keys.some((key) => key.provider === id),
  );
  if (settings.length + providers.length > 0)
    await editConfig(context.paths, (file) => withImported(file, settings, providers));
  if (plan.fresh.length > 0) await addAllKeys(context, plan.fresh);
  // Read again, to report what the files say now.
  const after = await readContextAgain(context);
  const now = listKeys(after);
  const added = plan.fresh.flatMap(
    ({ provider, name }) => now.find((key) => key.provider === provider && key.name === name) ?? [],
  );
  const known = new Set(allProviders(after.settings).map(({ id }) => id));
  const homeless = [...new Set(added.map(({ provider }) => provider).filter((id) => !known.has(id)))];
  return {
    added,
    known: plan.known,
    twice: plan.twice,
    leftOut: [...leftOut, ...homeless.map(homelessText)],
    settings,
    providers: providers.map(({ id }) => id),
  };
}

/** On a system without a keychain, never move keys from a keychain into a file without asking. */
async function withoutKeychain(sources: readonly ImportSource[]) {
  const keys = sources.flatMap(({ found }) => found.keys);
  const leftOut = sources.flatMap(({ from, found }) => found.leftOut.map((text) => `${from}: ${text}`));
  if (!keys.some(({ place }) => place.kind === "keychain") || (await hasKeychain())) return { keys, leftOut };
  const away = keys.filter(({ place }) => place.kind === "keychain");
  return {
    keys: keys.filter(({ place }) => place.kind !== "keychain"),
    leftOut: [
      ...leftOut,
      ...away.map(
        ({ provider, name }) =>
          `${provider}/${name} was skipped: it was in a keychain, and this system has none. Add it: orouter keys add ${provider}`,
      ),
    ],
  };
}

function standingKeys(context: CommandContext): StandingKey[] {
  const listed = listKeys(context);
  return context.entries.map((entry) => {
    const { provider, name } = entry;
    const key = listed.find((one) => one.provider === provider && one.name === name);
    return { ...entry, fingerprint: key?.fingerprint };
  });
}

function newProviders({ settings }: CommandContext, sources: readonly ImportSource[]) {
  const known = new Set(allProviders(settings).map(({ id }) => id));
  const wanted = sources.flatMap(({ found }) => found.settings.provider ?? []);
  return wanted.filter(({ id }) => !known.has(id));
}

function homelessText(provider: string): string {
  return `The keys of ${provider} need [providers.${provider}] with a base_url in config.toml.`;
}

export async function chooseSources(
  context: CommandContext,
  found: readonly ImportSource[],
): Promise<ImportSource[] | undefined> {
  const { askMany } = await import("../../cli/ask.ts");
  const options = found.map((source, at) => {
    const fresh = freshCount(context, [source]);
    const news = fresh === 0 ? "no new ones" : `${fresh} new`;
    return { value: String(at), label: `${source.tool}: ${sourceText(source)}, ${news}`, hint: source.from };
  });
  // Keys in the environment or in opencode already work, so they are not ticked.
  const ticked = options.filter((_, at) => {
    const source = found[at];
    return (
      source !== undefined && !["env", "auth"].includes(source.kind) && freshCount(context, [source]) > 0
    );
  });
  const answer = await askMany(
    "What do you want to import? (Space selects, Enter continues)",
    options,
    ticked.map(({ value }) => value),
  );
  if (answer === undefined) return undefined;
  return found.filter((_, at) => answer.includes(String(at)));
}

export async function chooseSettings(offers: readonly SettingOffer[]): Promise<SettingOffer[] | undefined> {
  if (offers.length === 0) return [];
  const { askMany } = await import("../../cli/ask.ts");
  talk.info("The files also contain settings. Comments in config.toml are kept.");
  const options = offers.map((offer, at) => ({ value: String(at), label: offerText(offer) }));
  const answer = await askMany(
    "Which settings? (Space selects, Enter continues)",
    options,
    options.map(({ value }) => value),
  );
  return answer === undefined ? undefined : offers.filter((_, at) => answer.includes(String(at)));
}

/** Thousands of keys fit; anything longer is some other file. */
const MAX_BYTES = 4 * 1024 * 1024;

export async function fileSources(file: string, places: ImportPlaces): Promise<ImportSource[]> {
  const text = await textOf(file).catch((error: unknown) => {
    throw fileProblem({ code: "cannot-read", doing: "read", file }, error);
  });
  const sources = readImport(file, text, places);
  if (sources === undefined) throw unknownFile(file);
  return sources;
}

/** A pipe or a device may never end, so it is not opened. */
async function textOf(file: string): Promise<string> {
  const stats = await stat(file);
  if (!stats.isFile() && !stats.isDirectory()) {
    throw new Problem({
      code: "unknown-import",
      what: `${file} is a pipe or a device, not a file.`,
      fix: "Keys from a program, one per line: PROGRAM | orouter keys add PROVIDER --stdin",
      exit: EXIT.usage,
    });
  }
  return stats.size > MAX_BYTES ? "" : await readFile(file, "utf8");
}

function unknownFile(file: string): Problem {
  return new Problem({
    code: "unknown-import",
    what: `${file} is not a file that keys can be imported from.`,
    fix: [
      "Supported: an export of orouter, ollama-router.json, opencode.json, nim-rotator-keys.json or auth.json.",
      "A plain list of keys, one per line: orouter keys add PROVIDER --stdin < FILE",
    ].join("\n"),
    exit: EXIT.usage,
  });
}

const KEYS_IMPORT_ARGS = {
  file: {
    type: "positional",
    required: false,
    description: "Name an export of orouter or a file of another tool",
    offers: { files: true },
  },
  all: { type: "boolean", description: "Import everything found on this machine" },
  from: {
    type: "string",
    description: `Import only from this kind of source`,
    valueHint: "TOOL",
    offers: { words: IMPORT_KINDS },
  },
  settings: { type: "boolean", description: "Import strategy, thresholds and chain as well" },
  json: { type: "boolean", description: 'Print {"added","known","leftOut","settings",…}' },
} satisfies ArgDefs;

/** Files of other tools are only read. */
export const keysImportCommand = defineCommand({
  name: "import",
  about: "Import keys from a file, another tool or the environment",
  examples: [
    { line: "orouter keys import", does: "list what was found on this machine and choose" },
    { line: "orouter keys import --all --settings", does: "import everything, settings included" },
    { line: "orouter keys import --from nim-rotator", does: "import the keys of one tool" },
    { line: "orouter keys import keys.json", does: "import a file" },
  ],
  args: KEYS_IMPORT_ARGS,
  run: runImport,
  children: {},
});

async function runImport(args: ArgsOf<typeof KEYS_IMPORT_ARGS>): Promise<number> {
  const way = importWay(args);
  const context = await readContext();
  using _held = way.kind === "ask" && isInteractive() ? holdKeyboard() : undefined;
  const sources = await sourcesFor(context, way);
  if (sources === undefined) {
    talk.info("Nothing was imported.");
    return EXIT.failed;
  }
  const offers = offersOf(context, sources);
  const asJson = args.json === true;
  const mayAsk = isInteractive() && !asJson && args.settings === undefined;
  const settings = args.settings === true ? offers : mayAsk ? await chooseSettings(offers) : [];
  if (settings === undefined) {
    talk.info("Nothing was imported.");
    return EXIT.failed;
  }
  const result = await takeImport(context, { sources, settings });
  // Mention the settings only if the user has not declined them at a prompt.
  const offered = mayAsk || args.settings !== undefined ? [] : offers;
  if (asJson) outJson(importJson(sources, result, offered));
  else tellImport(result, context.paths.keysFile, offered);
  return EXIT.fine;
}

export async function importAsked(context: CommandContext): Promise<void> {
  const sources = await sourcesFor(context, { kind: "ask" });
  const settings = sources === undefined ? undefined : await chooseSettings(offersOf(context, sources));
  if (sources?.length === 0) return;
  if (sources === undefined || settings === undefined) talk.info("Nothing was imported.");
  else tellImport(await takeImport(context, { sources, settings }), context.paths.keysFile);
}

type ImportWay =
  | { kind: "file"; file: string }
  | { kind: "from"; from: ImportSource["kind"] }
  | { kind: "all" | "ask" };

function importWay(args: ArgsOf<typeof KEYS_IMPORT_ARGS>): ImportWay {
  const file = args.file;
  const from = args.from;
  const all = args.all === true;
  if ([file !== undefined, from !== undefined, all].filter(Boolean).length > 1)
    throw usageFault("FILE, --from and --all exclude each other.", "Choose one.");
  if (file !== undefined) return { kind: "file", file };
  if (all) return { kind: "all" };
  if (from === undefined) return { kind: "ask" };
  const kind = IMPORT_KINDS.find((one) => one === from);
  if (kind === undefined)
    throw usageFault(
      `Unknown source ${JSON.stringify(from)}.`,
      `--from must be one of: ${IMPORT_KINDS.join(", ")}`,
    );
  if (kind === "export")
    throw usageFault("An export has no fixed location.", "Name it: orouter keys import FILE");
  return { kind: "from", from: kind };
}

async function sourcesFor(context: CommandContext, way: ImportWay): Promise<ImportSource[] | undefined> {
  const places = { ...context, ...opencodePlace(context.env) };
  if (way.kind === "file") return fileSources(way.file, places);
  const found = await findImports(places);
  switch (way.kind) {
    case "all":
      return found;
    case "from": {
      const some = found.filter(({ kind }) => kind === way.from);
      if (some.length === 0) throw nothingFound(way.from);
      return some;
    }
    case "ask":
      if (!isInteractive()) throw noTerminal(found);
      if (found.length === 0)
        talk.info("No keys found in files of known tools, in the environment or in opencode.");
      return found.length === 0 ? [] : chooseSources(context, found);
  }
}

function nothingFound(from: string): Problem {
  return new Problem({
    code: "nothing-to-import",
    what: `No keys of ${from} found on this machine.`,
    fix: "If its file is elsewhere, name it: orouter keys import FILE",
  });
}

function noTerminal(found: readonly ImportSource[]): Problem {
  const lines = found.map(
    (source) => `  --from ${source.kind.padEnd(13)} ${sourceText(source)}, ${source.from}`,
  );
  return usageFault(
    "Cannot ask what to import without a terminal.",
    [
      found.length === 0 ? "Nothing was found on this machine." : "Found on this machine:",
      ...lines,
      "Take all of it: orouter keys import --all; some of it: --from TOOL; a file: orouter keys import FILE",
      `TOOL is one of: ${IMPORT_KINDS.filter((kind) => kind !== "export").join(", ")}`,
    ].join("\n"),
  );
}
