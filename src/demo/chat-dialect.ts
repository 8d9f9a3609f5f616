import type { Call } from "./call.ts";
import type { Answer } from "./reply.ts";
import type { StreamEvent } from "./stream-event.ts";
import { tokensOf } from "./tokens.ts";
import { usageOf } from "./usage.ts";

/** The answer as the events of `/v1/chat/completions` with `stream: true`. */
export function chatEvents(answer: Answer, call: Call): StreamEvent[] {
  const chunk = (delta: Record<string, unknown>, isToken = false, finish: string | null = null) => ({
    data: {
      ...head(call, "chat.completion.chunk"),
      choices: [{ index: 0, delta, finish_reason: finish }],
    },
    isToken,
  });
  const finish = finishOf(answer);
  const usage = usageOf(answer, call);
  return [
    // Providers open with the role at once and think afterwards, so this event says nothing of the answer.
    chunk({ role: "assistant", content: "" }),
    ...tokensOf(answer.reasoning ?? []).map((text) => chunk({ reasoning_content: text }, true)),
    ...tokensOf(answer.text).map((text) => chunk({ content: text }, true)),
    ...toolDeltas(answer, call).map((delta) => chunk(delta, true)),
    ...(finish === null ? [] : [chunk({}, false, finish)]),
    ...(usage && call.wantsUsage
      ? [
          {
            data: { ...head(call, "chat.completion.chunk"), choices: [], usage: chatUsage(usage) },
            isToken: false,
          },
        ]
      : []),
    ...(answer.omitDone ? [] : [{ data: "[DONE]", isToken: false }]),
  ];
}

/** The answer as the one body of `/v1/chat/completions` without a stream. */
export function chatBody(answer: Answer, call: Call): Record<string, unknown> {
  const usage = usageOf(answer, call);
  const text = tokensOf(answer.text).join("");
  const reasoning = tokensOf(answer.reasoning ?? []).join("");
  const message = {
    role: "assistant",
    content: text === "" && answer.toolCalls ? null : text,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(answer.toolCalls ? { tool_calls: toolCalls(answer, call) } : {}),
  };
  return {
    ...head(call, "chat.completion"),
    choices: [{ index: 0, message, finish_reason: finishOf(answer) }],
    ...(usage ? { usage: chatUsage(usage) } : {}),
  };
}

function head(call: Call, object: string): Record<string, unknown> {
  return {
    id: `chatcmpl-${call.nthOfAll}`,
    object,
    created: Math.floor(call.atMs / 1000),
    model: call.model,
  };
}

function finishOf(answer: Answer): string | null {
  if (answer.finishReason !== undefined) return answer.finishReason;
  return answer.toolCalls?.length ? "tool_calls" : "stop";
}

function toolCalls(answer: Answer, call: Call) {
  return (answer.toolCalls ?? []).map((tool, index) => ({
    id: tool.id ?? `call_${call.nthOfAll}_${index}`,
    type: "function",
    function: { name: tool.name, arguments: tool.arguments },
  }));
}

function toolDeltas(answer: Answer, call: Call): Record<string, unknown>[] {
  return toolCalls(answer, call).flatMap((tool, index) => [
    { tool_calls: [{ ...tool, index, function: { name: tool.function.name, arguments: "" } }] },
    ...tokensOf(tool.function.arguments).map((text) => ({
      tool_calls: [{ index, function: { arguments: text } }],
    })),
  ]);
}

function chatUsage(usage: { input: number; output: number }): Record<string, number> {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
  };
}
