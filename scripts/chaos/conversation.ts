import { record, records } from "./json.ts";
import type { Task } from "./task.ts";

/** The ways of asking that the scripted provider speaks. */
export type DialectName = "chat" | "responses" | "messages";

/** One message of a request, in one form for every dialect. */
export interface Turn {
  role: string;
  text: string;
  calls: { id: string; name: string }[];
  /** The call that this is the result of, "" for none. */
  resultOf: string;
  /** The fields of the message as sent, for services that refuse unknown ones. */
  fields: string[];
}

/** What a request says. */
export interface Conversation {
  dialect: DialectName;
  model: string;
  wantsStream: boolean;
  wantsUsage: boolean;
  turns: Turn[];
  /** The tools offered: name, and the names of their arguments. */
  tools: Map<string, string[]>;
  /** The fields of the request itself. */
  fields: string[];
}

/** Where a conversation stands in its task. */
export interface Progress {
  /** Index of the step to answer now. */
  step: number;
  /** The tool calls of that step that have a result already. */
  done: Set<number>;
  /** What an honest history cannot contain. */
  problems: string[];
}

export function readConversation(dialect: DialectName, body: string): Conversation {
  const fields = record(parseOr(body));
  const messages = dialect === "responses" ? fields["input"] : fields["messages"];
  const turns =
    typeof messages === "string"
      ? [turn({ role: "user" }, messages)]
      : records(messages).flatMap(dialect === "messages" ? turnsOf : turnOf);
  if (fields["system"] !== undefined) turns.unshift(turn({ role: "system" }, textOf(fields["system"])));
  return {
    dialect,
    model: String(fields["model"] ?? ""),
    wantsStream: fields["stream"] === true,
    wantsUsage: dialect !== "chat" || record(fields["stream_options"])["include_usage"] === true,
    turns,
    tools: new Map(records(fields["tools"]).map(toolOf)),
    fields: Object.keys(fields),
  };
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toolOf(tool: Record<string, unknown>): [string, string[]] {
  const fn = "function" in tool ? record(tool["function"]) : tool;
  const schema = fn["parameters"] ?? fn["input_schema"];
  return [String(fn["name"]), Object.keys(record(record(schema)["properties"]))];
}

/** A message of Messages: results of calls are blocks of the user's turn. */
function turnsOf(message: Record<string, unknown>): Turn[] {
  const blocks = records(message["content"]);
  const results = blocks.filter(({ type }) => type === "tool_result");
  const own = { ...turn(message, textOf(message["content"])), calls: callsIn(blocks) };
  return [
    ...results.map((block) => ({
      ...turn({ ...block, role: "tool" }, textOf(block["content"])),
      resultOf: String(block["tool_use_id"]),
    })),
    ...(results.length > 0 && own.text === "" ? [] : [own]),
  ];
}

function callsIn(blocks: readonly Record<string, unknown>[]): Turn["calls"] {
  return blocks
    .filter(({ type }) => type === "tool_use")
    .map((block) => ({ id: String(block["id"]), name: String(block["name"]) }));
}

function turnOf(message: Record<string, unknown>): Turn {
  switch (message["type"]) {
    case "function_call":
      return {
        ...turn({ ...message, role: "assistant" }, ""),
        calls: [{ id: String(message["call_id"]), name: String(message["name"]) }],
      };
    case "function_call_output":
      return {
        ...turn({ ...message, role: "tool" }, textOf(message["output"])),
        resultOf: String(message["call_id"]),
      };
    case "reasoning":
      return turn({ ...message, role: "reasoning" }, "");
    default:
      return {
        ...turn(message, textOf(message["content"])),
        calls: records(message["tool_calls"]).map((call) => ({
          id: String(call["id"]),
          name: String(record(call["function"])["name"]),
        })),
        resultOf: message["role"] === "tool" ? String(message["tool_call_id"]) : "",
      };
  }
}

function turn(message: Record<string, unknown>, text: string): Turn {
  return { role: String(message["role"]), text, calls: [], resultOf: "", fields: Object.keys(message) };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return records(content)
    .map((part) => (typeof part["text"] === "string" ? part["text"] : ""))
    .join("");
}

/** The id of a call says what it is, so that any lane can read the progress off a conversation. */
export function callId(step: number, nth: number, attempt: number): string {
  return `call_${step}_${nth}_${attempt}`;
}

const CALL_ID = /call_(\d+)_(\d+)_\d+/;
const UNFINISHED = /abort|interrupt|cancel/i;
/** A summary of a conversation says how far it was. */
export const SUMMARY_MARK = "Steps done so far:";

/** How far the task is, and what is wrong with the history. */
export function progressOf({ turns }: Conversation, task: Task): Progress {
  const asked = turns.flatMap(({ calls }) => calls.map(({ id }) => id));
  const answered = turns.map(({ resultOf }) => resultOf).filter((id) => id !== "");
  const carriedOut = turns.filter(isCarriedOut).map(({ resultOf }) => nameOfCall(resultOf));
  const problems = [
    ...repeated(asked).map((id) => `call ${id} is there twice`),
    ...repeated(answered).map((id) => `two results of ${id}`),
    ...answered.filter((id) => !asked.includes(id)).map((id) => `result of ${id} without its call`),
    ...asked.filter((id) => !answered.includes(id)).map((id) => `call ${id} without a result`),
    ...repeated(carriedOut).map((name) => `call ${name} was carried out twice`),
    ...repeatedTexts(turns, task),
  ];
  return { ...nextStep(task, stepOfSummary(turns), new Set(carriedOut)), problems };
}

function repeated(words: readonly string[]): string[] {
  return [...new Set(words.filter((word, at) => words.indexOf(word) !== at))];
}

/** A result of a call that the agent stopped says that the call is still to be made. */
function isCarriedOut({ resultOf, text }: Turn): boolean {
  return CALL_ID.test(resultOf) && !(UNFINISHED.test(text) && text.length < 200);
}

function nameOfCall(id: string): string {
  const [, step, nth] = CALL_ID.exec(id) ?? [];
  return `${step}.${nth}`;
}

function stepOfSummary(turns: readonly Turn[]): number {
  const pattern = new RegExp(`${SUMMARY_MARK} (\\d+)`);
  const steps = turns.filter(({ role }) => role !== "system").map(({ text }) => pattern.exec(text)?.[1]);
  return Math.max(0, ...steps.map((step) => Number(step ?? 0)));
}

function nextStep(task: Task, first: number, seen: Set<string>): Pick<Progress, "step" | "done"> {
  for (let step = first; step < task.steps.length; step++) {
    const uses = task.steps[step]?.uses ?? [];
    const done = new Set(uses.keys().filter((nth) => seen.has(`${step}.${nth}`)));
    if (done.size < uses.length || uses.length === 0) return { step, done };
  }
  return { step: task.steps.length - 1, done: new Set() };
}

/** A text of the task that stands in the history more than once, or only in part. */
function repeatedTexts(turns: readonly Turn[], task: Task): string[] {
  const said = turns
    .filter(({ role }) => role === "assistant")
    .map(({ text }) => text)
    .join("\n");
  return task.steps.flatMap(({ text }, step) =>
    text !== "" && said.split(text).length > 2 ? [`the text of step ${step} is there twice`] : [],
  );
}
