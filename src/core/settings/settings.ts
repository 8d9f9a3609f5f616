import { readSchema, type SettingFault, settingWarnings, tableFaults } from "./checks.ts";
import { PRESETS } from "./presets.ts";
import { type Provider, toProvider } from "./provider.ts";
import { CONFIG, type ConfigFile } from "./schema.ts";

/** config.toml in the form the code uses: defaults filled in, durations in milliseconds. */
export interface Settings {
  theme: ConfigFile["theme"];
  routing: RoutingSettings;
  /** The providers in the file; `providerOf` also knows the presets. */
  providers: Readonly<Record<string, Provider>>;
  modelsDev: ReturnType<typeof toModelsDev>;
  models: readonly ModelOverride[];
  chains: Readonly<Record<string, readonly string[]>>;
  fallbacks: Readonly<Record<string, readonly string[]>>;
  rules: readonly UserRule[];
  opencode: ReturnType<typeof toOpencode>;
  agents: ConfigFile["agents"];
  limits: ReturnType<typeof toLimits>;
  quota: QuotaSettings;
  state: ReturnType<typeof toState>;
  store: StoreSettings;
}

export type QuotaSettings = ReturnType<typeof toQuota>;
export type RoutingSettings = ReturnType<typeof toRouting>;
export type StoreSettings = ConfigFile["store"];
/** One `[[models]]` table; `id` or `match` is there. */
export type ModelOverride = ReturnType<typeof toModelOverride>;
/** One `[[rules]]` table; an undefined condition matches every reply. */
export type UserRule = ReturnType<typeof toUserRule>;

/** The settings with remarks for the user, or all faults. */
export type ParsedSettings = { settings: Settings; warnings: SettingFault[] } | { faults: SettingFault[] };

export function parseSettings(value: unknown): ParsedSettings {
  const { output, faults } = readSchema(CONFIG, value, "values");
  const all = [...faults, ...tableFaults(value)];
  if (output === undefined || all.length > 0) return { faults: all };
  return { settings: toSettings(output), warnings: settingWarnings(value) };
}

export function defaultSettings(): Settings {
  const parsed = parseSettings({});
  if ("faults" in parsed) throw new Error(`the defaults break the schema: ${parsed.faults[0]?.what}`);
  return parsed.settings;
}

export function providerOf(settings: Settings, id: string): Provider | undefined {
  return Object.hasOwn(settings.providers, id) ? settings.providers[id] : toProvider(id, undefined);
}

/** Those of the file come first. */
export function allProviders(settings: Settings): Provider[] {
  const written = Object.values(settings.providers);
  const others = PRESETS.filter((preset) => !Object.hasOwn(settings.providers, preset.id));
  return [...written, ...others.flatMap((preset) => toProvider(preset.id, undefined) ?? [])];
}

function toSettings(file: ConfigFile): Settings {
  const providers = Object.entries(file.providers).flatMap(([id, written]) => toProvider(id, written) ?? []);
  return {
    theme: file.theme,
    routing: toRouting(file.routing),
    providers: Object.fromEntries(providers.map((provider) => [provider.id, provider])),
    modelsDev: toModelsDev(file.models_dev),
    models: file.models.map(toModelOverride),
    chains: file.chains,
    fallbacks: file.fallbacks,
    rules: file.rules.map(toUserRule),
    opencode: toOpencode(file.opencode),
    agents: file.agents,
    limits: toLimits(file.limits),
    quota: toQuota(file.quota),
    state: toState(file.state),
    store: file.store,
  };
}

function toRouting(table: ConfigFile["routing"]) {
  return {
    strategy: table.strategy,
    triesPerKey: table.tries_per_key,
    failWindowMs: table.fail_window,
    rateLimitThreshold: table.rate_limit_threshold,
    firstTokenTimeoutMs: table.first_token_timeout,
    silenceLimitMs: table.silence_limit,
    stallTimeoutMs: table.stall_timeout,
    patienceMs: table.patience,
    maxWaitMs: table.max_wait,
    holdMs: table.hold,
    resume: table.resume,
    cooldown: { baseMs: table.cooldown.base, factor: table.cooldown.factor, maxMs: table.cooldown.max },
  };
}

function toModelsDev(table: ConfigFile["models_dev"]) {
  return {
    enabled: table.enabled,
    url: table.url,
    timeoutMs: table.timeout,
    cacheTtlMs: table.cache_ttl,
    providerAliases: table.provider_aliases,
  };
}

function toModelOverride(table: ConfigFile["models"][number]) {
  return {
    id: table.id,
    match: table.match,
    context: table.context,
    output: table.output,
    addIfMissing: table.add_if_missing,
  };
}

function toUserRule(table: ConfigFile["rules"][number]) {
  return {
    provider: table.provider,
    status: table.status,
    text: table.text,
    regex: table.regex,
    verdict: table.verdict,
  };
}

function toOpencode(table: ConfigFile["opencode"]) {
  return {
    path: table.path,
    plugin: table.plugin,
    toasts: table.toasts,
    keyPrefix: table.key_prefix,
    shellKeys: table.shell_keys,
    tools: table.tools,
  };
}

function toLimits(table: ConfigFile["limits"]) {
  return {
    bodyBytes: table.body_bytes,
    errorBodyBytes: table.error_body_bytes,
    answerBytes: table.answer_bytes,
    headerBytes: table.header_bytes,
    openRequests: table.open_requests,
    drainMs: table.drain,
  };
}

function toQuota(table: ConfigFile["quota"]) {
  return { enabled: table.enabled, pollMs: table.poll, reserve: table.reserve };
}

function toState(table: ConfigFile["state"]) {
  return {
    ledger: table.ledger,
    heads: table.heads,
    ledgerDays: table.ledger_days,
    ledgerRows: table.ledger_rows,
  };
}
