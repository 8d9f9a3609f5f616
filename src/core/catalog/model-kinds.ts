import { parseModelRef } from "../model-ref.ts";
import type { ModelOverride } from "../settings/settings.ts";
import type { ListedModel, ModelTraits } from "./model-list.ts";

/** Non-chat families in provider lists; each entry is one word of the id, or several in a row. */
const OTHER_FAMILIES = [
  // Embeddings, retrieval, ranking.
  [
    "(?:\\w*embed(?:ding|dings|code|qa)?)",
    "bge",
    "e5",
    "gte",
    "nvclip",
    "clip",
    "nemoretriever",
    "retriever",
  ],
  ["rerank(?:er|ing)?", "reward", "colbert"],
  // Speech and sound.
  [
    "whisper",
    "tts",
    "asr",
    "stt",
    "parakeet",
    "canary",
    "magpie",
    "riva",
    "studiovoice",
    "voicechat",
    "lyria",
  ],
  ["transcribe", "realtime", "speech", "melotts", "active-speaker-detection"],
  // Images and video.
  [
    "flux",
    "sdxl",
    "stable-diffusion",
    "dall-e",
    "imagen",
    "qwen-image",
    "gpt-image",
    "sora",
    "veo",
    "trellis",
  ],
  ["cosmos", "synthetic-video-detector", "paligemma", "deplot", "ocdrnet", "paddleocr", "nemoretriever-ocr"],
  // Safety filters and detectors.
  ["guard", "safety", "moderation", "shieldgemma", "gliner", "topic-control", "jailbreak-detect"],
  // Biology, weather, driving, planning.
  ["esm2", "esmfold", "alphafold2?", "boltz2?", "diffdock", "evo2", "genmol", "molmim", "proteinmpnn"],
  ["rfdiffusion", "openfold\\d?", "msa-search", "vista-3d", "fourcastnet", "corrdiff", "cuopt"],
  ["bevformer", "sparsedrive", "streampetr", "usdvalidate", "usdcode"],
  // Old completion models without chat.
  ["babbage", "davinci", "aqa"],
].flat();

const OTHER = new RegExp(`(?:^|[/_:.-])(?:${OTHER_FAMILIES.join("|")})(?:$|[/_:.\\d-])`, "i");

/** A guess by the name alone. */
export function isChatModel(id: string): boolean {
  return !OTHER.test(id);
}

/** A model that its provider removed, and the recommended replacement. */
type RetiredRow = [model: string, replacement?: string];

/** Announced by Ollama Cloud. If one comes back, the live list wins. */
const OLLAMA_CLOUD: readonly RetiredRow[] = [
  ["kimi-k2-thinking", "kimi-k2.6"],
  ["kimi-k2:1t", "kimi-k2.6"],
  ["kimi-k2.5", "kimi-k2.6"],
  ["minimax-m2", "minimax-m3"],
  ["minimax-m2.1", "minimax-m3"],
  ["minimax-m2.5", "minimax-m2.7"],
  ["glm-4.6", "glm-5.1"],
  ["glm-4.7", "glm-5.2"],
  ["glm-5", "glm-5.2"],
  ["glm-5.1", "glm-5.2"],
  ["qwen3-next:80b", "qwen3.5:397b"],
  ["qwen3-vl:235b", "qwen3.5:397b"],
  ["qwen3-vl:235b-instruct", "qwen3.5:397b"],
  ["qwen3-coder-next", "qwen3.5:397b"],
  ["qwen3-coder:480b", "qwen3.5:397b"],
  ["qwen3.5:397b", "glm-5.3"],
  ["cogito-2.1:671b", "deepseek-v4-flash"],
  ["deepseek-v3.1:671b", "deepseek-v4-flash"],
  ["deepseek-v3.2", "deepseek-v4-flash"],
  ["devstral-2:123b", "mistral-large-3:675b"],
  ["devstral-small-2:24b"],
  ["ministral-3:3b"],
  ["ministral-3:8b"],
  ["ministral-3:14b"],
  ["gemini-3-flash-preview", "minimax-m3"],
  ["gemma3:4b", "gemma4:31b"],
  ["gemma3:12b", "gemma4:31b"],
  ["gemma3:27b", "gemma4:31b"],
  ["rnj-1:8b"],
];

const RETIRED: Readonly<Record<string, ReadonlyMap<string, string | undefined>>> = {
  "ollama-cloud": new Map(OLLAMA_CLOUD.map(([model, replacement]) => [model, replacement])),
};

/** Undefined while the model is not known to be gone. Follows replacements that are gone themselves. */
export function retirementOf(
  provider: string,
  model: string,
): { replacement: string | undefined } | undefined {
  const table = Object.hasOwn(RETIRED, provider) ? RETIRED[provider] : undefined;
  if (table?.has(model) !== true) return undefined;
  let replacement = table.get(model);
  while (replacement !== undefined && table.has(replacement)) replacement = table.get(replacement);
  return { replacement };
}

/** How hosts write model names: as listed or in configs, and on the wire. */
const HABITS: readonly { host: RegExp; cut: RegExp }[] = [
  // The suffix is for the local daemon, which removes it before it asks the cloud.
  { host: /(?:^|\.)ollama\.com$/, cut: /(?::|-)cloud$/ },
  // Google's OpenAI endpoint lists resource names.
  { host: /(?:^|\.)googleapis\.com$/, cut: /^models\// },
];

/** There are few base URLs, and every request looks one up. */
const known = new Map<string, (typeof HABITS)[number] | undefined>();

function habitOf(baseUrl: string): (typeof HABITS)[number] | undefined {
  if (!known.has(baseUrl)) {
    const host = URL.parse(baseUrl)?.hostname ?? "";
    known.set(
      baseUrl,
      HABITS.find((one) => one.host.test(host)),
    );
  }
  return known.get(baseUrl);
}

/** The id that the provider's API uses, from one as listed or written in a config. */
export function wireModelId(model: string, baseUrl: string): string {
  const habit = habitOf(baseUrl);
  const id = habit === undefined ? model : model.replace(habit.cut, "");
  return id === "" ? model : id;
}

type DefaultRow = [
  id: string,
  name: string,
  context?: number,
  output?: number | undefined,
  abilities?: string,
];

/** Offered while a provider cannot be asked and nothing is cached: `t` tools, `r` reasoning, `v` vision. */
const DEFAULTS: Readonly<Record<string, readonly DefaultRow[]>> = {
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

/** Applies the user's `[[models]]`; later ones win, field by field. */
export function withOverrides<T extends ModelTraits>(
  ref: string,
  traits: T,
  overrides: readonly ModelOverride[],
): T {
  let { context, output } = traits;
  for (const one of overrides) {
    if (!covers(one, ref)) continue;
    context = one.context ?? context;
    output = one.output ?? output;
  }
  return { ...traits, context, output };
}

/** Whether the user has set any limit of the model. */
export function isOverridden(ref: string, overrides: readonly ModelOverride[]): boolean {
  return overrides.some((one) => (one.context ?? one.output) !== undefined && covers(one, ref));
}

/** Models that the user adds to a provider's list. */
export function addedModels(provider: string, overrides: readonly ModelOverride[]): string[] {
  return overrides.flatMap(({ id, addIfMissing }) => {
    const ref = id === undefined || !addIfMissing ? undefined : parseModelRef(id);
    return ref?.provider === provider ? [ref.model] : [];
  });
}

function covers(override: ModelOverride, ref: string): boolean {
  if (override.id !== undefined) return override.id === ref;
  return override.match !== undefined && ref.search(override.match) >= 0;
}
