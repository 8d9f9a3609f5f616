import { asObject, isObject, type JsonObject } from "../json.ts";
import type { DONE } from "../stream/sse.ts";

export type WireEvent = JsonObject | typeof DONE;

/** Tokens as the provider counted them. `cached` and `cacheWritten` are part of the input, `reasoning` of the output. */
export interface Usage {
  input: number | undefined;
  output: number | undefined;
  total?: number | undefined;
  cached?: number | undefined;
  cacheWritten?: number | undefined;
  reasoning?: number | undefined;
}

export interface CallPiece {
  /** The number of the call, if the provider sends one. */
  index: number | undefined;
  /** The id of the call; empty if the event does not repeat it. */
  id: string;
  /** The name of the tool; empty after the first piece. */
  name: string;
  more: string;
  /** The complete arguments, if the event repeats them. */
  whole: string | undefined;
  /** Whether the arguments are free text and not JSON. */
  isFreeform: boolean;
}

/** Complete content that no earlier event has streamed. */
export type LatePart =
  | { kind: "text" | "refusal" | "reasoning"; text: string }
  | { kind: "call"; piece: CallPiece };

/** What one event adds to one of the requested answers; nearly always there is only one. */
export interface HubChoice {
  index: number;
  text: string;
  refusal: string;
  reasoning: string;
  /** Whether there is reasoning, readable or not. */
  hasReasoning: boolean;
  /** Whether only the provider that wrote the reasoning can read it again. */
  isSealed: boolean;
  /** The signature of the reasoning, in a dialect where clients send it back. */
  seal?: string;
  calls: readonly CallPiece[];
  late: readonly LatePart[];
  /** Whether there is other visible content, such as a refusal. */
  hasOther: boolean;
  /** Whether the event has complete content, repeated or new. */
  hasContent: boolean;
  /**
   * The finish reason as sent; undefined before the end. The reasons of the hub are `stop`, `tool_calls`, `length` and
   * `content_filter`.
   */
  finish: string | undefined;
}

export interface AnswerHead {
  id: string;
  model: string;
  createdS: number | undefined;
}

/** The meaning of one event of an answer, independent of the dialect. */
export interface HubEvent {
  choices: readonly HubChoice[];
  /** An error, in the form `{error}` that the verdict reads. */
  error: JsonObject | undefined;
  usage: Usage | undefined;
  /** False for keep-alives. */
  isProgress: boolean;
  head: AnswerHead | undefined;
  /** Whether it is the end mark, in a dialect whose end mark is an event like the others. */
  isEnd?: boolean;
}

export const SILENCE: HubChoice = {
  index: 0,
  text: "",
  refusal: "",
  reasoning: "",
  hasReasoning: false,
  isSealed: false,
  calls: [],
  late: [],
  hasOther: false,
  hasContent: false,
  finish: undefined,
};

export const NOTHING: HubEvent = {
  choices: [],
  error: undefined,
  usage: undefined,
  isProgress: false,
  head: undefined,
};

/** The first answer, nearly always the only one. */
export function firstChoice({ choices }: HubEvent): HubChoice {
  return choices[0] ?? SILENCE;
}

/** Whether a client would show any of it. Blank text is not visible. */
export function isMeaningful(choice: HubChoice): boolean {
  const { text, hasReasoning, calls, hasOther } = choice;
  return hasReasoning || hasOther || calls.length > 0 || text.trim() !== "";
}

/** Reads the events of one answer. It may have state: events can refer to earlier ones. */
export interface EventReader {
  read: (event: JsonObject) => HubEvent;
}

export interface AnswerEnd {
  finish: string;
  usage: Usage | undefined;
}

/** A tool that is a function for the provider and has another form for the client. */
export interface ToolOrigin {
  name: string;
  /** Empty for a tool outside of namespaces. */
  namespace: string;
  /** Whether it takes free text. */
  isCustom: boolean;
}

