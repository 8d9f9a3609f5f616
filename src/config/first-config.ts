import { tomlKey } from "../core/settings/setting-names.ts";

/** What is to be added to config.toml. */
export interface ConfigAddition {
  /** By their ids; a provider that is known by its name needs nothing in its table. */
  providers: Readonly<Record<string, ProviderAddition>>;
  chain: { name: string; models: readonly string[] } | undefined;
}

/** What has to be said of a service of one's own. */
export interface ProviderAddition {
  base_url?: string;
  models?: string[];
}

const HEAD = `# The settings of orouter. Everything is optional; all there is, with its defaults: orouter config show
# Keys are not in here: they lie in keys.toml beside this file. Change them with: orouter keys
`;

const PROVIDERS = `# The services to use, the first one first. One that orouter knows by name needs nothing but its header.
# What can stand under each:
#   rpm = 40                       # calls a minute per key
#   concurrency = 3                # calls at a time per key
#   models = ["some-model"]        # only for a service that cannot be asked for its models
`;

const CHAINS = `# Each list is a model of its own, orouter/NAME in opencode: what the first one cannot answer goes to the next.
# Where you have chosen no model in opencode, it starts with the first list. Change them here or with: orouter chain
`;

const CHAIN_EXAMPLE = `# [chains]
# coding = ["ollama-cloud/gpt-oss:120b", "nvidia/openai/gpt-oss-120b"]
`;

const MORE = `# What stands behind every model that has nothing of its own behind it.
# [fallbacks]
# "*" = ["coding"]

# [routing]
# strategy = "sticky"              # or random, round-robin, least-failures
# first_token_timeout = "60s"      # silence before the first word, then the next model is asked
# max_wait = "30s"                 # wait for a key that is free again this soon rather than fail
`;

/** The text of a config.toml that is written for the first time. */
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

/** One model a line: that is how one reads an order, and how one changes it. */
function listText(models: readonly string[]): string {
  if (models.length === 1) return JSON.stringify(models);
  return `[\n${models.map((model) => `  ${JSON.stringify(model)},\n`).join("")}]`;
}
