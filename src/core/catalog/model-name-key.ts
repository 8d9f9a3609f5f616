/** What hosts write behind the name of a model without meaning another model: dates, channels, formats of the weights. */
const TRIMMINGS = [
  /-20\d{2}-\d{2}-\d{2}$/,
  /-20\d{6}$/,
  /-preview-\d{2}-\d{2}$/,
  /-(?:preview|latest|stable|free|cloud|maas|tee)$/,
  /-(?:fp8|fp4|nvfp4|mxfp4|bf16|fp16|awq|gptq|int4|int8|gguf|mlx)$/,
];

/** How hard it is to think, as gateways write it into names; of other families these words name models of their own. */
const EFFORT = /^((?:o\d|(?:gpt|gemini|claude).*\d).*)-(?:minimal|low|medium|high|xhigh|thinking)$/;

/**
 * A form of a model's name that hosts agree on: `GPT-OSS:120b` and `gpt-oss-120b-fp8` are one. Version numbers stay:
 * without them glm-5.1 would be taken for glm-5.2, and deepseek-v3 for deepseek-v4.
 */
export function modelNameKey(name: string): string {
  let key = name.toLowerCase().replaceAll(/[_:@. ]/g, "-");
  for (let before = ""; before !== key; ) {
    before = key;
    for (const trimming of TRIMMINGS) key = key.replace(trimming, "");
  }
  return key;
}

/** The key without its effort; undefined where it names none. */
export function withoutEffort(key: string): string | undefined {
  return EFFORT.exec(key)?.[1];
}

/** `cx/openai/gpt-5` and what is left of it behind each slash, the longest first. */
export function nameTails(id: string): string[] {
  const parts = id.split("/");
  return parts.map((_, from) => parts.slice(from).join("/")).filter((tail) => tail !== "");
}
