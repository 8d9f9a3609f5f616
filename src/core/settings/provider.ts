import { DEFAULT_DIALECT, type Dialect } from "../dialect/registry.ts";
import { BEARER } from "../key.ts";
import type { DailyBudget } from "../quota/budget.ts";
import { usualQuota } from "../quota/readers.ts";
import type { UnfinishedMark } from "../stream/prefill.ts";
import { findPreset, type Preset } from "./presets.ts";
import { emptyProvider, type ProviderTable } from "./schema.ts";

/** An upstream service: the settings in config.toml merged with the preset of the same id. */
export interface Provider {
  id: string;
  name: string;
  baseUrl: string;
  api: Dialect;
  /** Where the key goes: `bearer`, or the name of a header. */
  auth: string;
  /** Requests per minute and key; undefined: no limit. */
  rpm: number | undefined;
  /** Parallel requests per key; undefined: no limit. */
  concurrency: number | undefined;
  models: readonly string[];
  refreshOnList: boolean;
  modelCacheTtlMs: number;
  /** The variables with its keys, without the `_1`, `_2` … forms. */
  env: readonly string[];
  /** Variables that other tools use too: never removed from a child's environment. */
  sharedEnv: readonly string[];
  /** Sent if there is no key; undefined: a key is required. */
  placeholderKey: string | undefined;
  /** How to read what is left on a key; undefined: it cannot be read. */
  quota: string | undefined;
  /** Whether the settings name it: then the address need not be the service's own. */
  isQuotaNamed: boolean;
  billing: ProviderTable["billing"];
  /** A cap for each key; undefined: none. */
  dailyBudget: DailyBudget | undefined;
  /** Undefined: the one under `[routing]`. */
  firstTokenTimeoutMs: number | undefined;
  stallTimeoutMs: number | undefined;
  /** The field that marks a last turn as unfinished; undefined where none is needed. */
  unfinishedMark?: UnfinishedMark | undefined;
}

/** Stands for the key of a local server that needs none. */
const NO_KEY = "none";

/** Undefined if neither has an address. */
export function toProvider(id: string, written: ProviderTable | undefined): Provider | undefined {
  const preset = findPreset(id);
  const table = written ?? emptyProvider();
  const baseUrl = table.base_url ?? preset?.baseUrl;
  if (baseUrl === undefined) return undefined;
  return {
    id,
    name: table.name ?? preset?.name ?? id,
    baseUrl,
    api: table.api ?? preset?.api ?? DEFAULT_DIALECT,
    auth: table.auth ?? preset?.auth ?? BEARER,
    rpm: pace(table.rpm ?? preset?.rpm),
    concurrency: table.concurrency,
    models: table.models,
    refreshOnList: table.refresh_on_list,
    modelCacheTtlMs: table.model_cache_ttl,
    ...variables(preset, written),
    placeholderKey: preset?.placeholderKey ?? (isLoopback(baseUrl) ? NO_KEY : undefined),
    quota: table.quota ?? usualQuota(id),
    isQuotaNamed: table.quota !== undefined,
    billing: table.billing,
    dailyBudget: table.daily_budget,
    firstTokenTimeoutMs: table.first_token_timeout,
    stallTimeoutMs: table.stall_timeout,
    unfinishedMark: preset?.unfinishedMark,
  };
}

function variables(
  preset: Preset | undefined,
  written: ProviderTable | undefined,
): Pick<Provider, "env" | "sharedEnv"> {
  const known = preset?.env ?? [];
  const sharedEnv = preset?.sharedEnv ? known : [];
  const own = written?.env === undefined ? [] : [written.env];
  // A shared variable counts only if its provider is in config.toml.
  const usable = written === undefined ? known.filter((name) => !sharedEnv.includes(name)) : known;
  return { env: [...new Set([...own, ...usable])], sharedEnv };
}

/** 0 in the file turns the preset's limit off. */
function pace(rpm: number | undefined): number | undefined {
  return rpm === 0 ? undefined : rpm;
}

/** A server on this machine rarely needs a key, so it must work without one. */
function isLoopback(baseUrl: string): boolean {
  const host = URL.parse(baseUrl)?.hostname ?? "";
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(host)
  );
}
