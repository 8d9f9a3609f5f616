type Json = { [key: string]: unknown };

/**
 * A whole chat completion as the event stream that was asked for: some providers ignore `stream`, and opencode takes
 * a JSON body in its place for an empty answer and asks again without end. Undefined when it is no completion.
 */
export function completionEvents(completion: unknown): string | undefined {
  if (!isObject(completion) || !Array.isArray(completion["choices"])) return undefined;
  const [choice] = completion["choices"] as unknown[];
  if (!isObject(choice) || !isObject(choice["message"])) return undefined;
  const { message } = choice as { message: Json };
  const base = { id: completion["id"], created: completion["created"], model: completion["model"] };
  const chunk = (delta: Json, finish: unknown = null): string =>
    event({
      ...base,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
  const usage = completion["usage"];
  return [
    chunk(deltaOf(message)),
    chunk({}, choice["finish_reason"] ?? "stop"),
    ...(isObject(usage) ? [event({ ...base, object: "chat.completion.chunk", choices: [], usage })] : []),
    "data: [DONE]\n\n",
  ].join("");
}

/** In a stream every tool call carries its index. */
function deltaOf(message: Json): Json {
  const calls = message["tool_calls"];
  if (!Array.isArray(calls) || calls.length === 0) return { ...message, tool_calls: undefined };
  return {
    ...message,
    tool_calls: calls.map((call: unknown, index) => ({ index, ...(isObject(call) ? call : {}) })),
  };
}

function event(json: Json): string {
  return `data: ${JSON.stringify(json)}\n\n`;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
