import { asArray, asObject, asText, isObject, type JsonObject, parseJson, pick } from "../../json.ts";
import {
  type HubContent,
  type HubRequest,
  type HubResult,
  type HubSpoken,
  type HubTurn,
  type RequestTarget,
  textOf,
} from "../hub-request.ts";
import { type ModelTraits, UNKNOWN_MODEL } from "../model-traits.ts";
import { asReminder } from "./read-request.ts";

/** A call of the last turn of the model, with its result as soon as one is read. */
export interface OpenCall {
  rawId: string;
  id: string;
  result: { [key: string]: unknown } | undefined;
}

const ALLOWED = /^[a-zA-Z0-9_-]+$/;

/**
 * Ids that this dialect accepts, unique in the request. Some services repeat ids turn after turn. The ids depend on the
 * history alone, so that they are the same in the next request, and cached prefixes stay valid.
 */
export class CallIds {
  readonly #ids: string[] = [];
  #at = 0;

  constructor(turns: readonly HubTurn[]) {
    const raw = turns.flatMap((turn) =>
      turn.role === "assistant" ? turn.parts.flatMap((part) => (part.kind === "call" ? [part.id] : [])) : [],
    );
    const taken = new Set(raw.filter((id) => ALLOWED.test(id)));
    const kept = new Set<string>();
    for (const id of raw) {
      const isKept = taken.has(id) && !kept.has(id);
      const allocated = isKept ? id : freeId(id, taken);
      kept.add(allocated);
      taken.add(allocated);
      this.#ids.push(allocated);
    }
  }

  /** The id of the next call, in the order of the history. */
  next(): string {
    return this.#ids[this.#at++] ?? `call_${this.#at}`;
  }
}

function freeId(id: string, taken: ReadonlySet<string>): string {
  const plain = `${id.replace(/[^a-zA-Z0-9_-]+/g, "_").slice(0, 40)}_${shortHash(id)}`;
  let free = plain;
  for (let count = 2; taken.has(free); count++) free = `${plain}_${count}`;
  return free;
}

function shortHash(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 8);
}

/** This dialect requires a limit. */
const USUAL_OUTPUT = 8192;

interface MessagesTurn {
  role: "user" | "assistant";
  content: JsonObject[];
}

export function writeMessagesRequest(
  request: HubRequest,
  unsaid: string[],
  target: RequestTarget = { traits: UNKNOWN_MODEL },
): JsonObject {
  const { traits } = target;
  const turns = writeTurns(request.turns, traits, unsaid);
  const thinking = writeThinking(request, traits, turns);
  const isThinking = thinking.kind === "budget" || thinking.kind === "adaptive";
  const { maxOutputTokens = target.outputLimit ?? USUAL_OUTPUT } = request;
  const budget = thinking.kind === "budget" ? thinking.tokens : 0;
  const limit = typeof maxOutputTokens === "number" ? maxOutputTokens + budget : maxOutputTokens;
  const tools = request.tools.map(writeTool);
  const system = systemIn(request.turns);
  if (traits.needsCacheMarks) markCache(tools, system, turns);
  return {
    model: request.model,
    max_tokens: limit,
    ...(system.length === 0 ? {} : { system }),
    messages: turns,
    ...(tools.length === 0 ? {} : { tools, tool_choice: writeToolChoice(request, traits, isThinking) }),
    stop_sequences: stopWords(request.stop),
    stream: request.stream,
    ...writeSampling(request, traits, isThinking),
    thinking: thinking.field,
    output_config: writeOutput(request, thinking.effort, unsaid),
    metadata: writeUser(request.labels, target.session),
    service_tier: request.labels["service_tier"] === "auto" ? "auto" : undefined,
  };
}

function stopWords(stop: readonly string[]): string[] | undefined {
  const words = stop.filter((word) => word.trim() !== "");
  return words.length === 0 ? undefined : words;
}

function isLeading(turns: readonly HubTurn[], at: number): boolean {
  return turns.slice(0, at + 1).every(({ role }) => role === "system" || role === "developer");
}

function systemIn(turns: readonly HubTurn[]): JsonObject[] {
  return turns
    .filter((_, at) => isLeading(turns, at))
    .map((turn) => (turn.role === "tool" ? "" : textOf(turn.parts, "\n\n")))
    .filter((text) => text.trim() !== "")
    .map((text) => ({ type: "text", text }));
}

