import { existsSync } from "node:fs";
import { chmod, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import path, { isAbsolute, join, resolve } from "node:path";
import {
  type ArgDefs,
  type ArgsOf,
  defineCommand,
  looksLikeSecret,
  usageFault,
  usageProblem,
} from "../../cli/command.ts";
import { readKeyLines } from "../../cli/keyboard.ts";
import { isInteractive, out, say, talk } from "../../cli/talk.ts";
import { loadConfig } from "../../config/load.ts";
import { type Env, type Paths, resolvePaths } from "../../config/paths.ts";
import { invalidFile } from "../../config/toml-edit.ts";
import { errorCode, fileProblem, withLock, writeFileAtomic } from "../../config/write.ts";
import { type JsoncFault, parseJsonc } from "../../core/opencode-config/jsonc.ts";
import {
  buildOpenCodeConfig,
  firstModels,
  isOpenApiKey,
  mergeOpenCodeConfig,
  type OpenCodeConfig,
  type OpenCodeConfigParts,
  type StandingProvider,
  standingProvider,
  variableOf,
} from "../../core/opencode-config/opencode-config.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { redact } from "../../core/scrub.ts";
import { cleanSecret } from "../../core/settings/keys.ts";
import { normalizeBaseUrl } from "../../core/settings/presets.ts";
import { toProvider } from "../../core/settings/provider.ts";
import { emptyProvider } from "../../core/settings/schema.ts";
import { isVariableName } from "../../core/settings/setting-kinds.ts";
import { providerOf, type Settings } from "../../core/settings/settings.ts";
import { counted } from "../../core/text.ts";
import { ownConfig } from "../../harness/opencode/run-config.ts";

/** What the flags say about an entry; undefined leaves a field as it is. */
export interface WantedEntry {
  id: string;
  name: string | undefined;
  baseURL: string | undefined;
  models: readonly string[] | undefined;
  modelLabels: Readonly<Record<string, string>>;
}

/** An entry without its key, and the default for that key. */
export interface PlannedEntry extends Omit<OpenCodeConfigParts, "apiKey"> {
  usualKey: string | undefined;
}

export const PATH = ["orouter", "config", "opencode"];

const PROVIDER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export function wantedEntry(args: ArgsOf<typeof CONFIG_OPENCODE_ARGS>): WantedEntry {
  const id = args.provider ?? "omniroute";
  // The message must not repeat the text: it may be a key in the wrong place.
  if (!PROVIDER_ID.test(id) || looksLikeSecret(id))
    throw usageProblem("--provider must be an id of letters, digits and . _ -", PATH);
  const name = args.name;
  if (name !== undefined && looksLikeSecret(name))
    throw usageProblem("--name must be a display name; this looks like a key.", PATH);
  const address = args.baseUrl;
  const baseURL = address === undefined ? undefined : normalizeBaseUrl(address);
  if (address !== undefined && baseURL === undefined) {
    throw usageProblem(
      "--base-url must be an http(s) address without user name, query or fragment, such as http://localhost:20128",
      PATH,
    );
  }
  return { id, name, baseURL, ...wantedModels(args.models) };
}

/** `auto=Auto-Combo,gpt-5.5`: ids, each with an optional label. */
function wantedModels(text: string | undefined): Pick<WantedEntry, "models" | "modelLabels"> {
  if (text === undefined) return { models: undefined, modelLabels: {} };
  const pairs = text.split(",").map((part) => {
    const [id = "", ...label] = part.split("=");
    return { id: id.trim(), label: label.join("=").trim() };
  });
  const named = pairs.filter(({ id }) => id !== "");
  if (named.length === 0) throw usageProblem("--models must be ids separated by commas.", PATH);
  const labels = named.filter(({ label }) => label !== "").map(({ id, label }) => [id, label]);
  return { models: [...new Set(named.map(({ id }) => id))], modelLabels: Object.fromEntries(labels) };
}

export function planEntry(
  wanted: WantedEntry,
  standing: StandingProvider,
  { settings, env }: { settings: Settings; env: Env },
): PlannedEntry {
  const { id } = wanted;
  const known = providerOf(settings, id);
  const old =
    standing.baseURL === undefined ? undefined : (normalizeBaseUrl(standing.baseURL) ?? standing.baseURL);
  const baseURL = wanted.baseURL ?? old ?? known?.baseUrl;
  if (baseURL === undefined)
    throw usageProblem(`Unknown provider ${id}: give its address with --base-url.`, PATH);
  const models = [wanted.models, standing.models, known?.models, firstModels(id)].find(
    (list) => list?.length,
  );
  if (models === undefined) throw usageProblem(`Name the models of ${id}: --models ONE,OTHER`, PATH);
  const atAddress = toProvider(id, { ...emptyProvider(), base_url: baseURL });
  const variable = (known ?? atAddress)?.env.find((name) => (env[name] ?? "").trim() !== "");
  // A key must only be sent to the address it was entered for.
  const oldKey = old !== undefined && originOf(old) === originOf(baseURL) ? standing.apiKey : undefined;
  return {
    id,
    name: wanted.name ?? standing.name ?? known?.name ?? id,
    baseURL,
    apiMode: known?.api,
    models,
    modelLabels: { ...standing.modelLabels, ...wanted.modelLabels },
    usualKey: oldKey ?? (variable === undefined ? atAddress?.placeholderKey : `{env:${variable}}`),
  };
}

/** Addresses with placeholders that opencode fills in are compared as written. */
function originOf(address: string): string {
  return URL.parse(address)?.origin ?? address;
}

const PRIVATE_FILE = 0o600;

/** The user's global opencode config: the file named by the environment, else the default one. */
export function opencodeFile(env: Env, paths: Pick<Paths, "runRoot">): string {
  // Inside an opencode that orouter started, the variable may name a file of the run, which is removed afterwards.
  const own = ownConfig(env, paths.runRoot);
  if (own !== undefined) return resolve(own);
  const xdg = env["XDG_CONFIG_HOME"];
  const home = env["HOME"] ?? homedir();
  const folder = join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".config"), "opencode");
  // If both exist, opencode prefers the .jsonc file.
  const jsonc = join(folder, "opencode.jsonc");
  return existsSync(jsonc) ? jsonc : join(folder, "opencode.json");
}

