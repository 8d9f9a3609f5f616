import * as v from "valibot";
import { DEFAULT_DIALECT, DIALECT_NAMES, dialectNamed } from "../dialect/registry.ts";
import { QUOTA_NAMES } from "../quota/readers.ts";
import { STRATEGIES } from "../routing/session.ts";
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
  maybeBudget,
  maybeCount,
  maybeDuration,
  maybeHeader,
  maybePattern,
  maybeStoreUrl,
  maybeText,
  maybeVariable,
  percent,
  requiredChoice,
  requiredTexts,
  type SettingMeta,
  text,
  texts,
} from "./setting-kinds.ts";

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

const BILLINGS = ["flat", "metered"] as const;

const TOKENS = { min: 1, max: 100_000_000 };
const PER_MINUTE = { min: 0, max: 100_000 };

const cooldown = v.object({
  base: duration("30s", "Length of the first cooldown."),
  factor: amount(1.5, { min: 1, max: 10 }, "Growth of each further cooldown in a row."),
  max: duration("1h", "Length of the longest cooldown."),
});

const routing = v.object({
  strategy: choice(STRATEGIES, "How the next key is chosen among the ready ones."),
  tries_per_key: count(1, { min: 1, max: 100 }, "Failed attempts on one key before the next key is tried."),
  fail_window: duration("5h", "Cooldown after a refusal that gives no end and has no known reset."),
  rate_limit_threshold: count(
    3,
    { min: 1, max: 1000 },
    "Rate limits (429) in a row in one session before the next model is tried.",
  ),
  first_token_timeout: duration(
    "60s",
    "Longest wait for the first token while another key or model is free.",
  ),
  silence_limit: duration("5m", "Longest wait for the first token when no other key or model is free."),
  stall_timeout: duration("60s", "Longest pause inside a streamed answer."),
  patience: duration("5s", "Wait up to this long for the requested model before a fallback is used.", 0),
  max_wait: duration("90s", "Keep waiting and retrying up to this long when every key and model fails.", 0),
  hold: duration(
    "0s",
    "When every key is used up, wait up to this long for a known reset and go on. OROUTER_HOLD overrides it.",
    0,
  ),
  resume: flag(true, "Continue a broken answer with another key or model whose text matches."),
  cooldown: v.pipe(
    v.optional(cooldown, {}),
    about("Cooldown of a key and model after a 429 without a wait time."),
  ),
});

const quota = v.object({
  enabled: flag(true, "Ask providers what is left on each key, where they tell."),
  poll: duration("1m", "Ask for each key in use at most this often.", 10_000),
  reserve: percent("0%", "Leave this much of each window of a plan unused."),
});

const provider = v.object({
  name: maybeText("Display name."),
  base_url: maybeBaseUrl(
    "Address of the API. Presets have their own. `/v1` is added if the path has no version.",
  ),
  // Not a choice: an unknown value falls back to chat with a warning.
  api: v.pipe(
    v.optional(v.string()),
    v.transform((text) => (text === undefined ? undefined : (dialectNamed(text) ?? DEFAULT_DIALECT))),
    v.metadata({
      kind: "choice",
      help: "The API that the provider speaks: chat completions, Responses or Messages.",
      allowed: `one of ${DIALECT_NAMES.join(", ")}`,
      defaultText: `"${DEFAULT_DIALECT}"`,
    }),
  ),
  auth: maybeHeader("How the key is sent: as a bearer token, or in the header of this name."),
  rpm: maybeCount(PER_MINUTE, "Calls per minute and key; 0 turns pacing off. Presets can have their own."),
  concurrency: maybeCount({ min: 1, max: 10_000 }, "Calls at the same time per key."),
  models: texts("Model ids to use when /v1/models is not available.", "a list of model ids"),
  refresh_on_list: flag(true, "Ask the provider again each time its models are listed."),
  model_cache_ttl: duration("5m", "How long a fetched model list is reused.", 0),
  env: maybeVariable("An additional environment variable that holds a key."),
  quota: v.pipe(
    v.optional(v.picklist(QUOTA_NAMES)),
    about(
      "Read what is left as this service does it, at the origin of base_url. Presets have their own.",
      `one of ${QUOTA_NAMES.join(", ")}`,
    ),
  ),
  billing: v.pipe(
    v.optional(v.picklist(BILLINGS)),
    about(
      "flat: its tokens cost nothing extra; metered: each token is paid.",
      `one of ${BILLINGS.join(", ")}`,
    ),
  ),
  daily_budget: maybeBudget(
    "A cap of your own for each key and day. A key at its cap is skipped until midnight.",
  ),
  first_token_timeout: maybeDuration("Overrides routing.first_token_timeout for this provider."),
  stall_timeout: maybeDuration("Overrides routing.stall_timeout for this provider."),
});

