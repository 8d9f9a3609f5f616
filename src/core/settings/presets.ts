import { DEFAULT_DIALECT, DIALECT_NAMES, type Dialect, dialectSpec } from "../dialect/registry.ts";
import { BEARER } from "../key.ts";
import type { UnfinishedMark } from "../stream/prefill.ts";

/** A provider whose address and limits are built in. */
export interface Preset {
  id: string;
  name: string;
  /** Used as it is: not every address ends in `/v1`. */
  baseUrl: string;
  /** The variables that may contain a key, the usual one first. */
  env: readonly string[];
  api: Dialect;
  /** Where the key goes: `bearer`, or the name of a header. */
  auth: string;
  /** Requests per minute and key, if the provider has such a limit. */
  rpm: number | undefined;
  /** Sent if the server needs no key; undefined if a key is required. */
  placeholderKey: string | undefined;
  keysUrl: string;
  /**
   * Other tools (git, gh, hub clients) use the variable too: it counts only if the provider is configured, and stays in
   * opencode's environment.
   */
  sharedEnv: boolean;
  /** The field that marks a last turn of the assistant as unfinished, where the service continues it only with one. */
  unfinishedMark: UnfinishedMark | undefined;
  /** What a person should know before choosing it. */
  note: string | undefined;
}

type Extras = Partial<
  Pick<Preset, "api" | "auth" | "rpm" | "placeholderKey" | "sharedEnv" | "unfinishedMark" | "note">
>;

type Row = [id: string, name: string, baseUrl: string, env: string, keysUrl: string, extras?: Extras];

