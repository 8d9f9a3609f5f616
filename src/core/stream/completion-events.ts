import { asArray, asObject, isObject, type JsonObject } from "../dialect/json-object.ts";
import { sseText } from "./sse.ts";

/**
 * A whole chat completion as the event stream that was asked for: some providers ignore `stream`, and opencode takes
 * a JSON body in its place for an empty answer and asks again without end. Undefined when it is no completion.
 */
export function completionEvents(completion: unknown): string | undefined {
  if (!isObject(completion)) return undefined;
  const choices = asArray(completion["choices"]).map(asObject);
  if (choices.length === 0 || !choices.every((choice) => isObject(choice["message"]))) return undefined;
  const { id, created, model, usage } = completion;
  const chunk = (parts: JsonObject): string =>
    sseText({ id, created, model, object: "chat.completion.chunk", ...parts });
  const answers = choices.flatMap((choice, at) => {
    const { index = at, message, finish_reason: reason } = choice;
    return [
      chunk({ choices: [{ index, delta: deltaOf(asObject(message)), finish_reason: null }] }),
      chunk({ choices: [{ index, delta: {}, finish_reason: reason ?? "stop" }] }),
    ];
  });
  const counted = isObject(usage) ? [chunk({ choices: [], usage })] : [];
  return [...answers, ...counted, "data: [DONE]\n\n"].join("");
}

/** In a stream every tool call carries its index. */
function deltaOf(message: JsonObject): JsonObject {
  const calls = message["tool_calls"];
  if (!Array.isArray(calls) || calls.length === 0) return { ...message, tool_calls: undefined };
  return { ...message, tool_calls: calls.map((call: unknown, index) => ({ index, ...asObject(call) })) };
}
