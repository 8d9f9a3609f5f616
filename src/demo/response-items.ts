import type { Call } from "./call.ts";
import type { Answer, ToolCall } from "./reply.ts";
import { tokensOf } from "./tokens.ts";

/** An event of the responses dialect before it is numbered. */
export type ItemEvent = [name: string, data: Record<string, unknown>, isToken?: boolean];

/** One output item: its finished form, and the events that build it up. */
interface Item {
  done: Record<string, unknown>;
  events: (index: number) => ItemEvent[];
}

/** What the answer consists of, in the order it is sent: reasoning, text, tool calls. */
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
