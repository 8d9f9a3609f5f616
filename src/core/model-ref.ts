/** As users write it: `provider/model-id`, split at the first slash. */
export interface ModelRef {
  provider: string;
  model: string;
}

/** The reserved provider id under which chains are models. */
export const CHAIN_PROVIDER = "orouter";

/** Stands for the model of an endpoint that names none. */
export const ANY_MODEL = "*";

/** `nvidia/openai/gpt-oss-120b` has the provider `nvidia` and the wire id `openai/gpt-oss-120b`. */
export function parseModelRef(text: string): ModelRef | undefined {
  const slash = text.indexOf("/");
  if (slash <= 0 || slash === text.length - 1) return undefined;
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) };
}

export function formatModelRef(ref: ModelRef): string {
  return `${ref.provider}/${ref.model}`;
}
