import { type Call, tokensOf } from "./call.ts";
import type { Answer, ToolCall } from "./reply.ts";

/** A token is about four bytes of a request. */
const BYTES_PER_TOKEN = 4;

/** The script's own figures, or an estimate from what was received and sent. */
export function usageOf(answer: Answer, call: Call): { input: number; output: number } | null {
  if (answer.usage !== undefined) return answer.usage;
  const pieces = [answer.text, answer.reasoning ?? [], ...(answer.toolCalls ?? []).map((t) => t.arguments)];
  return {
    input: Math.ceil(call.body.length / BYTES_PER_TOKEN),
    output: pieces.reduce((sum, piece) => sum + tokensOf(piece).length, 0),
  };
}

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
    // Providers send the role first and think afterwards, so this event is not a token.
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

/** An event of the responses dialect without its sequence number. */
export type ItemEvent = [name: string, data: Record<string, unknown>, isToken?: boolean];

interface Item {
  done: Record<string, unknown>;
  events: (index: number) => ItemEvent[];
}

/** In wire order: reasoning, text, tool calls. */
export function itemsOf(answer: Answer, call: Call): Item[] {
  const reasoning = tokensOf(answer.reasoning ?? []);
  const text = tokensOf(answer.text);
  return [
    ...(reasoning.length > 0 ? [reasoningItem(reasoning, call)] : []),
    ...(text.length > 0 || !answer.toolCalls ? [messageItem(text, call)] : []),
    ...(answer.toolCalls ?? []).map((tool, index) => toolItem(tool, call, index)),
  ];
}

function messageItem(tokens: string[], call: Call): Item {
  const id = `msg_${call.nthOfAll}`;
  const item = { id, type: "message", role: "assistant" };
  const part = (text: string) => ({ type: "output_text", text, annotations: [] });
  const done = { ...item, status: "completed", content: [part(tokens.join(""))] };
  return {
    done,
    events: (output_index) => {
      const at = { item_id: id, output_index, content_index: 0 };
      return [
        [
          "response.output_item.added",
          { output_index, item: { ...item, status: "in_progress", content: [] } },
        ],
        ["response.content_part.added", { ...at, part: part("") }],
        ...tokens.map((delta): ItemEvent => ["response.output_text.delta", { ...at, delta }, true]),
        ["response.output_text.done", { ...at, text: tokens.join("") }],
        ["response.content_part.done", { ...at, part: part(tokens.join("")) }],
        ["response.output_item.done", { output_index, item: done }],
      ];
    },
  };
}

function reasoningItem(tokens: string[], call: Call): Item {
  const id = `rs_${call.nthOfAll}`;
  const part = (text: string) => ({ type: "summary_text", text });
  const done = { id, type: "reasoning", summary: [part(tokens.join(""))] };
  return {
    done,
    events: (output_index) => {
      const at = { item_id: id, output_index, summary_index: 0 };
      return [
        ["response.output_item.added", { output_index, item: { ...done, summary: [] } }],
        ["response.reasoning_summary_part.added", { ...at, part: part("") }],
        ...tokens.map(
          (delta): ItemEvent => ["response.reasoning_summary_text.delta", { ...at, delta }, true],
        ),
        ["response.reasoning_summary_text.done", { ...at, text: tokens.join("") }],
        ["response.reasoning_summary_part.done", { ...at, part: part(tokens.join("")) }],
        ["response.output_item.done", { output_index, item: done }],
      ];
    },
  };
}

function toolItem(tool: ToolCall, call: Call, index: number): Item {
  const id = `fc_${call.nthOfAll}_${index}`;
  const item = {
    id,
    type: "function_call",
    call_id: tool.id ?? `call_${call.nthOfAll}_${index}`,
    name: tool.name,
  };
  const done = { ...item, status: "completed", arguments: tool.arguments };
  return {
    done,
    events: (output_index) => {
      const at = { item_id: id, output_index };
      return [
        [
          "response.output_item.added",
          { output_index, item: { ...item, status: "in_progress", arguments: "" } },
        ],
        ...tokensOf(tool.arguments).map(
          (delta): ItemEvent => ["response.function_call_arguments.delta", { ...at, delta }, true],
        ),
        ["response.function_call_arguments.done", { ...at, arguments: tool.arguments }],
        ["response.output_item.done", { output_index, item: done }],
      ];
    },
  };
}

type Json = Record<string, unknown>;

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

/** Undefined if the script wants no closing event. */
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

/** One server-sent event before it becomes bytes. */
export interface StreamEvent {
  /** Only the responses dialect names its events. */
  name?: string;
  data: Record<string, unknown> | string;
  /** Whether it carries text, reasoning or tool arguments: timing and faults count these. */
  isToken: boolean;
}

export function wireForm(event: StreamEvent, crlf = false): string {
  const data = typeof event.data === "string" ? event.data : JSON.stringify(event.data);
  const name = event.name === undefined ? [] : [`event: ${event.name}`];
  const newline = crlf ? "\r\n" : "\n";
  return [...name, `data: ${data}`, "", ""].join(newline);
}
