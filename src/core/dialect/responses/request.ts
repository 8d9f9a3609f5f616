import { asArray, asObject, asText, isFilled, isObject, type JsonObject, pick } from "../../json.ts";
import {
  addResult,
  errorWords,
  type HubContent,
  type HubRequest,
  type HubSpoken,
  type HubTurn,
  LABELS,
  noteWishes,
  readFormat,
  readToolChoice,
  saidParts,
  textIn,
  type Wish,
} from "../hub-request.ts";
import { argumentsOf, functionName, readTools } from "./tools.ts";

/** State at the provider, and content of the answer that only this dialect has. */
const WISHES: readonly Wish[] = [
  ["previous_response_id", isFilled],
  ["conversation", isFilled],
  ["prompt", isFilled],
  ["background", isFilled],
  ["top_logprobs", isFilled],
  [
    "include",
    (value) => asArray(value).some((one) => one === "message.output_text.logprobs"),
    "log probabilities",
  ],
];

export function readResponsesRequest(body: JsonObject, unsaid: string[]): HubRequest {
  noteWishes(body, WISHES, unsaid);
  const items = asArray(body["input"]).map(asObject);
  const added = items.flatMap((item) => (item["type"] === "additional_tools" ? asArray(item["tools"]) : []));
  const { tools, hosted, origins } = readTools([...asArray(body["tools"]), ...added]);
  const fromProvider = [...hosted.map((type) => `tools of the type ${type}`), ...items.flatMap(hostedItem)];
  const text = asObject(body["text"]);
  const effort = asObject(body["reasoning"])["effort"];
  return {
    model: asText(body["model"]),
    turns: readTurns(body, unsaid),
    tools,
    ...(origins.size === 0 ? {} : { toolOrigins: origins }),
    ...(fromProvider.length === 0 ? {} : { hosted: fromProvider }),
    toolChoice: tools.length > 0 ? readToolChoice(toolChoiceIn(body), nameOf, unsaid) : undefined,
    parallelToolCalls: body["parallel_tool_calls"],
    stream: body["stream"],
    wantsUsage: true,
    temperature: body["temperature"],
    topP: body["top_p"],
    maxOutputTokens: body["max_output_tokens"],
    effort: typeof effort === "string" ? effort : undefined,
    format: readFormat(text["format"], (format) => format),
    verbosity: text["verbosity"],
    stop: [],
    labels: pick(body, LABELS),
  };
}

/** Free text is a matter of the tool, not of its choice. */
function toolChoiceIn({ tool_choice: choice }: JsonObject): unknown {
  return isObject(choice) && choice["type"] === "custom" ? { ...choice, type: "function" } : choice;
}

/** The name of a tool in a call or a choice. */
function nameOf({ namespace, name }: JsonObject): string {
  return functionName(asText(namespace), asText(name));
}

/** What the provider did by itself in earlier turns: only its own service reads these. */
const HOSTED_ITEMS = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_call",
  "mcp_list_tools",
  "tool_search_call",
  "tool_search_output",
]);

function hostedItem({ type }: JsonObject): string[] {
  return HOSTED_ITEMS.has(asText(type)) ? [`input of the type ${asText(type)}`] : [];
}

function readTurns({ instructions, input }: JsonObject, unsaid: string[]): HubTurn[] {
  const turns: HubTurn[] = [];
  if (asText(instructions) !== "")
    turns.push({ role: "system", parts: [{ kind: "text", text: asText(instructions) }] });
  if (typeof input === "string") turns.push({ role: "user", parts: saidParts("text", input) });
  else if (Array.isArray(input)) for (const item of input) addItem(turns, asObject(item), unsaid);
  else unsaid.push("a request without an input");
  return turns;
}

function addItem(turns: HubTurn[], item: JsonObject, unsaid: string[]): void {
  const type = item["type"] ?? (item["role"] === undefined ? undefined : "message");
  switch (type) {
    case "message":
      addMessage(turns, item, unsaid);
      return;
    case "function_call":
    case "custom_tool_call": {
      const { call_id: id, arguments: given, input } = item;
      const written = type === "function_call" ? asText(given) || "{}" : argumentsOf(input);
      addSpoken(turns, [{ kind: "call", id: asText(id), name: nameOf(item), arguments: written }]);
      return;
    }
    case "function_call_output":
    case "custom_tool_call_output": {
      const parts = readContent(item["output"], unsaid);
      addResult(turns, { callId: asText(item["call_id"]), parts });
      return;
    }
    case "reasoning":
      addSpoken(turns, [readReasoning(item)]);
      return;
    case "additional_tools":
      return;
    default:
      if (!HOSTED_ITEMS.has(asText(type))) unsaid.push(`input of the type ${String(type)}`);
  }
}

function addMessage(turns: HubTurn[], item: JsonObject, unsaid: string[]): void {
  const { role } = item;
  const parts = readContent(item["content"], unsaid);
  if (role === "user" || role === "system" || role === "developer") {
    turns.push({ role, parts });
    return;
  }
  if (role !== "assistant") {
    unsaid.push(`messages with the role ${String(role)}`);
    return;
  }
  const words = joinTexts(parts);
  const last = turns.at(-1);
  // A second message is a new turn, except after a call: nothing may be between a call and its result.
  const isAnother =
    last?.role === "assistant" &&
    last.parts.some((part) => part.kind === "text") &&
    last.parts.every((part) => part.kind !== "call");
  if (isAnother && words.length > 0) turns.push({ role, parts: words });
  else addSpoken(turns, words);
}

