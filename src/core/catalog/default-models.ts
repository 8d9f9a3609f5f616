import type { ListedModel } from "./read-model-list.ts";

type Row = [id: string, name: string, context?: number, output?: number | undefined, abilities?: string];

/** What to offer while a provider cannot be asked and nothing is in the cache: `t` tools, `r` reasoning, `v` vision. */
const DEFAULTS: Readonly<Record<string, readonly Row[]>> = {
  "ollama-cloud": [
    ["gpt-oss:120b", "GPT OSS 120B", 131_072, 32_768, "tr"],
    ["gpt-oss:20b", "GPT OSS 20B", 131_072, 32_768, "tr"],
    ["gemma4:31b", "Gemma 4 31B", 262_144, 262_144, "trv"],
    ["glm-5.2", "GLM 5.2", 976_000, 131_072, "tr"],
    ["kimi-k2.6", "Kimi K2.6", 262_144, 262_144, "trv"],
    ["deepseek-v4-flash", "DeepSeek V4 Flash", 1_048_576, 1_048_576, "tr"],
    ["minimax-m3", "MiniMax M3", 512_000, 131_072, "trv"],
    ["minimax-m2.7", "MiniMax M2.7", 196_608, 196_608, "tr"],
    ["mistral-large-3:675b", "Mistral Large 3 675B", 262_144, 262_144, "tv"],
    ["kimi-k2.5", "Kimi K2.5", 262_144, 262_144, "trv"],
    ["qwen3.5:397b", "Qwen3.5 397B", 262_144, 65_536, "trv"],
    ["qwen3-coder-next", "Qwen3 Coder Next", 262_144, 65_536, "t"],
    ["qwen3-next:80b", "Qwen3 Next 80B", 262_144, 32_768, "tr"],
    ["glm-4.7", "GLM 4.7", 202_752, 131_072, "tr"],
    ["deepseek-v3.2", "DeepSeek V3.2", 163_840, 65_536, "tr"],
    ["devstral-small-2:24b", "Devstral Small 2 24B", 262_144, 262_144, "tv"],
    ["gemini-3-flash-preview", "Gemini 3 Flash Preview", 1_048_576, 65_536, "trv"],
  ],
  nvidia: [
    ["openai/gpt-oss-120b", "GPT OSS 120B", 128_000, 8192, "tr"],
    ["openai/gpt-oss-20b", "GPT OSS 20B", 131_072, 32_768, "tr"],
    ["meta/llama-3.1-70b-instruct", "Llama 3.1 70B Instruct", 128_000, 4096, "t"],
    ["meta/llama-3.3-70b-instruct", "Llama 3.3 70B Instruct", 128_000, 4096, "t"],
  ],
  omniroute: [
    ["auto", "Auto"],
    ["claude-opus-4-5-thinking", "Claude Opus 4.5 Thinking", 200_000, 64_000, "trv"],
    ["claude-sonnet-4-5-thinking", "Claude Sonnet 4.5 Thinking", 200_000, 64_000, "trv"],
    ["gemini-3.1-pro-high", "Gemini 3.1 Pro High", 1_048_576, 65_536, "trv"],
    ["gemini-3-flash", "Gemini 3 Flash", 1_048_576, 65_536, "trv"],
    ["gpt-4o", "GPT-4o", 128_000, 16_384, "tv"],
    ["gpt-4o-mini", "GPT-4o mini", 128_000, 16_384, "tv"],
    ["claude-3-5-sonnet", "Claude 3.5 Sonnet", 200_000, 8192, "tv"],
    ["llama-3-1-405b", "Llama 3.1 405B", 131_072, undefined, "t"],
  ],
};

/** The built-in list of a provider; empty for most. */
export function defaultModels(provider: string): ListedModel[] {
  const rows = Object.hasOwn(DEFAULTS, provider) ? DEFAULTS[provider] : undefined;
  return (rows ?? []).map(([id, name, context, output, abilities]) => ({
    id,
    name,
    isCombo: false,
    context,
    output,
    input: undefined,
    toolCall: abilities?.includes("t"),
    reasoning: abilities?.includes("r"),
    inputs: abilities === undefined ? undefined : abilities.includes("v") ? ["text", "image"] : ["text"],
    outputs: abilities === undefined ? undefined : ["text"],
    cost: undefined,
  }));
}