const modelsDev = v.object({
  enabled: flag(true, "Fill in model facts that a provider does not list."),
  url: address("https://models.dev/api.json", "Address of the catalogue."),
  timeout: duration("1s", "Longest wait for the catalogue."),
  cache_ttl: duration("24h", "How long a fetched copy is reused.", 0),
  provider_aliases: v.pipe(
    v.optional(v.record(v.string(), v.pipe(v.string(), v.nonEmpty())), {}),
    about("Maps a prefix of your model ids to a provider of the catalogue.", "a table of texts"),
  ),
});

const model = v.object({
  id: maybeText("The model that this entry describes.", 'a model as "provider/model"'),
  match: maybePattern("Instead of id: every model whose provider/model matches."),
  context: maybeCount(TOKENS, "Context window in tokens."),
  output: maybeCount(TOKENS, "Longest answer in tokens."),
  add_if_missing: flag(false, "Add the model if the provider does not list it."),
});

const rule = v.object({
  provider: maybeText("Match only replies of this provider.", "a provider's id"),
  status: maybeCount({ min: 100, max: 599 }, "Match only replies with this HTTP status."),
  text: maybeText("Match only replies that contain this text."),
  regex: maybePattern("Match only replies whose body matches."),
  verdict: requiredChoice(VERDICT_KINDS, "What a matching reply means."),
});

const opencode = v.object({
  path: maybeText("The opencode to start. Default: OROUTER_OPENCODE, then PATH.", "a path"),
  plugin: flag(true, "Show toasts and commands inside opencode."),
  toasts: flag(true, "Show a toast when the key or model changes."),
  key_prefix: text(
    "<leader>o",
    "The key to press before a command's letter: s status, m keys, b cooldowns, r reset, f chains. If another command uses it, the commands are in the palette only.",
    'a key as opencode writes it, or "none"',
  ),
  shell_keys: flag(false, "Give shell commands that opencode runs a working key."),
  tools: flag(false, "Give the model the tools list_keys, switch_key and reset_keys."),
});

const AGENT_MODEL = 'a model as "provider/model", or a chain as "orouter/name"';

const startedAgent = (name: string, variable: string) => ({
  path: maybeText(`The ${name} to start. Default: ${variable}, then PATH.`, "a path"),
  model: maybeText("The model to start with. Default: your first chain.", AGENT_MODEL),
});

const claude = v.object({
  ...startedAgent("Claude Code", "OROUTER_CLAUDE"),
  opus: maybeText("The model that `opus` means. Default: model.", AGENT_MODEL),
  sonnet: maybeText("The model that `sonnet` means. Default: model.", AGENT_MODEL),
  haiku: maybeText("The model that `haiku` means. Default: model.", AGENT_MODEL),
});

const agents = v.object({
  claude: v.pipe(v.optional(claude, {}), about("How Claude Code is started.")),
  codex: v.pipe(
    v.optional(v.object(startedAgent("Codex", "OROUTER_CODEX")), {}),
    about("How Codex is started."),
  ),
  kilo: v.pipe(v.optional(v.object(startedAgent("Kilo", "OROUTER_KILO")), {}), about("How Kilo is started.")),
});

const MIB = 1024 * 1024;

const limits = v.object({
  body_bytes: count(64 * MIB, { min: 1024, max: 1024 * MIB }, "Largest request body."),
  answer_bytes: count(
    64 * MIB,
    { min: 1024, max: 1024 * MIB },
    "Largest answer that is not streamed; 1/32 of it if it has to be translated. Streams have no limit.",
  ),
  error_body_bytes: count(64 * 1024, { min: 1024, max: 16 * MIB }, "How much of an error body is read."),
  // Bun rejects a head above 16 KiB.
  header_bytes: count(16 * 1024, { min: 1024, max: 16 * 1024 }, "Largest request head."),
  open_requests: count(1024, { min: 1, max: 65_536 }, "Open requests at the same time."),
  drain: duration("30s", "How long `orouter serve` lets answers finish when it is stopped.", 0),
});