/** Includes the byte order mark; empty if the file does not exist. */
export async function readOpencodeFile(file: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw fileProblem({ code: "config-unreadable", doing: "read", file, exit: EXIT.config }, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalidFile(`${file}: this is not UTF-8 text`);
  }
}

export function checkOpencodeText(file: string, text: string): void {
  const parsed = parseJsonc(text.replace(/^\uFEFF/, ""));
  if (parsed.kind === "faulty") throw faultProblem(file, parsed.fault);
}

/** Throws a Problem with line and column if the text cannot be edited. */
export function mergeInto(file: string, text: string, config: OpenCodeConfig): string {
  const merged = mergeOpenCodeConfig(text, config);
  if (merged.kind === "merged") return merged.text;
  throw faultProblem(file, merged.fault);
}

function faultProblem(file: string, { line, column, what }: JsoncFault): Problem {
  return invalidFile(`${file}:${line}:${column}: ${what}`);
}

/**
 * Edits atomically and under a lock. Keeps the file's mode, except that a file that gets a key becomes readable by its
 * owner only. Returns whether the text changed.
 */
export async function editOpencodeFile(
  file: string,
  config: OpenCodeConfig,
  isSecret: boolean,
): Promise<boolean> {
  return withLock(file, async () => {
    const old = await readOpencodeFile(file);
    const text = mergeInto(file, old, config);
    const mode = await modeOf(file);
    if (text !== old) await writeFileAtomic(file, text);
    const wanted = isSecret ? PRIVATE_FILE : mode;
    if (wanted !== undefined && wanted !== (await modeOf(file))) await chmod(file, wanted);
    return text !== old;
  });
}

