import { tomlKey } from "../core/settings/setting-names.ts";

/** What setup adds to config.toml. */
export interface ConfigAddition {
  /** By id; a preset has an empty table. */
  providers: Readonly<Record<string, ProviderAddition>>;
  chain: { name: string; models: readonly string[] } | undefined;
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
# strategy = "sticky"              # or random, round-robin, least-failures
# first_token_timeout = "60s"      # without a first token after this time, another key or model is tried
# max_wait = "90s"                 # keep waiting and retrying up to this long before a request fails
`;

/** The text of a new config.toml. */
export function firstConfig({ providers, chain }: ConfigAddition): string {
  const tables = Object.entries(providers).map(([id, table]) => tableText(`providers.${tomlKey(id)}`, table));
  const chains =
    chain === undefined ? CHAIN_EXAMPLE : `[chains]\n${tomlKey(chain.name)} = ${listText(chain.models)}\n`;
  return [HEAD, PROVIDERS + tables.join("\n"), CHAINS + chains, MORE].join("\n");
}

function tableText(name: string, table: ProviderAddition): string {
  const lines = Object.entries(table).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  return `[${name}]\n${lines.join("")}`;
}

/** One model per line, so that the order is easy to read and to change. */
function listText(models: readonly string[]): string {
  if (models.length === 1) return JSON.stringify(models);
  return `[\n${models.map((model) => `  ${JSON.stringify(model)},\n`).join("")}]`;
}
