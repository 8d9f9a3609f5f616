import * as v from "valibot";
import { STRATEGIES } from "../routing/strategy.ts";
import { VERDICT_KINDS } from "../verdict/verdict.ts";
import {
  about,
  address,
  amount,
  choice,
  count,
  duration,
  flag,
  maybeBaseUrl,
  maybeCount,
  maybeDuration,
  maybePattern,
  maybeText,
  maybeVariable,
  requiredChoice,
  requiredTexts,
  type SettingMeta,
  text,
  texts,
} from "./setting-kinds.ts";

/** The themes by the names opencode gives them. */
export const THEMES = [
  "opencode",
  "catppuccin",
  "dracula",
  "gruvbox",
  "kanagawa",
  "nord",
  "one-dark",
  "rosepine",
  "solarized",
  "tokyonight",
] as const;

/** How the healthy keys are ordered. */

/** The dialects a provider may speak. */
export const APIS = ["chat", "responses"] as const;

const TOKENS = { min: 1, max: 100_000_000 };
const PER_MINUTE = { min: 0, max: 100_000 };

const cooldown = v.object({
  base: duration("30s", "The first such rest."),
  factor: amount(1.5, { min: 1, max: 10 }, "By how much each further one in a row grows."),
  max: duration("1h", "The longest such rest."),
});

const routing = v.object({
  strategy: choice(STRATEGIES, "How the healthy keys are ordered."),
  tries_per_key: count(1, { min: 1, max: 100 }, "Attempts on one key before the next one."),
  fail_window: duration("5h", "Rest after a refusal that names no end."),
  rate_limit_threshold: count(
    3,
    { min: 1, max: 1000 },
    "429s in a row on a session before the next model is tried.",
  ),
  first_token_timeout: duration("60s", "Longest silence before the first token where another lane is free."),
  silence_limit: duration("5m", "Longest silence before the first token where no other lane is free."),
  stall_timeout: duration("60s", "Longest silence inside a stream."),
  patience: duration("5s", "Wait this long for the model asked for rather than move on to another.", 0),
  max_wait: duration("90s", "Wait and try again this long before giving up.", 0),
  resume: flag(true, "Continue a broken text answer where another lane's text matches what was sent."),
  cooldown: v.pipe(v.optional(cooldown, {}), about("Rest after a 429 without a hint, per key and model.")),
});

const provider = v.object({
  name: maybeText("The name people see."),
  base_url: maybeBaseUrl(
    "Where it is; a preset knows its own. `/v1` is added where the path names no version.",
  ),
  // Not a choice: a value we do not know falls back to chat with a warning, as the seeds' setting did.
  api: v.pipe(
    v.optional(v.string()),
    v.transform((text) => (text === undefined ? undefined : (APIS.find((api) => api === text) ?? "chat"))),
    v.metadata({
      kind: "choice",
      help: "The dialect it speaks.",
      allowed: `one of ${APIS.join(", ")}`,
      defaultText: '"chat"',
    }),
  ),
  rpm: maybeCount(PER_MINUTE, "Calls a minute per key; 0 for no pacing. A preset may have its own."),
  concurrency: maybeCount({ min: 1, max: 10_000 }, "Calls at a time per key."),
  models: texts("Model ids, for when /v1/models cannot be asked.", "a list of model ids"),
  refresh_on_list: flag(true, "Ask for the models again whenever they are listed."),
  model_cache_ttl: duration("5m", "How long a list of models is good for.", 0),
  env: maybeVariable("One more environment variable that holds its key."),
  first_token_timeout: maybeDuration("This provider's own; else the one under routing."),
  stall_timeout: maybeDuration("This provider's own; else the one under routing."),
});

const modelsDev = v.object({
  enabled: flag(true, "Fill in what providers leave out about their models."),
  url: address("https://models.dev/api.json", "The catalogue."),
  timeout: duration("1s", "Longest wait for it."),
  cache_ttl: duration("24h", "How long a copy is good for.", 0),
  provider_aliases: v.pipe(
    v.optional(v.record(v.string(), v.pipe(v.string(), v.nonEmpty())), {}),
    about("Short prefixes of model ids and the catalogue's provider they mean.", "a table of texts"),
  ),
});

const model = v.object({
  id: maybeText("The model it is about.", 'a model as "provider/model"'),
  match: maybePattern("Or every model whose provider/model matches."),
  context: maybeCount(TOKENS, "Its context window in tokens."),
  output: maybeCount(TOKENS, "Its longest answer in tokens."),
  add_if_missing: flag(false, "List the model even where its provider does not."),
});

const rule = v.object({
  provider: maybeText("Only replies of this provider.", "a provider's id"),
  status: maybeCount({ min: 100, max: 599 }, "Only replies with this HTTP status."),
  text: maybeText("Only replies that contain this text."),
  regex: maybePattern("Only replies whose body matches."),
  verdict: requiredChoice(VERDICT_KINDS, "What such a reply means."),
});

