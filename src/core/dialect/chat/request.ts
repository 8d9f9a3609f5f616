import { asArray, asObject, asText, isFilled, isObject, type JsonObject, pick } from "../../json.ts";
import {
  addResult,
  errorWords,
  type HubContent,
  type HubRequest,
  type HubResult,
  type HubSpoken,
  type HubTurn,
  LABELS,
  noteWishes,
  type RequestTarget,
  readFormat,
  readToolChoice,
  readTools,
  type Seal,
  saidParts,
  textIn,
  textOf,
  type Wish,
} from "../hub-request.ts";

/** Some providers send the same reasoning in two of these fields; the first one is read. */
export const REASONING_FIELDS = ["reasoning_content", "reasoning", "reasoning_text"];

export function reasoningIn(from: JsonObject): string {
  for (const field of REASONING_FIELDS) {
    const text = asText(from[field]);
    if (text !== "") return text;
  }
  return "";
}

/**
 * Fields that change the content of the answer and that no other dialect has. `seed`, penalties and `top_k` are missing on
 * purpose: without them the answer is just as good.
 */
const WISHES: readonly Wish[] = [
  ["n", (value) => typeof value === "number" && value > 1, "n above 1"],
  ["logit_bias", isFilled],
  ["logprobs", isFilled],
  ["top_logprobs", isFilled],
  ["audio", isFilled],
  ["modalities", (value) => asArray(value).some((one) => one !== "text"), "modalities other than text"],
  // An empty object enables the search.
  ["web_search_options", (value) => value !== undefined && value !== null],
  ["functions", isFilled],
];

export function readChatRequest(body: JsonObject, unsaid: string[]): HubRequest {
  noteWishes(body, WISHES, unsaid);
  const { messages, stop } = body;
  if (!Array.isArray(messages)) unsaid.push("a request without a list of messages");
  const described = (one: JsonObject): JsonObject => asObject(one["function"]);
  const effort = body["reasoning_effort"] ?? asObject(body["reasoning"])["effort"];
  return {
    model: asText(body["model"]),
    turns: readTurns(asArray(messages), unsaid),
    tools: readTools(body["tools"], described, unsaid),
    toolChoice: isFilled(body["tools"])
      ? readToolChoice(body["tool_choice"], (choice) => described(choice)["name"], unsaid)
      : undefined,
    parallelToolCalls: body["parallel_tool_calls"],
    stream: body["stream"],
    wantsUsage: asObject(body["stream_options"])["include_usage"] === true,
    temperature: body["temperature"],
    topP: body["top_p"],
    maxOutputTokens: body["max_completion_tokens"] ?? body["max_tokens"],
    // OpenRouter has an object `reasoning`.
    effort: typeof effort === "string" ? effort : undefined,
    format: readFormat(body["response_format"], (format) => asObject(format["json_schema"])),
    verbosity: body["verbosity"],
    stop: (Array.isArray(stop) ? stop : [stop]).map(asText).filter((word) => word !== ""),
    labels: pick(body, LABELS),
  };
}

function readTurns(messages: readonly unknown[], unsaid: string[]): HubTurn[] {
  const turns: HubTurn[] = [];
  for (const value of messages) {
    const message = asObject(value);
    const { role, content } = message;
    if (role === "system" || role === "developer" || role === "user")
      turns.push({ role, parts: readContent(content, unsaid) });
    else if (role === "assistant") {
      const parts = readSpoken(message, unsaid);
      if (parts.length > 0) turns.push({ role, parts });
    } else if (role === "tool") {
      const parts = readContent(content, unsaid);
      addResult(turns, { callId: asText(message["tool_call_id"]), parts });
    } else unsaid.push(`messages with the role ${String(role)}`);
  }
  return turns;
}

function readContent(content: unknown, unsaid: string[]): HubContent[] {
  if (Array.isArray(content)) return content.flatMap((part) => readPart(asObject(part), unsaid));
  return saidParts("text", content);
}