/** Roles alternate, and the turn behind a call begins with all of its results. */
class TurnWriter {
  readonly turns: MessagesTurn[] = [];
  #open: OpenCall[] = [];
  #said: JsonObject[] = [];

  speak(content: JsonObject[], calls: OpenCall[]): void {
    if (content.length === 0) return;
    this.#closeUser();
    const last = this.turns.at(-1);
    if (last?.role === "assistant") last.content.push(...content);
    else this.turns.push({ role: "assistant", content });
    this.#open.push(...calls);
  }

  say(content: JsonObject[]): void {
    this.#said.push(...content);
  }

  /** Returns whether the result belongs to an open call. */
  answer(callId: string, result: JsonObject): boolean {
    const call = this.#open.find(({ rawId }) => rawId === callId);
    if (call === undefined) return false;
    call.result = result;
    return true;
  }

  end(): MessagesTurn[] {
    this.#closeUser();
    const last = this.turns.at(-1);
    if (last?.role === "assistant") cutTrailingBlanks(last);
    return this.turns.filter(({ content }) => content.length > 0);
  }

  #closeUser(): void {
    const results = this.#open.map(({ id, result = NO_RESULT }) => ({
      type: "tool_result",
      tool_use_id: id,
      ...result,
    }));
    const content = [...results, ...this.#said];
    this.#open = [];
    this.#said = [];
    if (content.length > 0) this.turns.push({ role: "user", content });
  }
}

const NO_RESULT: JsonObject = { content: "no result", is_error: true };

function cutTrailingBlanks(turn: MessagesTurn): void {
  const last = turn.content.at(-1);
  if (last?.["type"] === "text") last["text"] = asText(last["text"]).trimEnd();
}

function writeTurns(turns: readonly HubTurn[], traits: ModelTraits, unsaid: string[]): MessagesTurn[] {
  const writer = new TurnWriter();
  const ids = new CallIds(turns);
  for (const [at, turn] of turns.entries()) {
    switch (turn.role) {
      case "system":
      case "developer":
        if (!isLeading(turns, at))
          writer.say(turn.parts.flatMap((part) => writePart(asReminder(part), unsaid)));
        break;
      case "user":
        writer.say(turn.parts.flatMap((part) => writePart(part, unsaid)));
        break;
      case "assistant": {
        const calls: OpenCall[] = [];
        writer.speak(writeSpoken(turn.parts, { traits, ids, calls }), calls);
        break;
      }
      case "tool":
        for (const result of turn.results) {
          const content = result.parts.flatMap((part) => writePart(part, unsaid));
          if (!writer.answer(result.callId, writeResult(result, content))) writer.say(content);
        }
    }
  }
  return writer.end();
}

function writeResult({ isError }: HubResult, content: JsonObject[]): JsonObject {
  return {
    ...(content.length === 0 ? {} : { content: plain(content) }),
    ...(isError === true ? { is_error: true } : {}),
  };
}

/** A single text is written as a string, which every service accepts. */
function plain(content: readonly JsonObject[]): unknown {
  const [only] = content;
  return content.length === 1 && only?.["type"] === "text" ? only["text"] : content;
}

/** Text and calls. Between reasoning, the calls come last. */
function writeSpoken(
  parts: readonly HubSpoken[],
  { traits, ids, calls }: { traits: ModelTraits; ids: CallIds; calls: OpenCall[] },
): JsonObject[] {
  const written: JsonObject[] = [];
  let called: JsonObject[] = [];
  for (const part of parts) {
    if (part.kind === "call") {
      const id = ids.next();
      calls.push({ rawId: part.id, id, result: undefined });
      called.push({ type: "tool_use", id, name: part.name, input: inputOf(part.arguments) });
    } else if (part.kind === "reasoning") {
      const thought = writeReasoning(part, traits);
      if (thought === undefined) continue;
      written.push(...called, thought);
      called = [];
    } else if (part.text.trim() !== "") written.push({ type: "text", text: part.text });
  }
  const all = [...written, ...called];
  const isSilent =
    traits.needsReasoning && called.length > 0 && !all.some((one) => one["type"] === "thinking");
  return isSilent ? [{ type: "thinking", thinking: "", signature: "" }, ...all] : all;
}

