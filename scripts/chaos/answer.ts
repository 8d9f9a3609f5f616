import type { Conversation, DialectName } from "./conversation.ts";

/** One good answer, before it is put in a dialect's words. */
export interface Answer {
  id: string;
  model: string;
  thinking: string;
  text: string;
  calls: { id: string; name: string; arguments: string }[];
}

/** What an event of a stream is, which is what a fault chooses its place by. */
export type Mark =
  | "open"
  | "thinking"
  | "text"
  | "call"
  | "arguments"
  | "call-end"
  | "finish"
  | "usage"
  | "end";

/** One event of a stream as it stands on the wire. */
export interface Piece {
  mark: Mark;
  /** Which call it belongs to; -1 for none. */
  call: number;
  wire: string;
}

/** How one dialect writes an answer. */
interface Dialect {
  stream: (answer: Answer, ending: Ending) => Piece[];
  whole: (answer: Answer) => Record<string, unknown>;
  /** An error that comes in a stream. */
  errorEvent: (error: unknown) => string;
}

/** How a stream ends. */
export interface Ending {
  usage: boolean;
  /** In place of the right one; null for none. */
  finish?: string | null | undefined;
}

const USAGE = { prompt_tokens: 900, completion_tokens: 60, total_tokens: 960 };
const RESPONSES_USAGE = {
  input_tokens: 900,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 60,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 960,
};

const CHAT: Dialect = {
  stream: chatStream,
  whole: chatWhole,
  errorEvent: (error) => `data: ${JSON.stringify({ error })}\n\n`,
};

const RESPONSES: Dialect = {
  stream: responsesStream,
  whole: (answer) => ({
    ...responseObject(answer, "completed"),
    output: itemsOf(answer),
    usage: RESPONSES_USAGE,
  }),
  errorEvent: (error) => named("error", { type: "error", error }),
};

const MESSAGES_USAGE = { input_tokens: 900, output_tokens: 60 };

const MESSAGES: Dialect = {
  stream: messagesStream,
  whole: (answer) => ({
    ...messageObject(answer),
    content: blocksOf(answer),
    stop_reason: stopReason(finishOf(answer, { usage: true })),
    usage: MESSAGES_USAGE,
  }),
  errorEvent: (error) => named("error", { error }),
};

export const DIALECTS: Record<DialectName, Dialect> = {
  chat: CHAT,
  responses: RESPONSES,
  messages: MESSAGES,
};

/** The whole answer as events, for a request that wants a stream. */
export function streamOf(answer: Answer, conversation: Conversation, finish?: string | null): Piece[] {
  return DIALECTS[conversation.dialect].stream(answer, { usage: conversation.wantsUsage, finish });
}

/** Cut as tokens are, more or less; arguments in larger pieces. */
function cut(text: string, size: number): string[] {
  if (size === 0) return text === "" ? [] : text.split(/(?<= )/);
  return Array.from({ length: Math.ceil(text.length / size) }, (_, nth) =>
    text.slice(nth * size, (nth + 1) * size),
  );
}

function argumentPieces(text: string): string[] {
  return cut(text, Math.max(9, Math.ceil(text.length / 40)));
}

function finishOf(answer: Answer, { finish }: Ending): string | null {
  if (finish !== undefined) return finish;
  return answer.calls.length > 0 ? "tool_calls" : "stop";
}