const opencode = v.object({
  path: maybeText("The opencode to start; else OROUTER_OPENCODE, else the one on PATH.", "a path"),
  plugin: flag(true, "Toasts and commands inside opencode."),
  toasts: flag(true, "A toast when something was routed around."),
  key_prefix: text(
    "<leader>o",
    "The key before the letter of a command: s status, m keys, b cooldowns, r reset, f chains. If another command has this key, the commands are in the palette only.",
    'a key as opencode writes it, or "none"',
  ),
  shell_keys: flag(false, "A healthy key for shell commands that opencode runs."),
  tools: flag(false, "list_keys, switch_key and reset_keys for the model."),
});

const MIB = 1024 * 1024;

const limits = v.object({
  body_bytes: count(64 * MIB, { min: 1024, max: 1024 * MIB }, "Largest request body."),
  answer_bytes: count(
    64 * MIB,
    { min: 1024, max: 1024 * MIB },
    "Largest answer in one piece; streams have no limit.",
  ),
  error_body_bytes: count(64 * 1024, { min: 1024, max: 16 * MIB }, "How much of an error body is looked at."),
  // Bun itself refuses a head above 16 KiB.
  header_bytes: count(16 * 1024, { min: 1024, max: 16 * 1024 }, "Largest request head."),
  open_requests: count(1024, { min: 1, max: 65_536 }, "Requests at a time."),
});

const state = v.object({
  ledger_days: count(7, { min: 1, max: 3650 }, "How long the request ledger goes back."),
  ledger_rows: count(50_000, { min: 100, max: 10_000_000 }, "How many requests it holds at most."),
});

const MODELS = 'a list of "provider/model" or names of chains, at least one';

/** The whole of config.toml: one table that reading, help and docs share. */
export const CONFIG = v.object({
  theme: choice(THEMES, "Colours in the terminal."),
  routing: v.pipe(v.optional(routing, {}), about("Which key and model a request goes to.")),
  providers: v.pipe(
    v.optional(v.record(v.string(), v.pipe(provider, about("One provider."))), {}),
    about("The services behind orouter, by id; a preset's id needs nothing else."),
  ),
  models_dev: v.pipe(v.optional(modelsDev, {}), about("The public catalogue of models.")),
  models: v.pipe(
    v.optional(v.array(model), () => []),
    about("What is known better here than by the provider; later entries win.", "tables headed [[models]]"),
  ),
  chains: v.pipe(
    v.optional(v.record(v.string(), requiredTexts("A model of its own: orouter/<name>.", MODELS)), {}),
    about("Models in the order they are tried, each list under a name.", "a table of lists"),
  ),
  fallbacks: v.pipe(
    v.optional(v.record(v.string(), requiredTexts("What stands behind this model.", MODELS)), {}),
    about('What stands behind a single model; "*" for every other one.', "a table of lists"),
  ),
  rules: v.pipe(
    v.optional(v.array(rule), () => []),
    about("Your own error rules, tried before the built-in ones.", "tables headed [[rules]]"),
  ),
  opencode: v.pipe(v.optional(opencode, {}), about("How opencode is started.")),
  limits: v.pipe(v.optional(limits, {}), about("Bounds of the proxy.")),
  state: v.pipe(v.optional(state, {}), about("What is remembered between runs.")),
});

/** config.toml as written, with every default filled in. */
export type ConfigFile = v.InferOutput<typeof CONFIG>;

/** A `[providers.<id>]` table as written. */
export type ProviderTable = ConfigFile["providers"][string];

let empty: ProviderTable | undefined;

/** The same with nothing in it: what a preset that is not in the file goes by. Every preset shares one. */
export function emptyProvider(): ProviderTable {
  empty ??= v.parse(provider, {});
  return empty;
}

/** The parts of a schema that a walk needs; every table, list and leaf is one. */
export interface SchemaNode {
  readonly type: string;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly value?: SchemaNode;
  readonly item?: SchemaNode;
  readonly wrapped?: SchemaNode;
}

/** A node without the wrapping that makes it optional. */
export function bare(node: SchemaNode): SchemaNode {
  return node.wrapped === undefined ? node : bare(node.wrapped);
}

/** The node that a key or place inside this one leads to. */
export function childOf(node: SchemaNode, step: string | number): SchemaNode | undefined {
  const { entries, value, item } = bare(node);
  if (item !== undefined) return item;
  if (value !== undefined) return value;
  return entries !== undefined && Object.hasOwn(entries, step) ? entries[step] : undefined;
}

/** What is said about a node; undefined for those that only group. */
export function metaOf(node: SchemaNode): SettingMeta | undefined {
  const found: Partial<SettingMeta> = v.getMetadata(node as v.GenericSchema);
  const { kind, help, allowed, defaultText } = found;
  if (kind === undefined || help === undefined || allowed === undefined) return undefined;
  return { kind, help, allowed, defaultText: defaultText ?? "" };
}

/** What is said about the value at a path, or about the nearest one around it. */
export function metaAt(root: SchemaNode, path: readonly (string | number)[]): SettingMeta | undefined {
  let node: SchemaNode | undefined = root;
  let meta = metaOf(root);
  for (const step of path) {
    node = childOf(node, step);
    if (node === undefined) return meta;
    meta = metaOf(node) ?? meta;
  }
  return meta;
}
