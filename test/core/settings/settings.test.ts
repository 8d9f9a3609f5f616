import { expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import {
  allProviders,
  defaultSettings,
  parseSettings,
  providerOf,
  type Settings,
} from "../../../src/core/settings/settings.ts";

function settingsOf(toml: string): Settings {
  const parsed = parseSettings(parse(toml));
  if ("faults" in parsed) throw new Error(parsed.faults.map((fault) => fault.what).join("\n"));
  return parsed.settings;
}

function warningsOf(toml: string): string[] {
  const parsed = parseSettings(parse(toml));
  return "faults" in parsed ? [] : parsed.warnings.map((warning) => warning.what);
}

const FULL = `
theme = "nord"
[routing]
strategy = "least-failures"
tries_per_key = 2
fail_window = "1h30m"
rate_limit_threshold = 5
first_token_timeout = "20s"
silence_limit = "10m"
stall_timeout = "250ms"
patience = "0s"
max_wait = "1m"
hold = "8h"
resume = false
cooldown = { base = "10s", factor = 2, max = "5m" }
[providers.ollama-cloud]
[providers.nvidia]
rpm = 0
[providers.work]
base_url = "http://localhost:8000"
api = "responses"
models = ["qwen3-coder"]
refresh_on_list = false
model_cache_ttl = "1m"
concurrency = 3
rpm = 7
name = "Work"
env = "WORK_KEY"
quota = "ollama-cloud"
billing = "metered"
daily_budget = "2 USD"
first_token_timeout = "3s"
stall_timeout = "4s"
[models_dev]
enabled = false
url = "http://mirror.example/api.json"
timeout = "2s"
cache_ttl = "1h"
provider_aliases = { cx = "openai" }
[[models]]
match = '/gpt-5\\.3-codex$/i'
context = 200000
output = 8192
[[models]]
id = "omniroute/virtual/mine"
add_if_missing = true
[chains]
coding = ["ollama-cloud/gpt-oss:120b", "nvidia/openai/gpt-oss-120b"]
all = ["coding", "work/qwen3-coder"]
[fallbacks]
"ollama-cloud/kimi-k2.6" = ["ollama-cloud/gpt-oss:120b"]
"*" = ["coding"]
[[rules]]
provider = "work"
status = 503
text = "pool is drained"
regex = "/drained/i"
verdict = "overloaded"
[opencode]
path = "/opt/opencode"
plugin = false
toasts = false
shell_keys = true
tools = true
[agents.claude]
path = "/opt/claude"
model = "a/b"
opus = "a/c"
sonnet = "a/d"
haiku = "a/e"
[agents.codex]
path = "/opt/codex"
model = "a/b"
[agents.kilo]
path = "/opt/kilo"
model = "a/b"
[limits]
body_bytes = 1048576
answer_bytes = 2097152
error_body_bytes = 2048
header_bytes = 4096
open_requests = 2
drain = "1s"
[state]
ledger_days = 1
ledger_rows = 100
[store]
url = "rediss://team@store.example:6380/2"
prefix = "team"
keychain = true
`;

test("no file at all gives the documented defaults", () => {
  expect(defaultSettings()).toEqual({
    theme: "opencode",
    routing: {
      strategy: "auto",
      triesPerKey: 1,
      failWindowMs: 18_000_000,
      rateLimitThreshold: 3,
      firstTokenTimeoutMs: 60_000,
      silenceLimitMs: 300_000,
      stallTimeoutMs: 60_000,
      patienceMs: 5000,
      maxWaitMs: 90_000,
      holdMs: 0,
      resume: true,
      cooldown: { baseMs: 30_000, factor: 1.5, maxMs: 3_600_000 },
    },
    providers: {},
    modelsDev: {
      enabled: true,
      url: "https://models.dev/api.json",
      timeoutMs: 1000,
      cacheTtlMs: 86_400_000,
      providerAliases: {},
    },
    models: [],
    chains: {},
    fallbacks: {},
    rules: [],
    opencode: {
      path: undefined,
      plugin: true,
      toasts: true,
      keyPrefix: "<leader>o",
      shellKeys: false,
      tools: false,
    },
    agents: {
      claude: { path: undefined, model: undefined, opus: undefined, sonnet: undefined, haiku: undefined },
      codex: { path: undefined, model: undefined },
      kilo: { path: undefined, model: undefined },
    },
    limits: {
      bodyBytes: 67_108_864,
      answerBytes: 67_108_864,
      errorBodyBytes: 65_536,
      headerBytes: 16_384,
      openRequests: 1024,
      drainMs: 30_000,
    },
    state: { ledger: true, heads: true, ledgerDays: 7, ledgerRows: 50_000 },
    quota: { enabled: true, pollMs: 60_000, reserve: 0 },
    store: { url: undefined, prefix: "orouter", keychain: false },
  });
});

test("every setting that is written arrives", () => {
  const settings = settingsOf(FULL);
  expect(settings.routing).toEqual({
    strategy: "least-failures",
    triesPerKey: 2,
    failWindowMs: 5_400_000,
    rateLimitThreshold: 5,
    firstTokenTimeoutMs: 20_000,
    silenceLimitMs: 600_000,
    stallTimeoutMs: 250,
    patienceMs: 0,
    maxWaitMs: 60_000,
    holdMs: 28_800_000,
    resume: false,
    cooldown: { baseMs: 10_000, factor: 2, maxMs: 300_000 },
  });
  expect(settings.providers["work"]).toEqual({
    id: "work",
    name: "Work",
    baseUrl: "http://localhost:8000/v1",
    api: "responses",
    auth: "bearer",
    rpm: 7,
    concurrency: 3,
    models: ["qwen3-coder"],
    refreshOnList: false,
    modelCacheTtlMs: 60_000,
    env: ["WORK_KEY"],
    sharedEnv: [],
    placeholderKey: "none",
    quota: "ollama-cloud",
    isQuotaNamed: true,
    billing: "metered",
    dailyBudget: { amount: 2, unit: "USD" },
    firstTokenTimeoutMs: 3000,
    stallTimeoutMs: 4000,
  });
  expect(settings.modelsDev.providerAliases).toEqual({ cx: "openai" });
  expect(settings.models).toEqual([
    { id: undefined, match: /gpt-5\.3-codex$/i, context: 200_000, output: 8192, addIfMissing: false },
    {
      id: "omniroute/virtual/mine",
      match: undefined,
      context: undefined,
      output: undefined,
      addIfMissing: true,
    },
  ]);
  expect(settings.chains["all"]).toEqual(["coding", "work/qwen3-coder"]);
  expect(settings.fallbacks["*"]).toEqual(["coding"]);
  expect(settings.rules).toEqual([
    { provider: "work", status: 503, text: "pool is drained", regex: /drained/i, verdict: "overloaded" },
  ]);
  expect(settings.opencode).toEqual({
    path: "/opt/opencode",
    plugin: false,
    toasts: false,
    keyPrefix: "<leader>o",
    shellKeys: true,
    tools: true,
  });
  expect(settings.limits).toEqual({
    bodyBytes: 1_048_576,
    answerBytes: 2_097_152,
    errorBodyBytes: 2048,
    headerBytes: 4096,
    openRequests: 2,
    drainMs: 1000,
  });
  expect(settings.state).toEqual({ ledger: true, heads: true, ledgerDays: 1, ledgerRows: 100 });
});

test("rpm = 0 switches a preset's pacing off, and a preset in the file keeps its address", () => {
  const settings = settingsOf(FULL);
  expect(settings.providers["nvidia"]?.rpm).toBeUndefined();
  expect(settings.providers["ollama-cloud"]?.baseUrl).toBe("https://ollama.com/v1");
});

test("a preset outside the file is a provider too, an unknown id is none", () => {
  const settings = settingsOf(FULL);
  expect(providerOf(settings, "nvidia")?.rpm).toBeUndefined();
  expect(providerOf(defaultSettings(), "nvidia")?.rpm).toBe(40);
  expect(providerOf(settings, "nowhere")).toBeUndefined();
  expect(providerOf(settings, "toString")).toBeUndefined();
  const ids = allProviders(settings).map((provider) => provider.id);
  expect(ids.slice(0, 3)).toEqual(["ollama-cloud", "nvidia", "work"]);
  expect(new Set(ids).size).toBe(ids.length);
});

test("a variable that other tools share counts only once its provider is in the file", () => {
  expect(providerOf(defaultSettings(), "github-models")?.env).toEqual([]);
  expect(settingsOf("[providers.github-models]").providers["github-models"]?.env).toEqual(["GITHUB_TOKEN"]);
});

test("an unknown api falls back to chat with a warning", () => {
  const toml = '[providers.nvidia]\napi = "grpc"';
  expect(settingsOf(toml).providers["nvidia"]?.api).toBe("chat");
  expect(warningsOf(toml)).toEqual(["providers.nvidia.api is unknown, so chat is used"]);
  expect(warningsOf('[providers.nvidia]\napi = "responses"')).toEqual([]);
});

test("a window that opencode's own prompt does not fit into is warned about", () => {
  const warned = (context: number): number =>
    warningsOf(`[[models]]\nid = "nvidia/x"\ncontext = ${context}`).length;
  expect([4096, 16_383, 16_384].map(warned)).toEqual([1, 1, 0]);
});

test("a chain through a provider nobody set up is warned about", () => {
  expect(warningsOf('[chains]\na = ["nvidia/x", "nvdia/x"]')).toEqual([
    "chains.a[1] names the provider nvdia, which is not set up; did you mean nvidia?",
  ]);
});

test("whatever a file holds, it is read or refused with faults, never thrown at", () => {
  const table = fc.dictionary(
    fc.constantFrom(
      "theme",
      "routing",
      "providers",
      "models",
      "chains",
      "fallbacks",
      "rules",
      "base_url",
      "id",
      "x",
    ),
    fc.anything({ withDate: true }),
  );
  fc.assert(
    fc.property(table, (value) => {
      const parsed = parseSettings(value);
      expect("faults" in parsed ? parsed.faults.length > 0 : parsed.settings !== undefined).toBe(true);
    }),
  );
});