function chatStream(answer: Answer, ending: Ending): Piece[] {
  const piece = (mark: Mark, delta: object, finish: string | null = null, call = -1): Piece => ({
    mark,
    call,
    wire: `data: ${JSON.stringify({ ...chatObject(answer), choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
  });
  const finish = finishOf(answer, ending);
  return [
    piece("open", { role: "assistant", content: "" }),
    ...cut(answer.thinking, 0).map((word) => piece("thinking", { reasoning_content: word })),
    ...cut(answer.text, 0).map((word) => piece("text", { content: word })),
    ...answer.calls.flatMap(({ id, name, arguments: text }, index) => {
      const delta = (call: object) => ({ tool_calls: [{ index, ...call }] });
      const parts = argumentPieces(text);
      return [
        piece("call", delta({ id, type: "function", function: { name, arguments: "" } }), null, index),
        ...parts.map((part, nth) =>
          piece(
            nth === parts.length - 1 ? "call-end" : "arguments",
            delta({ function: { arguments: part } }),
            null,
            index,
          ),
        ),
      ];
    }),
    ...(finish === null ? [] : [piece("finish", {}, finish)]),
    ...(ending.usage && finish !== null
      ? [
          {
            mark: "usage" as const,
            call: -1,
            wire: `data: ${JSON.stringify({ ...chatObject(answer), choices: [], usage: USAGE })}\n\n`,
          },
        ]
      : []),
    { mark: "end", call: -1, wire: "data: [DONE]\n\n" },
  ];
}

function chatObject({ id, model }: Answer): Record<string, unknown> {
  return { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: 1_796_000_000, model };
}

function chatWhole(answer: Answer): Record<string, unknown> {
  const { thinking, text, calls } = answer;
  const message = {
    role: "assistant",
    content: text,
    ...(thinking === "" ? {} : { reasoning_content: thinking }),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map((call) => ({
            id: call.id,
            type: "function",
            function: { name: call.name, arguments: call.arguments },
          })),
        }),
  };
  const finish_reason = finishOf(answer, { usage: true });
  return {
    ...chatObject(answer),
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason }],
    usage: USAGE,
  };
}

function named(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

function responseObject({ id, model }: Answer, status: string): Record<string, unknown> {
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: 1_796_000_000,
    status,
    model,
    error: null,
    incomplete_details: null,
    output: [],
  };
}

function itemsOf({ id, thinking, text, calls }: Answer): Record<string, unknown>[] {
  return [
    ...(thinking === ""
      ? []
      : [{ id: `rs_${id}`, type: "reasoning", summary: [{ type: "summary_text", text: thinking }] }]),
    ...(text === "" && calls.length > 0
      ? []
      : [
          {
            id: `msg_${id}`,
            type: "message",
            status: "completed",
            role: "assistant",
            content: [{ type: "output_text", text, annotations: [] }],
          },
        ]),
    ...calls.map((call) => ({
      id: `fc_${call.id}`,
      type: "function_call",
      status: "completed",
      call_id: call.id,
      name: call.name,
      arguments: call.arguments,
    })),
  ];
}

function responsesStream(answer: Answer, ending: Ending): Piece[] {
  let sequence = 0;
  const piece = (mark: Mark, type: string, data: object, call = -1): Piece => {
    sequence += 1;
    return { mark, call, wire: named(type, { sequence_number: sequence, ...data }) };
  };
  const finish = finishOf(answer, ending);
  const status = finish === "length" ? "incomplete" : "completed";
  const response = { ...responseObject(answer, status), output: itemsOf(answer), usage: RESPONSES_USAGE };
  const opening = { response: responseObject(answer, "in_progress") };
  return [
    piece("open", "response.created", opening),
    piece("open", "response.in_progress", opening),
    ...itemsOf(answer).flatMap((item, index) => itemPieces(answer, item, index, piece)),
    ...(finish === null
      ? []
      : [
          piece("finish", `response.${status}`, {
            response:
              status === "incomplete"
                ? { ...response, incomplete_details: { reason: "max_output_tokens" } }
                : response,
          }),
        ]),
  ];
}

type MakePiece = (mark: Mark, type: string, data: object, call?: number) => Piece;

function itemPieces(answer: Answer, item: Record<string, unknown>, index: number, piece: MakePiece): Piece[] {
  const at = { item_id: item["id"], output_index: index };
  const added = { output_index: index, item: { ...item, status: "in_progress", content: [], summary: [] } };
  const done = { output_index: index, item };
  switch (item["type"]) {
    case "reasoning":
      return [
        piece("open", "response.output_item.added", {
          output_index: index,
          item: { id: item["id"], type: "reasoning", summary: [] },
        }),
        piece("open", "response.reasoning_summary_part.added", {
          ...at,
          summary_index: 0,
          part: { type: "summary_text", text: "" },
        }),
        ...cut(answer.thinking, 0).map((delta) =>
          piece("thinking", "response.reasoning_summary_text.delta", { ...at, summary_index: 0, delta }),
        ),
        piece("thinking", "response.reasoning_summary_text.done", {
          ...at,
          summary_index: 0,
          text: answer.thinking,
        }),
        piece("thinking", "response.output_item.done", done),
      ];
    case "message":
      return [
        piece("open", "response.output_item.added", {
          ...added,
          item: { id: item["id"], type: "message", status: "in_progress", role: "assistant", content: [] },
        }),
        piece("open", "response.content_part.added", {
          ...at,
          content_index: 0,
          part: { type: "output_text", text: "", annotations: [] },
        }),
        ...cut(answer.text, 0).map((delta) =>
          piece("text", "response.output_text.delta", { ...at, content_index: 0, delta }),
        ),
        piece("text", "response.output_text.done", { ...at, content_index: 0, text: answer.text }),
        piece("text", "response.output_item.done", done),
      ];
    default:
      return callPieces(answer, item, index, piece);
  }
}

function callPieces(answer: Answer, item: Record<string, unknown>, index: number, piece: MakePiece): Piece[] {
  const at = { item_id: item["id"], output_index: index };
  const call = answer.calls.findIndex(({ id }) => id === item["call_id"]);
  const text = String(item["arguments"]);
  return [
    piece(
      "call",
      "response.output_item.added",
      { output_index: index, item: { ...item, status: "in_progress", arguments: "" } },
      call,
    ),
    ...argumentPieces(text).map((delta) =>
      piece("arguments", "response.function_call_arguments.delta", { ...at, delta }, call),
    ),
    piece("arguments", "response.function_call_arguments.done", { ...at, arguments: text }, call),
    piece("call-end", "response.output_item.done", { output_index: index, item }, call),
  ];
}

function messageObject({ id, model }: Answer): Record<string, unknown> {
  return { id: `msg_${id}`, type: "message", role: "assistant", model, stop_sequence: null };
}

function stopReason(finish: string | null): string | null {
  const reasons: Record<string, string> = { stop: "end_turn", tool_calls: "tool_use", length: "max_tokens" };
  return finish === null ? null : (reasons[finish] ?? finish);
}

function blocksOf({ thinking, text, calls }: Answer): Record<string, unknown>[] {
  return [
    ...(thinking === "" ? [] : [{ type: "thinking", thinking, signature: "signature-of-the-provider" }]),
    ...(text === "" && calls.length > 0 ? [] : [{ type: "text", text }]),
    ...calls.map((call) => ({
      type: "tool_use",
      id: call.id,
      name: call.name,
      input: JSON.parse(call.arguments) as unknown,
    })),
  ];
}

function messagesStream(answer: Answer, ending: Ending): Piece[] {
  const piece: MakePiece = (mark, type, data, call = -1) => ({ mark, call, wire: named(type, data) });
  const finish = stopReason(finishOf(answer, ending));
  const usage = { input_tokens: 900, output_tokens: 1 };
  return [
    piece("open", "message_start", {
      message: { ...messageObject(answer), content: [], stop_reason: null, usage },
    }),
    piece("open", "ping", {}),
    ...blocksOf(answer).flatMap((block, index) => blockPieces(answer, block, index, piece)),
    ...(finish === null
      ? []
      : [
          piece("finish", "message_delta", {
            delta: { stop_reason: finish, stop_sequence: null },
            usage: MESSAGES_USAGE,
          }),
        ]),
    piece("end", "message_stop", {}),
  ];
}

function blockPieces(
  answer: Answer,
  block: Record<string, unknown>,
  index: number,
  piece: MakePiece,
): Piece[] {
  const delta = (mark: Mark, part: object, call = -1): Piece =>
    piece(mark, "content_block_delta", { index, delta: part }, call);
  const open = (mark: Mark, empty: object, call = -1): Piece =>
    piece(mark, "content_block_start", { index, content_block: { ...block, ...empty } }, call);
  const stop = (mark: Mark, call = -1): Piece => piece(mark, "content_block_stop", { index }, call);
  switch (block["type"]) {
    case "thinking":
      return [
        open("open", { thinking: "", signature: "" }),
        ...cut(answer.thinking, 0).map((thinking) => delta("thinking", { type: "thinking_delta", thinking })),
        delta("thinking", { type: "signature_delta", signature: block["signature"] }),
        stop("thinking"),
      ];
    case "text":
      return [
        open("open", { text: "" }),
        ...cut(answer.text, 0).map((text) => delta("text", { type: "text_delta", text })),
        stop("text"),
      ];
    default: {
      const call = answer.calls.findIndex(({ id }) => id === block["id"]);
      const text = answer.calls[call]?.arguments ?? "{}";
      return [
        open("call", { input: {} }, call),
        ...argumentPieces(text).map((partial_json) =>
          delta("arguments", { type: "input_json_delta", partial_json }, call),
        ),
        stop("call-end", call),
      ];
    }
  }
}