async function modeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mode }) => mode & 0o777,
    () => undefined,
  );
}

/** Where the `apiKey` of an entry comes from; `usual` keeps the entry's key or uses the default. */
export type KeyWay =
  | { kind: "text"; apiKey: string }
  | { kind: "stdin" }
  | { kind: "ask" }
  | { kind: "usual" };

const WAYS = [
  "Name the variable that holds it:   --api-key-env NAME",
  "or pipe it in:                     --stdin < FILE",
  "or type it at a prompt:            --ask",
];

/** Rejects a real key among the arguments without repeating it. */
export function keyWay(args: ArgsOf<typeof CONFIG_OPENCODE_ARGS>): KeyWay {
  const apiKey = args.apiKey;
  const variable = args.apiKeyEnv;
  const ways: KeyWay[] = [];
  if (apiKey !== undefined) ways.push(openKey(apiKey));
  if (variable !== undefined) ways.push({ kind: "text", apiKey: `{env:${variableName(variable)}}` });
  if (args.stdin === true) ways.push({ kind: "stdin" });
  if (args.ask === true) ways.push({ kind: "ask" });
  if (ways.length > 1)
    throw usageFault(
      "Several sources are given for one key.",
      "Choose one of --api-key, --api-key-env, --stdin, --ask.",
    );
  return ways[0] ?? { kind: "usual" };
}

export async function readKey(way: "stdin" | "ask", name: string): Promise<string | undefined> {
  const lines = way === "stdin" ? await readKeyLines("Use --ask to type it at a prompt.") : await ask(name);
  if (lines === undefined) return undefined;
  const [line = ""] = lines;
  const secret = lines.length === 1 ? cleanSecret(line) : undefined;
  if (secret === undefined)
    throw usageFault("This is not one key.", "Give it alone, without blanks inside. Nothing was written.");
  return secret;
}

export function noKeyProblem(provider: string): Problem {
  return usageFault(`${provider} needs a key.`, WAYS.join("\n"));
}

function openKey(apiKey: string): KeyWay {
  const inner = /^\{env:(.*)\}$/.exec(apiKey)?.[1] ?? "";
  if (isOpenApiKey(apiKey) && !looksLikeSecret(inner)) return { kind: "text", apiKey };
  throw new Problem({
    code: "secret-in-arguments",
    what: "A key cannot be an argument: it would stay in your shell's history and in the process list.",
    fix: [
      ...WAYS,
      "--api-key is for what is no secret: {env:NAME}, {file:PATH}, sk_omniroute, none.",
      "If this was a real key, delete that line from your history.",
    ].join("\n"),
    exit: EXIT.usage,
  });
}

function variableName(name: string): string {
  if (isVariableName(name) && !looksLikeSecret(name)) return name;
  throw usageFault(
    "--api-key-env must be the name of a variable, not its value.",
    "For example: --api-key-env OMNIROUTE_API_KEY",
  );
}

async function ask(name: string): Promise<string[] | undefined> {
  if (!isInteractive())
    throw usageFault("Cannot ask for the key without a terminal.", WAYS.slice(0, 2).join("\n"));
  const { askSecrets } = await import("../../cli/ask.ts");
  return askSecrets(`Key for ${name}`);
}

