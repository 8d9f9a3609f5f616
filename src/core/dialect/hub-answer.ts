import { asObject, isObject, type JsonObject } from "../json.ts";
import type { DONE } from "../stream/sse.ts";

/** A dialect's event, parsed, or the end mark of a stream that has one. */
export type WireEvent = JsonObject | typeof DONE;

/** Tokens as the provider counted them. `cached` are part of the input, `reasoning` are part of the output. */
export interface Usage {
  input: number | undefined;
  output: number | undefined;
  total?: number | undefined;
  cached?: number | undefined;
  reasoning?: number | undefined;
}

/** What one event says of a tool call that the client is to run. */
export interface CallPiece {
  /** The call's place among the others, where the provider numbers them. */
  index: number | undefined;
  /** The call's id; empty where it is not repeated, or where the place says enough. */
  id: string;
  /** The tool's name; empty in the pieces behind the first. */
  name: string;
  /** The next characters of the arguments. */
  more: string;
  /** All of the arguments, where an event repeats them. */
  whole: string | undefined;
  /** Whether the arguments are free text and not JSON. */
  isFreeform: boolean;
}

/** Content that an event holds in one piece and that no event before it has told piece by piece. */
export type LatePart =
  | { kind: "text" | "refusal" | "reasoning"; text: string }
  | { kind: "call"; piece: CallPiece };

/** What one event says in one of the answers that were asked for; nearly always there is only one. */
export interface HubChoice {
  index: number;
  /** The next visible text. */
  text: string;
  /** The next words of a refusal. */
  refusal: string;
  /** The next reasoning, as far as it can be read. */
  reasoning: string;
  /** Whether the model thinks, even where that cannot be read. */
  hasReasoning: boolean;
  /** Reasoning that only the provider that wrote it can read again. */
  isSealed: boolean;
  calls: readonly CallPiece[];
  late: readonly LatePart[];
  /** Anything else a client shows, such as a refusal. */
  hasOther: boolean;
  /** Whether the event repeats or holds content that is not told piece by piece. */
  hasContent: boolean;
  /**
   * The reason for the end, as sent; undefined while the answer goes on. The hub's own words are `stop`, `tool_calls`,
   * `length` and `content_filter`.
   */
  finish: string | undefined;
}

/** What a provider calls an answer. */
export interface AnswerHead {
  id: string;
  model: string;
  createdS: number | undefined;
}

/** What one event of an answer means, whatever the dialect. */
export interface HubEvent {
  choices: readonly HubChoice[];
  /** An error in place of an answer, in the form `{error}` that the verdict reads. */
  error: JsonObject | undefined;
  usage: Usage | undefined;
  /** Whether the event moves the answer on; keep-alives do not. */
  isProgress: boolean;
  head: AnswerHead | undefined;
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

/** An event that is no object. */
export const NOTHING: HubEvent = {
  choices: [],
  error: undefined,
  usage: undefined,
  isProgress: false,
  head: undefined,
};

/** What an event says in the first answer, or the only one. */
export function firstChoice({ choices }: HubEvent): HubChoice {
  return choices[0] ?? SILENCE;
}

/** Whether a client would show anything of it. Blank text alone is nothing that anyone would see. */
export function isMeaningful(choice: HubChoice): boolean {
  const { text, hasReasoning, calls, hasOther } = choice;
  return hasReasoning || hasOther || calls.length > 0 || text.trim() !== "";
}

/** Reads the events of one answer: it may keep count of what they refer to. */
export interface EventReader {
  read: (event: JsonObject) => HubEvent;
}

/** How an answer ended. */
export interface AnswerEnd {
  /** In the hub's words. */
  finish: string;
  usage: Usage | undefined;
}

/** What an answer is called where the upstream gives no names. */
export interface AnswerNames {
  model: string;
  /** Of the request, so that the ids made of it are unlike those of other answers. */
  id: string;
  /** In seconds since 1970. */
  createdS: number;
  /** Whether a client that has to ask for it has asked for the count of tokens. */
  wantsUsage: boolean;
}

/** Writes the events of one answer. Calls are numbered from 0 in the order in which they are opened. */
export interface AnswerWriter {
  begin: (head: AnswerHead) => WireEvent[];
  write: (kind: "text" | "refusal" | "reasoning", text: string) => WireEvent[];
  openCall: (call: number, id: string, name: string) => WireEvent[];
  writeArguments: (call: number, text: string) => WireEvent[];
  finish: (end: AnswerEnd) => WireEvent[];
  fail: (error: JsonObject) => WireEvent[];
}

/** What came of an answer before it ended. */
export interface Produced {
  text: boolean;
  toolCall: boolean;
}

/** How a finish reason reaches the client; `failed` where the end contradicts what came before. */
export type Finish =
  | { kind: "as-is" }
  | { kind: "rewrite"; reason: string }
  | { kind: "failed"; why: string };

/** Decides how a finish reason reaches the client. */
export type SettleFinish = (reason: string, produced: Produced) => Finish;

const KNOWN = new Set(["stop", "length", "tool_calls", "content_filter", "function_call"]);

/**
 * Each end that an agent would stumble over is turned into the one that was meant, or into a failure: opencode 1 asks
 * again without end, several times a second, when an answer ends in a reason it does not know, or in `tool_calls`
 * without a call.
 */
export function repairFinish(reason: string, produced: Produced): Finish {
  if (reason === "stop" && produced.toolCall) return { kind: "rewrite", reason: "tool_calls" };
  return standardFinish(reason, produced);
}

/** Reasons outside of the dialect become the one that was meant; `stop` behind a forced tool call is within it. */
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

/** The tokens in a `usage` of either OpenAI dialect: some services use the names of the other one. */
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

function asCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The counts as a client expects them: unknown ones are 0, and the total is never missing. */
export function fullUsage(usage: Usage | undefined): Record<keyof Usage, number> {
  const { input = 0, output = 0, cached = 0, reasoning = 0 } = usage ?? {};
  return { input, output, cached, reasoning, total: usage?.total || input + output };
}
