/** Short and other names of providers, as gateways and hosts put them before a model, and models.dev's name for each. */
const ALIASES: Readonly<Record<string, string>> = {
  oai: "openai",
  cx: "openai",
  codex: "openai",
  claude: "anthropic",
  cc: "anthropic",
  gemini: "google",
  "gemini-cli": "google",
  gc: "google",
  gh: "github-copilot",
  github: "github-copilot",
  kmc: "kimi-for-coding",
  "kimi-coding": "kimi-for-coding",
  ollama: "ollama-cloud",
  nim: "nvidia",
  together: "togetherai",
  fireworks: "fireworks-ai",
  or: "openrouter",
  "z-ai": "zai",
  "zai-org": "zai",
  glm: "zai",
  "deepseek-ai": "deepseek",
  mistralai: "mistral",
  minimaxai: "minimax",
  "x-ai": "xai",
  qwen: "alibaba",
  moonshot: "moonshotai",
  "meta-llama": "llama",
};

/** The provider of models.dev that a prefix means; the user's own aliases win. */
export function aliasedProvider(prefix: string, own: Readonly<Record<string, string>>): string {
  const word = prefix.toLowerCase();
  if (Object.hasOwn(own, prefix)) return own[prefix] ?? word;
  if (Object.hasOwn(own, word)) return own[word] ?? word;
  return Object.hasOwn(ALIASES, word) ? (ALIASES[word] ?? word) : word;
}