const CONFIG_OPENCODE_ARGS = {
  "base-url": {
    type: "string",
    description: "Set the provider's address; one /v1 is added",
    valueHint: "URL",
  },
  "api-key": {
    type: "string",
    description: "Write {env:NAME}, {file:PATH} or a placeholder, never a key",
    valueHint: "TEXT",
  },
  "api-key-env": {
    type: "string",
    description: "Read the key from this environment variable",
    valueHint: "NAME",
  },
  stdin: { type: "boolean", description: "Read the key from stdin and write it into the file" },
  ask: { type: "boolean", description: "Prompt for the key and write it into the file" },
  models: {
    type: "string",
    description: "List its models: id or id=Label, separated by commas",
    valueHint: "LIST",
  },
  provider: { type: "string", description: "Set the provider's id (default: omniroute)", valueHint: "ID" },
  name: { type: "string", description: "Set the name that opencode shows", valueHint: "NAME" },
  out: {
    type: "string",
    description: "Write this file instead of opencode's global config",
    valueHint: "FILE",
  },
  print: { type: "boolean", description: "Print the new file and write nothing" },
} satisfies ArgDefs;

/** For an opencode that reaches a provider without orouter. */
export const configOpencodeCommand = defineCommand({
  name: "opencode",
  about: "Write a provider into opencode's own config",
  examples: [
    { line: "orouter config opencode --print", does: "what the file would be; nothing is written" },
    {
      line: "orouter config opencode --base-url http://localhost:20128 --models auto",
      does: "OmniRoute on this machine, with its placeholder for a key",
    },
    {
      line: "orouter config opencode --api-key-env OMNIROUTE_API_KEY",
      does: "opencode reads the key from a variable",
    },
    {
      line: "orouter config opencode --provider work --base-url http://localhost:8000 --models a=One,b",
      does: "a server of one's own; a label follows its model's =",
    },
  ],
  args: CONFIG_OPENCODE_ARGS,
  run: configOpencode,
  children: {},
});

async function configOpencode(args: ArgsOf<typeof CONFIG_OPENCODE_ARGS>): Promise<number> {
  const { env } = process;
  const wanted = wantedEntry(args);
  const way = keyWay(args);
  const paths = resolvePaths(env);
  const { settings, warnings } = await loadConfig(paths);
  for (const warning of warnings) say(`[orouter] ${warning}`);
  const named = args.out;
  const file = named === undefined ? opencodeFile(env, paths) : path.resolve(named);
  const text = await readOpencodeFile(file);
  // Ask for a key only if the file can be written.
  checkOpencodeText(file, text);
  const plan = planEntry(wanted, standingProvider(text, wanted.id), { settings, env });
  const apiKey = await keyFor(way, plan);
  if (apiKey === undefined) {
    say("Nothing was written.");
    return EXIT.failed;
  }
  const config = buildOpenCodeConfig({ ...plan, apiKey });
  if (args.print === true) {
    out(mergeInto(file, text, config).replace(/\n$/, ""));
    return EXIT.fine;
  }
  const isNew = way.kind !== "usual" || plan.usualKey === undefined;
  const isSecret = isNew && !isOpenApiKey(apiKey);
  const hasChanged = await editOpencodeFile(file, config, isSecret);
  tell(file, plan, hasChanged);
  if (isSecret) talk.info("The key is stored in this file, which only you can read.");
  tellVariable(apiKey);
  return EXIT.fine;
}

async function keyFor(way: KeyWay, plan: PlannedEntry): Promise<string | undefined> {
  if (way.kind === "text") return way.apiKey;
  if (way.kind !== "usual") return readKey(way.kind, plan.name);
  if (plan.usualKey !== undefined) return plan.usualKey;
  if (!isInteractive()) throw noKeyProblem(plan.id);
  return readKey("ask", plan.name);
}

function tell(file: string, { id, baseURL, models }: PlannedEntry, hasChanged: boolean): void {
  if (!hasChanged) {
    talk.info(`${file}: nothing to change.`);
    return;
  }
  talk.success(`Wrote ${id} to ${file}: ${redact(baseURL, [])}, ${counted(models.length, "model")}.`);
}

function tellVariable(apiKey: string): void {
  const variable = variableOf(apiKey);
  if (variable !== undefined && (process.env[variable] ?? "") === "")
    talk.warn(`The variable ${variable} is not set; opencode reads the key from it.`);
}
