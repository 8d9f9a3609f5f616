import * as v from "valibot";
import { DIALECT_NAMES } from "../../src/core/dialect/registry.ts";
import { STRATEGIES } from "../../src/core/routing/session.ts";
import { THEMES } from "../../src/core/settings/schema.ts";
import { amount, count, field, flag, text, texts, verdict } from "./shape-parts.ts";

const place = v.strictObject({ path: text, exists: flag });

/** `config path` */
export const configPath = v.strictObject({
  paths: v.strictObject({
    config: place,
    keys: place,
    state: place,
    cache: place,
    runs: field(place, "where each run has its folder"),
    auth: field(place, "opencode's own keys"),
    database: field(place, "opencode 2's database, with its own keys"),
  }),
});

/** `config check`, where all is well; else there is no JSON, and the exit code is 3 */
export const configCheck = v.strictObject({ ok: v.literal(true), warnings: texts });

/** `config get` */
export const configGet = v.strictObject({
  path: text,
  value: field(v.unknown(), "as config.toml would have it; null where nothing holds"),
  from: v.picklist(["file", "preset", "default"]),
});

const providerSettings = v.strictObject({
  id: text,
  name: text,
  baseUrl: text,
  api: v.picklist(DIALECT_NAMES),
  rpm: v.optional(count),
  concurrency: v.optional(count),
  models: texts,
  refreshOnList: flag,
  modelCacheTtlMs: amount,
  env: texts,
  sharedEnv: texts,
  placeholderKey: v.optional(text),
  quota: v.optional(text),
  isQuotaNamed: field(flag, "quota is written in the file"),
  auth: field(text, "where the key goes: bearer, or the name of a header"),
  billing: v.optional(v.picklist(["flat", "metered"])),
  dailyBudget: v.optional(
    v.strictObject({ amount: v.number(), unit: v.picklist(["USD", "tokens", "requests"]) }),
  ),
  firstTokenTimeoutMs: v.optional(amount),
  stallTimeoutMs: v.optional(amount),
});

const startedAgent = { path: v.optional(text), model: v.optional(text) };

/** `config show`: what is not set is left out */
export const configShow = v.strictObject({
  theme: v.picklist(THEMES),
  routing: v.strictObject({
    strategy: v.picklist(STRATEGIES),
    triesPerKey: count,
    failWindowMs: amount,
    rateLimitThreshold: count,
    firstTokenTimeoutMs: amount,
    silenceLimitMs: amount,
    stallTimeoutMs: amount,
    patienceMs: amount,
    maxWaitMs: amount,
    holdMs: count,
    resume: flag,
    cooldown: v.strictObject({ baseMs: amount, factor: amount, maxMs: amount }),
  }),
  providers: field(v.record(text, providerSettings), "those of config.toml"),
  modelsDev: v.strictObject({
    enabled: flag,
    url: text,
    timeoutMs: amount,
    cacheTtlMs: amount,
    providerAliases: v.record(text, text),
  }),
  models: v.array(
    v.strictObject({
      id: v.optional(text),
      match: v.optional(text),
      context: v.optional(count),
      output: v.optional(count),
      addIfMissing: flag,
    }),
  ),
  chains: v.record(text, texts),
  fallbacks: v.record(text, texts),
  rules: v.array(
    v.strictObject({
      provider: v.optional(text),
      status: v.optional(count),
      text: v.optional(text),
      regex: v.optional(text),
      verdict,
    }),
  ),
  opencode: v.strictObject({
    path: v.optional(text),
    plugin: flag,
    toasts: flag,
    keyPrefix: text,
    shellKeys: flag,
    tools: flag,
  }),
  agents: v.strictObject({
    claude: v.strictObject({
      ...startedAgent,
      opus: v.optional(text),
      sonnet: v.optional(text),
      haiku: v.optional(text),
    }),
    codex: v.strictObject(startedAgent),
    kilo: v.strictObject(startedAgent),
  }),
  limits: v.strictObject({
    bodyBytes: count,
    errorBodyBytes: count,
    answerBytes: count,
    headerBytes: count,
    openRequests: count,
    drainMs: amount,
  }),
  quota: v.strictObject({ enabled: flag, pollMs: count, reserve: field(v.number(), "a share from 0 to 1") }),
  state: v.strictObject({ ledger: flag, heads: flag, ledgerDays: count, ledgerRows: count }),
  store: v.strictObject({ url: v.optional(text), prefix: text, keychain: flag }),
});