const state = v.object({
  ledger: flag(true, "Keep a record of each request. Off: nothing of a request is kept."),
  heads: flag(true, "Keep the beginning of each refusal, in the provider's words."),
  ledger_days: count(7, { min: 1, max: 3650 }, "How many days of requests the ledger keeps."),
  ledger_rows: count(50_000, { min: 100, max: 10_000_000 }, "How many requests the ledger keeps at most."),
});

const MODELS = 'a list of at least one "provider/model" or chain name';

const store = v.object({
  url: maybeStoreUrl("Share state and limits with other machines through this Valkey or Redis server."),
  prefix: text("orouter", "The names on the server begin with it.", "text"),
  keychain: flag(false, "Read the server's password from the keychain, not from OROUTER_STORE_PASSWORD."),
});

/** The schema of config.toml. Reading, help and docs share it. */
export const CONFIG = v.object({
  theme: choice(THEMES, "Terminal colours."),
  routing: v.pipe(v.optional(routing, {}), about("How a key and a model are chosen for a request.")),
  quota: v.pipe(v.optional(quota, {}), about("What orouter knows of the quota that is left.")),
  providers: v.pipe(
    v.optional(v.record(v.string(), v.pipe(provider, about("One provider."))), {}),
    about("The providers, by id. A preset needs only its id."),
  ),
  models_dev: v.pipe(v.optional(modelsDev, {}), about("The public catalogue of models.")),
  models: v.pipe(
    v.optional(v.array(model), () => []),
    about("Facts about models that override the provider's. Later entries win.", "[[models]] tables"),
  ),
  chains: v.pipe(
    v.optional(
      v.record(
        v.string(),
        requiredTexts("Models in order of preference. In opencode this is the model orouter/<name>.", MODELS),
      ),
      {},
    ),
    about("Named, ordered lists of models.", "a table of lists"),
  ),
  fallbacks: v.pipe(
    v.optional(
      v.record(
        v.string(),
        requiredTexts(
          'Models to try when this model cannot answer. The name "*" applies to all other models.',
          MODELS,
        ),
      ),
      {},
    ),
    about('Fallbacks of single models; "*" applies to all other models.', "a table of lists"),
  ),
  rules: v.pipe(
    v.optional(v.array(rule), () => []),
    about("Your own error rules. They are tried before the built-in rules.", "[[rules]] tables"),
  ),
  opencode: v.pipe(v.optional(opencode, {}), about("How opencode is started.")),
  agents: v.pipe(v.optional(agents, {}), about("How the other coding agents are started.")),
  limits: v.pipe(v.optional(limits, {}), about("Limits of the proxy.")),
  state: v.pipe(v.optional(state, {}), about("What is kept between runs.")),
  store: v.pipe(v.optional(store, {}), about("Where state is kept that several machines share.")),
});

/** config.toml with every default filled in. */
export type ConfigFile = v.InferOutput<typeof CONFIG>;

/** A `[providers.<id>]` table as written. */
export type ProviderTable = ConfigFile["providers"][string];

let empty: ProviderTable | undefined;

/** For presets that the file does not mention. */
export function emptyProvider(): ProviderTable {
  empty ??= v.parse(provider, {});
  return empty;
}

/** The parts of a schema node that the functions below read. */
export interface SchemaNode {
  readonly type: string;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly value?: SchemaNode;
  readonly item?: SchemaNode;
  readonly wrapped?: SchemaNode;
}

/** Unwraps `optional`. */
export function bare(node: SchemaNode): SchemaNode {
  return node.wrapped === undefined ? node : bare(node.wrapped);
}

export function childOf(node: SchemaNode, step: string | number): SchemaNode | undefined {
  const { entries, value, item } = bare(node);
  if (item !== undefined) return item;
  if (value !== undefined) return value;
  return entries !== undefined && Object.hasOwn(entries, step) ? entries[step] : undefined;
}

export function metaOf(node: SchemaNode): SettingMeta | undefined {
  const found: Partial<SettingMeta> = v.getMetadata(node as v.GenericSchema);
  const { kind, help, allowed, defaultText } = found;
  if (kind === undefined || help === undefined || allowed === undefined) return undefined;
  return { kind, help, allowed, defaultText: defaultText ?? "" };
}

/** The metadata of the nearest node on the path that has some. */
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