export interface AnswerNames {
  model: string;
  /** The id of the request, which makes generated ids unique. */
  id: string;
  /** In seconds since 1970. */
  createdS: number;
  /** Whether the client has requested usage, in a dialect where that is optional. */
  wantsUsage: boolean;
  /** The client's tools that are not plain functions, by the name of their function. */
  tools?: ReadonlyMap<string, ToolOrigin> | undefined;
  /** The family of the model's reasoning, for the mark on reasoning that has no signature. */
  family?: string;
}

/** Writes the events of one answer. Calls are numbered from 0 in the order of `openCall`. */
export interface AnswerWriter {
  begin: (head: AnswerHead) => WireEvent[];
  write: (kind: "text" | "refusal" | "reasoning", text: string) => WireEvent[];
  openCall: (call: number, id: string, name: string) => WireEvent[];
  writeArguments: (call: number, text: string) => WireEvent[];
  finish: (end: AnswerEnd) => WireEvent[];
  fail: (error: JsonObject) => WireEvent[];
}

export interface Produced {
  text: boolean;
  toolCall: boolean;
}

/** How the client receives a finish reason; `failed` if the end contradicts the content. */
export type Finish =
  | { kind: "as-is" }
  | { kind: "rewrite"; reason: string }
  | { kind: "failed"; why: string };

export type SettleFinish = (reason: string, produced: Produced) => Finish;

const KNOWN = new Set(["stop", "length", "tool_calls", "content_filter", "function_call"]);

/**
 * Replaces finish reasons that agents misread, or fails the answer: opencode 1 repeats the request endlessly, several times
 * a second, if the reason is unknown to it, or if it is `tool_calls` without a call.
 */
export function repairFinish(reason: string, produced: Produced): Finish {
  if (reason === "stop" && produced.toolCall) return { kind: "rewrite", reason: "tool_calls" };
  return standardFinish(reason, produced);
}

/** Replaces only reasons that are not standard. `stop` after a forced tool call is standard. */
export function standardFinish(reason: string, produced: Produced): Finish {
  if (reason === "error") return { kind: "failed", why: "the answer ended with finish_reason error" };
  if (reason === "tool_calls" || reason === "function_call") {
    if (produced.toolCall) return { kind: "as-is" };
    if (produced.text) return { kind: "rewrite", reason: "stop" };
    return { kind: "failed", why: "the answer ended in a tool call without one" };
  }
  if (KNOWN.has(reason)) return { kind: "as-is" };
  return { kind: "rewrite", reason: meantBy(reason, produced) };
}

/** Other vocabularies: `max_tokens`, `MAX_TOKENS`, `SAFETY`, `tool_use`, `end_turn`, `eos`, … */
function meantBy(reason: string, produced: Produced): string {
  if (/length|max/i.test(reason)) return "length";
  if (/filter|safety|blocked|prohibited/i.test(reason)) return "content_filter";
  return produced.toolCall ? "tool_calls" : "stop";
}

/** Reads the `usage` of both OpenAI dialects, because some services use the names of the other one. */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const { prompt_tokens_details: inputs, completion_tokens_details: outputs } = value;
  return {
    input: asCount(value["prompt_tokens"] ?? value["input_tokens"]),
    output: asCount(value["completion_tokens"] ?? value["output_tokens"]),
    total: asCount(value["total_tokens"]),
    cached: asCount(asObject(inputs ?? value["input_tokens_details"])["cached_tokens"]),
    reasoning: asCount(asObject(outputs ?? value["output_tokens_details"])["reasoning_tokens"]),
  };
}

export function asCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** All counts as numbers, because clients expect them. */
export function fullUsage(usage: Usage | undefined): Record<keyof Usage, number> {
  const { input = 0, output = 0, cached = 0, cacheWritten = 0, reasoning = 0 } = usage ?? {};
  return { input, output, cached, cacheWritten, reasoning, total: usage?.total || input + output };
}