/** Only the family that signed reasoning takes it back with its signature. */
function writeReasoning(
  { text, seal }: Extract<HubSpoken, { kind: "reasoning" }>,
  { reasoning, family }: ModelTraits,
): JsonObject | undefined {
  const own = seal !== undefined && seal.family === family ? seal.data : "";
  if (text === "" || reasoning === "none" || (reasoning === "signed" && own === "")) return undefined;
  return { type: "thinking", thinking: text, signature: own };
}

/** Arguments that are not an object stay visible to the model. */
function inputOf(given: string): JsonObject {
  if (given.trim() === "") return {};
  const input = parseJson(given);
  return isObject(input) ? input : { _raw: given };
}

const IMAGE_TYPES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

function writePart(part: HubContent, unsaid: string[]): JsonObject[] {
  switch (part.kind) {
    case "text":
    case "refusal":
      return part.text.trim() === "" ? [] : [{ type: "text", text: part.text }];
    case "image":
      return writeImage(part.url, unsaid);
    case "file":
      return writeFile(part, unsaid);
  }
}

interface DataUrl {
  mediaType: string;
  data: string;
}

function readDataUrl(url: string): DataUrl | undefined {
  const [, mediaType = "", data] = /^data:([^;,]*)[^,]*?;base64,(.*)$/s.exec(url) ?? [];
  return data === undefined ? undefined : { mediaType: mediaType.toLowerCase(), data };
}

function writeImage(url: string | undefined, unsaid: string[]): JsonObject[] {
  if (url === undefined) {
    unsaid.push("an image by its file id");
    return [];
  }
  const inline = readDataUrl(url);
  if (inline === undefined) return [{ type: "image", source: { type: "url", url } }];
  const mediaType = inline.mediaType === "image/jpg" ? "image/jpeg" : inline.mediaType;
  if (!IMAGE_TYPES.has(mediaType)) {
    unsaid.push(`an image of the type ${mediaType}`);
    return [];
  }
  return [{ type: "image", source: { type: "base64", media_type: mediaType, data: inline.data } }];
}

function writeFile({ name, data }: Extract<HubContent, { kind: "file" }>, unsaid: string[]): JsonObject[] {
  const inline = data === undefined ? undefined : readDataUrl(data);
  if (inline === undefined) {
    unsaid.push("a file by its id or address");
    return [];
  }
  const title = name === undefined ? {} : { title: name };
  if (inline.mediaType === "application/pdf") {
    const source = { type: "base64", media_type: inline.mediaType, data: inline.data };
    return [{ type: "document", source, ...title }];
  }
  if (inline.mediaType.startsWith("text/")) {
    const text = Buffer.from(inline.data, "base64").toString();
    return [{ type: "document", source: { type: "text", media_type: "text/plain", data: text }, ...title }];
  }
  unsaid.push(`a file of the type ${inline.mediaType}`);
  return [];
}

function writeTool({ name, description, parameters, strict }: HubRequest["tools"][number]): JsonObject {
  const tool = { name, description, input_schema: objectSchema(parameters), strict };
  return pick(tool, Object.keys(tool));
}

const COMBINATIONS = ["anyOf", "oneOf", "allOf"];

/** The schema of an input must be an object, and alternatives at its top are refused: their properties are joined. */
function objectSchema(parameters: unknown): JsonObject {
  const schema = asObject(parameters);
  const options = COMBINATIONS.flatMap((name) => asArray(schema[name]).map(asObject));
  const rest = Object.fromEntries(Object.entries(schema).filter(([name]) => !COMBINATIONS.includes(name)));
  if (options.length === 0 && rest["type"] === "object") return rest;
  if (options.length === 0) return { properties: {}, ...rest, type: "object" };
  const properties = Object.assign({}, ...[schema, ...options].map((one) => asObject(one["properties"])));
  const isRequired = (name: unknown): boolean =>
    options.every((option) => asArray(option["required"]).includes(name));
  const shared = asArray(options[0]?.["required"]).filter(isRequired);
  const required = [...new Set([...asArray(schema["required"]), ...shared])];
  return { ...rest, type: "object", properties, ...(required.length === 0 ? {} : { required }) };
}