// biome-ignore format: one line per provider reads as the table it is
const ROWS: readonly Row[] = [
  ["ollama-cloud", "Ollama Cloud", "https://ollama.com/v1", "OLLAMA_API_KEY", "https://ollama.com/settings/keys"],
  ["nvidia", "NVIDIA NIM", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", "https://build.nvidia.com/settings/api-keys", { rpm: 40 }],
  ["omniroute", "OmniRoute", "http://localhost:20128/v1", "OMNIROUTE_API_KEY", "http://localhost:20128/dashboard", { placeholderKey: "sk_omniroute" }],
  ["openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "https://openrouter.ai/settings/keys"],
  ["groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "https://console.groq.com/keys"],
  ["cerebras", "Cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", "https://cloud.cerebras.ai"],
  ["mistral", "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "https://console.mistral.ai/api-keys", { unfinishedMark: "prefix" }],
  ["togetherai", "Together AI", "https://api.together.xyz/v1", "TOGETHER_API_KEY", "https://api.together.ai/settings/api-keys"],
  ["google", "Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY GOOGLE_API_KEY GOOGLE_GENERATIVE_AI_API_KEY", "https://aistudio.google.com/apikey"],
  ["openai", "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY", "https://platform.openai.com/api-keys", { note: "opencode treats ids that begin with openai in its own way, so it sees this one under another id" }],
  ["github-models", "GitHub Models", "https://models.github.ai/inference", "GITHUB_TOKEN", "https://github.com/settings/tokens", { sharedEnv: true }],
  ["huggingface", "Hugging Face", "https://router.huggingface.co/v1", "HF_TOKEN", "https://huggingface.co/settings/tokens", { sharedEnv: true }],
  ["zai", "Z.AI", "https://api.z.ai/api/paas/v4", "ZHIPU_API_KEY", "https://z.ai/manage-apikey/apikey-list"],
  ["zai-coding-plan", "Z.AI Coding Plan", "https://api.z.ai/api/coding/paas/v4", "ZHIPU_API_KEY", "https://z.ai/manage-apikey/apikey-list"],
  ["opencode", "OpenCode Zen", "https://opencode.ai/zen/v1", "OPENCODE_API_KEY", "https://opencode.ai/auth", { note: "opencode sends other headers to ids that begin with opencode, so it sees this one under another id" }],
  ["opencode-go", "OpenCode Go", "https://opencode.ai/zen/go/v1", "OPENCODE_API_KEY", "https://opencode.ai/auth", { note: "opencode sends other headers to ids that begin with opencode, so it sees this one under another id" }],
  ["deepseek", "DeepSeek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", "https://platform.deepseek.com/api_keys"],
  ["moonshotai", "Moonshot AI", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", "https://platform.moonshot.ai/console/api-keys", { unfinishedMark: "partial" }],
  ["anthropic", "Anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "https://platform.claude.com/settings/keys", { api: "messages", auth: "x-api-key" }],
  ["kimi-for-coding", "Kimi For Coding", "https://api.kimi.com/coding/v1", "KIMI_API_KEY", "https://www.kimi.com/code/console", { api: "messages", auth: "x-api-key", note: "Kimi accepts its coding keys from coding agents only" }],
  ["minimax", "MiniMax", "https://api.minimax.io/anthropic/v1", "MINIMAX_API_KEY", "https://platform.minimax.io/user-center/basic-information/interface-key", { api: "messages" }],
  ["minimax-coding-plan", "MiniMax Token Plan", "https://api.minimax.io/anthropic/v1", "MINIMAX_API_KEY", "https://platform.minimax.io/user-center/payment/token-plan", { api: "messages" }],
  ["chutes", "Chutes", "https://llm.chutes.ai/v1", "CHUTES_API_KEY", "https://chutes.ai/app/api"],
  ["fireworks-ai", "Fireworks AI", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", "https://app.fireworks.ai/settings/users/api-keys"],
  ["nebius", "Nebius Token Factory", "https://api.tokenfactory.nebius.com/v1", "NEBIUS_API_KEY", "https://tokenfactory.nebius.com"],
  ["novita-ai", "Novita AI", "https://api.novita.ai/openai", "NOVITA_API_KEY", "https://novita.ai/settings/key-management"],
  ["siliconflow", "SiliconFlow", "https://api.siliconflow.com/v1", "SILICONFLOW_API_KEY", "https://cloud.siliconflow.com/account/ak"],
  ["requesty", "Requesty", "https://router.requesty.ai/v1", "REQUESTY_API_KEY", "https://app.requesty.ai/api-keys"],
  ["baseten", "Baseten", "https://inference.baseten.co/v1", "BASETEN_API_KEY", "https://app.baseten.co/settings/api_keys"],
  ["modelscope", "ModelScope", "https://api-inference.modelscope.cn/v1", "MODELSCOPE_API_KEY", "https://modelscope.cn/my/myaccesstoken"],
  ["alibaba", "Alibaba Model Studio", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", "https://modelstudio.console.alibabacloud.com", { unfinishedMark: "partial" }],
  ["poe", "Poe", "https://api.poe.com/v1", "POE_API_KEY", "https://poe.com/api_key"],
  ["scaleway", "Scaleway", "https://api.scaleway.ai/v1", "SCALEWAY_API_KEY", "https://console.scaleway.com/iam/api-keys"],
  ["ovhcloud", "OVHcloud AI Endpoints", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", "OVHCLOUD_API_KEY", "https://endpoints.ai.cloud.ovh.net"],
  ["synthetic", "Synthetic", "https://api.synthetic.new/openai/v1", "SYNTHETIC_API_KEY", "https://synthetic.new"],
  ["inference", "Inference.net", "https://inference.net/v1", "INFERENCE_API_KEY", "https://inference.net/dashboard"],
  ["lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", "LMSTUDIO_API_KEY", "https://lmstudio.ai", { placeholderKey: "lm-studio" }],
];

/** The three of the first screen come first. */
export const PRESETS: readonly Preset[] = ROWS.map(([id, name, baseUrl, env, keysUrl, extras]) => ({
  id,
  name,
  baseUrl,
  env: env.split(" "),
  api: DEFAULT_DIALECT,
  auth: BEARER,
  rpm: undefined,
  placeholderKey: undefined,
  keysUrl,
  sharedEnv: false,
  unfinishedMark: undefined,
  note: undefined,
  ...extras,
}));

const BY_ID = new Map(PRESETS.map((preset) => [preset.id, preset]));

export function findPreset(id: string): Preset | undefined {
  return BY_ID.get(id);
}

/** `v1`, `v4`, `v1beta`: a path segment with an API version. */
const VERSION = /^v\d+[a-z0-9]*$/i;

/** Endpoints that users copy from a curl line together with the base. */
const ENDPOINTS = [
  ...DIALECT_NAMES.map((dialect) => dialectSpec(dialect).path),
  "completions",
  "models",
  "embeddings",
];

/**
 * The base address of an upstream's endpoints, without a final slash. A path with a version stays (`/api/paas/v4`,
 * `/v1beta/openai`, `/inference/v1`), as does a preset's address; every other one gets `/v1`. Exactly one: `/v1/v1` is
 * the most common mistake. Undefined unless it is a plain http(s) address without user name, query and fragment.
 */
export function normalizeBaseUrl(text: string): string | undefined {
  const url = URL.parse(text.trim());
  if (url === null || !isPlain(url)) return undefined;
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  const base = withoutEndpoint(segments);
  const given = joined(url, base);
  if (PRESETS.some((preset) => preset.baseUrl === given)) return given;
  while (base.at(-1) === "v1" && base.at(-2) === "v1") base.pop();
  if (!base.some((segment) => VERSION.test(segment))) base.push("v1");
  return joined(url, base);
}

function isPlain(url: URL): boolean {
  if (url.protocol !== "http:" && url.protocol !== "https:") return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function joined(url: URL, segments: readonly string[]): string {
  return [url.origin, ...segments].join("/");
}

function withoutEndpoint(segments: readonly string[]): string[] {
  let path = segments.join("/");
  for (let tail = endpointOf(path); tail !== undefined; tail = endpointOf(path)) {
    path = path.slice(0, -tail.length).replace(/\/$/, "");
  }
  return path === "" ? [] : path.split("/");
}

function endpointOf(path: string): string | undefined {
  return ENDPOINTS.find((name) => path === name || path.endsWith(`/${name}`));
}