function readPart(part: JsonObject, unsaid: string[]): HubContent[] {
  switch (part["type"]) {
    case "text":
      return saidParts("text", part["text"]);
    case "refusal":
      return saidParts("refusal", part["refusal"]);
    case "image_url": {
      const image = part["image_url"];
      const { url, detail } = typeof image === "string" ? { url: image, detail: undefined } : asObject(image);
      return [{ kind: "image", url: textIn(url), detail: textIn(detail) }];
    }
    case "file": {
      const { filename, file_data: data, file_id: id } = asObject(part["file"]);
      return [{ kind: "file", name: textIn(filename), data: textIn(data), id: textIn(id) }];
    }
    default:
      unsaid.push(`content of the type ${String(part["type"])}`);
      return [];
  }
}

function readSpoken(message: JsonObject, unsaid: string[]): HubSpoken[] {
  if (isFilled(message["audio"])) unsaid.push("messages with audio");
  if (isFilled(message["function_call"])) unsaid.push("messages with a function_call");
  return [
    ...readReasoning(message),
    ...readWords(message["content"], unsaid),
    ...saidParts("refusal", message["refusal"]),
    ...asArray(message["tool_calls"]).flatMap((call) => readCall(asObject(call), unsaid)),
  ];
}

function readReasoning(message: JsonObject): HubSpoken[] {
  const text = reasoningIn(message);
  const seal = asArray(message["reasoning_details"]).map(asObject).map(sealIn).find(Boolean);
  return text === "" && seal === undefined ? [] : [{ kind: "reasoning", text, seal }];
}

function sealIn({ format, data, signature }: JsonObject): Seal | undefined {
  const sealed = asText(data) || asText(signature);
  return sealed === "" ? undefined : { family: asText(format), data: sealed };
}

function readWords(content: unknown, unsaid: string[]): HubSpoken[] {
  if (!Array.isArray(content)) return saidParts("text", content);
  return content.map(asObject).flatMap((part) => {
    if (part["type"] === "refusal") return saidParts("refusal", part["refusal"]);
    if (part["type"] !== "text") unsaid.push(`an assistant's content of the type ${String(part["type"])}`);
    return saidParts("text", part["text"]);
  });
}

function readCall(call: JsonObject, unsaid: string[]): HubSpoken[] {
  const type = call["type"] ?? "function";
  if (type !== "function") {
    unsaid.push(`tool calls of the type ${String(type)}`);
    return [];
  }
  const { name, arguments: given } = asObject(call["function"]);
  return [{ kind: "call", id: asText(call["id"]), name: asText(name), arguments: asText(given) || "{}" }];
}

/** Maps efforts to those that all providers know. `none` is left out. */
const EFFORTS: Readonly<Record<string, string>> = {
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  xhigh: "high",
  max: "high",
};

/** Writes only fields that every provider knows, because many reject unknown ones. */
export function writeChatRequest(request: HubRequest, unsaid: string[], target?: RequestTarget): JsonObject {
  const { tools, toolChoice, stream, format, effort, stop } = request;
  return {
    model: request.model,
    stream,
    temperature: request.temperature,
    top_p: request.topP,
    messages: writeTurns(request.turns, unsaid, target?.traits.reasoning === "text"),
    // Providers reject the other two without tools, and some reject an empty list.
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ strict, ...tool }) => {
            // Few providers know `strict`.
            const described = { ...pick(tool, Object.keys(tool)), ...(strict === true ? { strict } : {}) };
            return { type: "function", function: described };
          }),
          tool_choice: isObject(toolChoice) ? { type: "function", function: toolChoice } : toolChoice,
          parallel_tool_calls: request.parallelToolCalls,
        }),
    max_tokens: request.maxOutputTokens,
    stop: stop.length === 0 ? undefined : stop,
    reasoning_effort: effort === undefined ? undefined : EFFORTS[effort],
    response_format: writeFormat(format),
    // Other dialects always include usage.
    stream_options: stream === true ? { include_usage: true } : undefined,
  };
}

/** Plain text is the default. */
function writeFormat(format: HubRequest["format"]): JsonObject | undefined {
  if (format === undefined || format.type === "text") return undefined;
  const { type, schema } = format;
  return schema === undefined ? { type } : { type, json_schema: pick(schema, Object.keys(schema)) };
}