function writeToolChoice(
  { toolChoice, parallelToolCalls }: HubRequest,
  { canForceCalls }: ModelTraits,
  isThinking: boolean,
): JsonObject | undefined {
  const alone = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  const isForced = toolChoice === "required" || isObject(toolChoice);
  // A forced call is refused while the model thinks.
  if (isForced && (isThinking || !canForceCalls)) return { type: "auto", ...alone };
  if (isObject(toolChoice)) return { type: "tool", name: toolChoice.name, ...alone };
  if (toolChoice === "required") return { type: "any", ...alone };
  if (toolChoice === "none") return { type: "none" };
  return toolChoice === "auto" || parallelToolCalls === false ? { type: "auto", ...alone } : undefined;
}

function writeSampling(
  { temperature, topP }: HubRequest,
  { sampling }: ModelTraits,
  isThinking: boolean,
): JsonObject {
  if (sampling === "none") return {};
  const clamped = typeof temperature === "number" ? Math.min(1, Math.max(0, temperature)) : temperature;
  if (sampling === "both") return isThinking ? { top_p: topP } : { temperature: clamped, top_p: topP };
  if (isThinking) return {};
  return clamped === undefined || clamped === null ? { top_p: topP } : { temperature: clamped };
}

/** How a model is asked to think; `off` also where nothing is said about it. */
type Thinking =
  | { kind: "off"; field: JsonObject | undefined; effort: undefined }
  | { kind: "adaptive"; field: JsonObject; effort: string }
  | { kind: "budget"; field: JsonObject; effort: string | undefined; tokens: number };

/** Tokens to think with, for models that know no effort. */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 2048,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 16_384,
  max: 16_384,
};

function writeThinking(
  { effort }: HubRequest,
  traits: ModelTraits,
  turns: readonly MessagesTurn[],
): Thinking {
  if (effort === undefined) return { kind: "off", field: undefined, effort: undefined };
  const off: Thinking = {
    kind: "off",
    field: traits.thinkingOff === undefined ? undefined : { type: traits.thinkingOff },
    effort: undefined,
  };
  const tokens = BUDGETS[effort];
  if (tokens === undefined) return off;
  if (traits.thinking === "adaptive") {
    const level = effort === "minimal" ? "low" : effort;
    return { kind: "adaptive", field: { type: "adaptive", display: "summarized" }, effort: level };
  }
  // With a budget, the calls that are being answered must begin with reasoning.
  if (traits.reasoning === "signed" && isInCalls(turns)) return off;
  return {
    kind: "budget",
    field: { type: "enabled", budget_tokens: tokens },
    effort: traits.needsReasoning ? effort : undefined,
    tokens,
  };
}

/** Whether the last turn of the model calls tools without reasoning. */
function isInCalls(turns: readonly MessagesTurn[]): boolean {
  const last = turns.findLast(({ role }) => role === "assistant");
  const isAnswered = turns.at(-1)?.content.some((block) => block["type"] === "tool_result") === true;
  return isAnswered && last?.content[0]?.["type"] !== "thinking";
}

function writeOutput(
  { format }: HubRequest,
  effort: string | undefined,
  unsaid: string[],
): JsonObject | undefined {
  if (format !== undefined && format.type !== "text" && format.schema === undefined)
    unsaid.push(`a response_format of the type ${format.type}`);
  const schema = format?.schema?.["schema"];
  const written = {
    ...(schema === undefined ? {} : { format: { type: "json_schema", schema } }),
    ...(effort === undefined ? {} : { effort }),
  };
  return Object.keys(written).length === 0 ? undefined : written;
}

/** The same user for each turn of a session, whose own name stays here. */
function writeUser(labels: JsonObject, client: string | undefined): JsonObject | undefined {
  const named = [client, labels["prompt_cache_key"], labels["safety_identifier"], labels["user"]];
  const session = named.map(asText).find(Boolean);
  if (session === undefined) return undefined;
  const hash = new Bun.CryptoHasher("sha256").update(`orouter session ${session}`).digest("hex");
  return { user_id: `orouter_${hash.slice(0, 32)}` };
}

const CACHE_MARK = { type: "ephemeral" };

/** A service allows four marks: the tools, the system text and the last two turns of the user. */
function markCache(tools: JsonObject[], system: JsonObject[], turns: readonly MessagesTurn[]): void {
  const users = turns.filter(({ role }) => role === "user").slice(-2);
  const marked = [tools.at(-1), system.at(-1), ...users.map(({ content }) => content.at(-1))];
  for (const block of marked) if (block !== undefined) block["cache_control"] = CACHE_MARK;
}
