import type { Call } from "./call.ts";
import type { Answer } from "./reply.ts";
import { type ItemEvent, itemsOf } from "./response-items.ts";
import type { StreamEvent } from "./stream-event.ts";
import { usageOf } from "./usage.ts";

type Json = Record<string, unknown>;

/** The answer as the events of `/v1/responses` with `stream: true`. */
export function responsesEvents(answer: Answer, call: Call): StreamEvent[] {
  const opening = responseObject(call, "in_progress", []);
  const items = itemsOf(answer, call);
  const end = ending(answer);
  const closing: ItemEvent[] =
    end === undefined ? [] : [[`response.${end.event}`, { response: responsesBody(answer, call) }]];
  const events: ItemEvent[] = [
    ["response.created", { response: opening }],
    ["response.in_progress", { response: opening }],
    ...items.flatMap((item, index) => item.events(index)),
    ...closing,
  ];
  return events.map(([name, data, isToken = false], index) => ({
    name,
    data: { type: name, sequence_number: index, ...data },
    isToken,
  }));
}

/** The answer as the one body of `/v1/responses` without a stream. */
export function responsesBody(answer: Answer, call: Call): Json {
  const usage = usageOf(answer, call);
  const end = ending(answer);
  const output = itemsOf(answer, call).map((item) => item.done);
  return {
    ...responseObject(call, end?.status ?? "in_progress", output),
    ...(end?.reason === undefined ? {} : { incomplete_details: { reason: end.reason } }),
    ...(usage ? { usage: responsesUsage(usage) } : {}),
  };
}

interface Ending {
  event: "completed" | "incomplete";
  status: string;
  reason?: string;
}

/** How the stream is closed; undefined when the script wants no closing event. */
function ending(answer: Answer): Ending | undefined {
  switch (answer.finishReason) {
    case null:
      return undefined;
    case undefined:
    case "stop":
    case "tool_calls":
      return { event: "completed", status: "completed" };
    case "length":
      return { event: "incomplete", status: "incomplete", reason: "max_output_tokens" };
    default:
      return { event: "incomplete", status: "incomplete", reason: answer.finishReason };
  }
}

function responseObject(call: Call, status: string, output: Json[]): Json {
  return {
    id: `resp_${call.nthOfAll}`,
    object: "response",
    created_at: Math.floor(call.atMs / 1000),
    status,
    error: null,
    incomplete_details: null,
    model: call.model,
    output,
  };
}

function responsesUsage(usage: { input: number; output: number }): Json {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.input + usage.output,
  };
}