function writeTurns(turns: readonly HubTurn[], unsaid: string[], keepsReasoning: boolean): JsonObject[] {
  const messages: JsonObject[] = [];
  // Results must follow their calls directly, so images come after all results, with what the user says next.
  let pictures: JsonObject[] = [];
  const showPictures = (next: readonly JsonObject[] = []): void => {
    const parts = [...pictures, ...next];
    if (parts.length > 0) messages.push({ role: "user", content: plainContent(parts) });
    pictures = [];
  };
  for (const turn of turns) {
    if (turn.role === "tool") {
      for (const result of turn.results) {
        const shown = result.parts.flatMap((part) => writePart(part, unsaid)).filter(isPicture);
        messages.push(writeResult(result, shown.length > 0));
        pictures.push(...shown);
      }
      continue;
    }
    if (turn.role === "user" && pictures.length > 0) {
      showPictures(turn.parts.flatMap((part) => writePart(part, unsaid)));
      continue;
    }
    showPictures();
    messages.push(...writeTurn(turn, unsaid, keepsReasoning));
  }
  showPictures();
  return messages;
}

function isPicture(part: JsonObject): boolean {
  return part["type"] !== "text";
}

function writeResult({ callId, parts, isError }: HubResult, hasPictures: boolean): JsonObject {
  const content = textOf(parts, "\n\n") || (hasPictures ? "The result is attached below." : "");
  return { role: "tool", tool_call_id: callId, content: isError === true ? errorWords(content) : content };
}

function writeTurn(
  turn: Exclude<HubTurn, { role: "tool" }>,
  unsaid: string[],
  keepsReasoning: boolean,
): JsonObject[] {
  switch (turn.role) {
    case "system":
    case "developer":
      // Not every provider knows the role developer.
      return [{ role: "system", content: textOf(turn.parts, "\n\n") }];
    case "user": {
      const parts = turn.parts.flatMap((part) => writePart(part, unsaid));
      return [{ role: "user", content: plainContent(parts) }];
    }
    case "assistant":
      return writeSpoken(turn.parts, keepsReasoning);
  }
}

/** A single text is written as a string, which every provider accepts. */
function plainContent(parts: readonly JsonObject[]): unknown {
  const [only] = parts;
  if (only === undefined) return "";
  return parts.length === 1 && only["type"] === "text" ? only["text"] : parts;
}

/** Earlier reasoning is left out where the provider does not ask for it, because some providers reject the field. */
function writeSpoken(parts: readonly HubSpoken[], keepsReasoning: boolean): JsonObject[] {
  const text = textOf(parts, "\n\n");
  const thought = keepsReasoning ? thoughtIn(parts) : "";
  const reasoning = thought === "" ? {} : { reasoning_content: thought };
  const calls = parts.flatMap((part) => {
    if (part.kind !== "call") return [];
    const { id, name, arguments: given } = part;
    return [{ id, type: "function", function: { name, arguments: given } }];
  });
  if (text === "" && calls.length === 0) return [];
  const content = text === "" ? null : text;
  const message = { role: "assistant", content, ...reasoning };
  return [calls.length === 0 ? message : { ...message, tool_calls: calls }];
}

function thoughtIn(parts: readonly HubSpoken[]): string {
  return parts
    .flatMap((part) => (part.kind === "reasoning" && part.text !== "" ? part.text : []))
    .join("\n\n");
}

/** A provider cannot access images and files that are stored at another one. */
function writePart(part: HubContent, unsaid: string[]): JsonObject[] {
  switch (part.kind) {
    case "text":
    case "refusal":
      return [{ type: "text", text: part.text }];
    case "image": {
      const { url, detail } = part;
      if (url === undefined) {
        unsaid.push("an image by its file id");
        return [];
      }
      return [
        {
          type: "image_url",
          image_url: detail === undefined || detail === "auto" ? { url } : { url, detail },
        },
      ];
    }
    case "file": {
      const { name, data } = part;
      if (data === undefined) {
        unsaid.push("a file by its id or address");
        return [];
      }
      return [{ type: "file", file: pick({ filename: name, file_data: data }, ["filename", "file_data"]) }];
    }
  }
}
