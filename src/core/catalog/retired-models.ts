/** A model that its provider has taken away, and what it recommends instead. */
type Row = [model: string, replacement?: string];

/** Ollama Cloud announces these; a model of the list below that is back is in the live list, which wins. */
const OLLAMA_CLOUD: readonly Row[] = [
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

/** What became of a model: undefined while it is not known to be gone. A replacement that is gone itself is followed. */
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