function addSpoken(turns: HubTurn[], parts: HubSpoken[]): void {
  const last = turns.at(-1);
  if (parts.length === 0) return;
  if (last?.role === "assistant") last.parts.push(...parts);
  else turns.push({ role: "assistant", parts });
}

function joinTexts(parts: readonly HubContent[]): HubSpoken[] {
  const joined: HubSpoken[] = [];
  for (const part of parts) {
    if (part.kind !== "text" && part.kind !== "refusal") continue;
    const last = joined.at(-1);
    if (last?.kind === part.kind) last.text += part.text;
    else joined.push({ ...part });
  }
  return joined;
}

function readReasoning(item: JsonObject): HubSpoken {
  const texts = (list: unknown): string =>
    asArray(list)
      .map((part) => asText(asObject(part)["text"]))
      .join("\n\n");
  const data = asText(item["encrypted_content"]);
  return {
    kind: "reasoning",
    text: texts(item["summary"]) || texts(item["content"]),
    seal: data === "" ? undefined : { family: "", data },
  };
}

function readContent(content: unknown, unsaid: string[]): HubContent[] {
  if (!Array.isArray(content)) return saidParts("text", content);
  return content.flatMap((part) => readPart(asObject(part), unsaid));
}

function readPart(part: JsonObject, unsaid: string[]): HubContent[] {
  const { image_url: url, detail, filename, file_data: data, file_id: id } = part;
  switch (part["type"]) {
    case "input_text":
    case "output_text":
    case "text":
      return saidParts("text", part["text"]);
    case "refusal":
      return saidParts("refusal", part["refusal"]);
    case "input_image":
      return [{ kind: "image", url: textIn(url), detail: textIn(detail) }];
    case "input_file":
      return [{ kind: "file", name: textIn(filename), data: textIn(data), id: textIn(id) }];
    default:
      unsaid.push(`content of the type ${String(part["type"])}`);
      return [];
  }
}

/** Providers of this dialect reject unknown fields. */
export function writeResponsesRequest(request: HubRequest, unsaid: string[]): JsonObject {
  const { tools, toolChoice, effort, format, verbosity } = request;
  if (request.stop.length > 0) unsaid.push("stop");
  const text = pick({ format: writeFormat(format), verbosity }, ["format", "verbosity"]);
  return {
    model: request.model,
    stream: request.stream,
    temperature: request.temperature,
    top_p: request.topP,
    ...request.labels,
    input: request.turns.flatMap(writeTurn),
    // Providers reject the other two without tools, and some reject an empty list.
    ...(tools.length === 0
      ? {}
      : {
          // The default of this dialect is true.
          tools: tools.map(({ strict, ...tool }) => ({
            type: "function",
            ...pick(tool, Object.keys(tool)),
            strict: strict === true,
          })),
          tool_choice: isObject(toolChoice) ? { type: "function", ...toolChoice } : toolChoice,
          parallel_tool_calls: request.parallelToolCalls,
        }),
    max_output_tokens: request.maxOutputTokens,
    reasoning: effort === undefined ? undefined : { effort },
    text: isFilled(text) ? text : undefined,
    // The client keeps the conversation.
    store: false,
  };
}

function writeFormat(format: HubRequest["format"]): JsonObject | undefined {
  if (format === undefined) return undefined;
  const { type, schema = {} } = format;
  return { type, ...pick(schema, Object.keys(schema)) };
}

function writeTurn(turn: HubTurn): JsonObject[] {
  switch (turn.role) {
    case "system":
    case "developer":
    case "user":
      return [{ role: turn.role, content: writeContent(turn.parts) }];
    case "assistant":
      return writeSpoken(turn.parts);
    case "tool":
      return turn.results.map(({ callId, parts, isError }) => ({
        type: "function_call_output",
        call_id: callId,
        output: writeContent(isError === true ? asErrors(parts) : parts),
      }));
  }
}

/**
 * Text and calls are separate items. Earlier reasoning is left out: only the provider that wrote it accepts it.
 */
function writeSpoken(parts: readonly HubSpoken[]): JsonObject[] {
  const items: JsonObject[] = [];
  let said: JsonObject[] = [];
  for (const part of parts) {
    if (part.kind === "reasoning") continue;
    if (part.kind === "call") {
      const { id, name, arguments: given } = part;
      items.push({ type: "function_call", call_id: id, name, arguments: given });
      said = [];
      continue;
    }
    if (said.length === 0) items.push({ role: "assistant", content: said });
    said.push(
      part.kind === "text"
        ? { type: "output_text", text: part.text }
        : { type: "refusal", refusal: part.text },
    );
  }
  return items;
}

function writeContent(parts: readonly HubContent[]): unknown {
  const [only] = parts;
  if (only === undefined) return "";
  return parts.length === 1 && only.kind === "text" ? only.text : parts.map(writePart);
}

/** The dialect has no field for a failure, so its first text says it. */
function asErrors(parts: readonly HubContent[]): HubContent[] {
  const [first, ...others] = parts;
  if (first?.kind !== "text") return [{ kind: "text", text: errorWords("") }, ...parts];
  return [{ kind: "text", text: errorWords(first.text) }, ...others];
}

function writePart(part: HubContent): JsonObject {
  switch (part.kind) {
    case "text":
    case "refusal":
      return { type: "input_text", text: part.text };
    case "image":
      return { type: "input_image", image_url: part.url, detail: part.detail ?? "auto" };
    case "file": {
      const { name, data, id } = part;
      const file = { filename: name, file_data: data, file_id: id };
      return { type: "input_file", ...pick(file, ["filename", "file_data", "file_id"]) };
    }
  }
}
