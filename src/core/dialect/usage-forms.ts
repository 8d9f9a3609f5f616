import { asObject, isObject, type JsonObject } from "./json-object.ts";

/** Chat's count of tokens in the words of Responses. */
export function usageToResponses(value: unknown): JsonObject {
  const usage = asObject(value);
  const input = count(usage["prompt_tokens"]);
  const output = count(usage["completion_tokens"]);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: count(asObject(usage["prompt_tokens_details"])["cached_tokens"]) },
    output_tokens: output,
    output_tokens_details: {
      reasoning_tokens: count(asObject(usage["completion_tokens_details"])["reasoning_tokens"]),
    },
    total_tokens: count(usage["total_tokens"]) || input + output,
  };
}

/** The same the other way round; undefined where nothing was counted. */
export function usageToChat(value: unknown): JsonObject | undefined {
  if (!isObject(value)) return undefined;
  const input = count(value["input_tokens"]);
  const output = count(value["output_tokens"]);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: count(value["total_tokens"]) || input + output,
    prompt_tokens_details: { cached_tokens: count(asObject(value["input_tokens_details"])["cached_tokens"]) },
    completion_tokens_details: {
      reasoning_tokens: count(asObject(value["output_tokens_details"])["reasoning_tokens"]),
    },
  };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
