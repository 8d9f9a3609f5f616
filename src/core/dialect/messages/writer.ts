import { isObject, type JsonObject, parseJson } from "../../json.ts";
import {
  type AnswerEnd,
  type AnswerHead,
  type AnswerNames,
  type AnswerWriter,
  fullUsage,
  type Usage,
  type WireEvent,
} from "../hub-answer.ts";
import { markReasoning } from "../model-traits.ts";

type TextKind = "text" | "thinking";

/** A block that is written, or that waits until the one before it is closed. */
interface Block {
  kind: TextKind | "call";
  start: JsonObject;
  call: number | undefined;
  /** What waits to be written. */
  waiting: string[];
  written: string[];
}

const DELTAS = {
  text: ["text_delta", "text"],
  thinking: ["thinking_delta", "thinking"],
  call: ["input_json_delta", "partial_json"],
} as const;

/** Stop reasons for the finish reasons of the hub. */
const STOPS: Readonly<Record<string, string>> = {
  stop: "end_turn",
  tool_calls: "tool_use",
  function_call: "tool_use",
  length: "max_tokens",
  content_filter: "refusal",
};

export function stopReasonFor(finish: string): string {
  return STOPS[finish] ?? "end_turn";
}

/**
 * Writes the events of one message. One block is open at a time, because clients read only the last one: pieces of other
 * calls wait until the open call is complete.
 */
export class MessagesWriter implements AnswerWriter {
  readonly #names: AnswerNames;
  #hasBegun = false;
  #index = 0;
  /** The open block is the first. */
  readonly #blocks: Block[] = [];
  #isOpen = false;

  constructor(names: AnswerNames) {
    this.#names = names;
  }

  begin({ model }: Pick<AnswerHead, "model">): WireEvent[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    const message = {
      id: `msg_${this.#names.id}`,
      type: "message",
      role: "assistant",
      model: model || this.#names.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 0, output_tokens: 0 },
    };
    return [{ type: "message_start", message }];
  }

  write(kind: "text" | "refusal" | "reasoning", text: string): WireEvent[] {
    const form: TextKind = kind === "reasoning" ? "thinking" : "text";
    const last = this.#blocks.at(-1);
    if (last?.kind === form) last.waiting.push(text);
    else this.#blocks.push(newBlock(form, TEXT_STARTS[form](), { waiting: [text] }));
    return [...this.begin({ model: "" }), ...this.#advance()];
  }

  openCall(call: number, id: string, name: string): WireEvent[] {
    this.#blocks.push(newBlock("call", { type: "tool_use", id, name, input: {} }, { call }));
    return [...this.begin({ model: "" }), ...this.#advance()];
  }

  writeArguments(call: number, text: string): WireEvent[] {
    this.#blocks.find((block) => block.call === call)?.waiting.push(text);
    return this.#advance();
  }

  finish({ finish, usage }: AnswerEnd): WireEvent[] {
    const out = this.begin({ model: "" });
    while (this.#blocks.length > 0) out.push(...this.#writeOpen(), ...this.#close());
    const delta = { stop_reason: stopReasonFor(finish), stop_sequence: null };
    return [...out, { type: "message_delta", delta, usage: writeUsage(usage) }, { type: "message_stop" }];
  }

  /** The error is unchanged, because the verdict depends on its words. */
  fail(error: JsonObject): WireEvent[] {
    return [{ type: "error", error }];
  }

  /** Writes what the open block has, and goes on to the next block if this one is complete. */
  #advance(): WireEvent[] {
    const out: WireEvent[] = [];
    for (;;) {
      out.push(...this.#writeOpen());
      const [open] = this.#blocks;
      if (open === undefined || this.#blocks.length === 1 || !isComplete(open)) return out;
      out.push(...this.#close());
    }
  }

  #writeOpen(): WireEvent[] {
    const [block] = this.#blocks;
    if (block === undefined) return [];
    const index = this.#index;
    const opening = this.#isOpen ? [] : [{ type: "content_block_start", index, content_block: block.start }];
    this.#isOpen = true;
    const [type, field] = DELTAS[block.kind];
    const pieces = block.waiting.splice(0).filter((text) => text !== "");
    if (block.kind === "call") block.written.push(...pieces);
    const deltas = pieces.map((text) => ({
      type: "content_block_delta",
      index,
      delta: { type, [field]: text },
    }));
    return [...opening, ...deltas];
  }

  #close(): WireEvent[] {
    const block = this.#blocks.shift();
    const index = this.#index++;
    this.#isOpen = false;
    const signature = markReasoning(this.#names.family ?? "");
    const seal =
      block?.kind === "thinking"
        ? [{ type: "content_block_delta", index, delta: { type: "signature_delta", signature } }]
        : [];
    return [...seal, { type: "content_block_stop", index }];
  }
}

const TEXT_STARTS: Record<TextKind, () => JsonObject> = {
  text: () => ({ type: "text", text: "" }),
  thinking: () => ({ type: "thinking", thinking: "", signature: "" }),
};

function newBlock(kind: Block["kind"], start: JsonObject, more: Partial<Block>): Block {
  return { kind, start, call: undefined, waiting: [], written: [], ...more };
}

/** A call is complete when its arguments are: a provider that writes several at once mixes their pieces. */
function isComplete({ kind, written }: Block): boolean {
  if (kind !== "call") return true;
  if (written.at(-1)?.trimEnd().endsWith("}") !== true) return false;
  return isObject(parseJson(written.join("")));
}

function writeUsage(usage: Usage | undefined): JsonObject {
  const { input, output, cached, cacheWritten, reasoning } = fullUsage(usage);
  return {
    input_tokens: Math.max(0, input - cached - cacheWritten),
    cache_read_input_tokens: cached,
    ...(cacheWritten === 0 ? {} : { cache_creation_input_tokens: cacheWritten }),
    output_tokens: output,
    ...(reasoning === 0 ? {} : { output_tokens_details: { thinking_tokens: reasoning } }),
  };
}
