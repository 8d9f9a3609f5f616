import { asArray, asObject, asText, isFilled, isObject, type JsonObject, parseJson } from "../../json.ts";
import {
  addResult,
  type HubContent,
  type HubRequest,
  type HubResult,
  type HubSpoken,
  type HubTool,
  type HubTurn,
  noteWishes,
  type Seal,
  saidParts,
  textIn,
  type Wish,
} from "../hub-request.ts";
import { readMark } from "../model-traits.ts";

/** State at the provider, and tools that only its own service runs. */
const WISHES: readonly Wish[] = [
  ["container", isFilled],
  ["mcp_servers", isFilled],
];

/** Claude Code's first system block. It changes with each request, and only Anthropic has a use for it. */
export const BILLING_BLOCK = /^x-anthropic-billing-header:/;

export function readMessagesRequest(body: JsonObject, unsaid: string[]): HubRequest {
  noteWishes(body, WISHES, unsaid);
  const { messages, thinking, output_config: output } = body;
  if (!Array.isArray(messages)) unsaid.push("a request without a list of messages");
  const hosted: string[] = [];
  const hasTools = asArray(body["tools"]).some((tool) => !isHosted(asObject(tool)));
  const choice = hasTools ? asObject(body["tool_choice"]) : {};
  return {
    model: asText(body["model"]),
    turns: [...readSystem(body["system"]), ...readTurns(asArray(messages), unsaid)],
    tools: asArray(body["tools"]).flatMap((tool) => readTool(asObject(tool), hosted)),
    ...(hosted.length === 0 ? {} : { hosted }),
    toolChoice: readToolChoice(choice),
    parallelToolCalls: choice["disable_parallel_tool_use"] === true ? false : undefined,
    stream: body["stream"],
    wantsUsage: true,
    temperature: body["temperature"],
    topP: body["top_p"],
    maxOutputTokens: body["max_tokens"],
    effort: readEffort(asObject(thinking), asObject(output)),
    format: readFormat(asObject(output)["format"]),
    verbosity: undefined,
    stop: asArray(body["stop_sequences"])
      .map(asText)
      .filter((word) => word.trim() !== ""),
    labels: readLabels(body),
  };
}

function readSystem(system: unknown): HubTurn[] {
  const texts =
    typeof system === "string" ? [system] : asArray(system).map((one) => asText(asObject(one)["text"]));
  const parts = texts.filter((text) => !BILLING_BLOCK.test(text)).flatMap((text) => saidParts("text", text));
  return parts.length === 0 ? [] : [{ role: "system", parts }];
}

function readTurns(messages: readonly unknown[], unsaid: string[]): HubTurn[] {
  const turns: HubTurn[] = [];
  for (const value of messages) {
    const { role, content } = asObject(value);
    if (role === "assistant") addSpoken(turns, readSpoken(content));
    else if (role === "user") addUser(turns, content, unsaid);
    else if (role === "system") addSaid(turns, readContent(content, unsaid).map(asReminder));
    else unsaid.push(`messages with the role ${String(role)}`);
  }
  return turns;
}

/**
 * A system message behind the first turn, as text of the user: many services refuse that role there, and a change of the
 * first system message would change the prefix of every request.
 */
export function asReminder(part: HubContent): HubContent {
  if (part.kind !== "text") return part;
  return { kind: "text", text: `<system-reminder>\n${part.text}\n</system-reminder>` };
}

/** Turns of the same role in a row are one turn in this dialect. */
function addSpoken(turns: HubTurn[], parts: HubSpoken[]): void {
  const last = turns.at(-1);
  if (parts.length === 0) return;
  if (last?.role === "assistant") last.parts.push(...parts);
  else turns.push({ role: "assistant", parts });
}

function addSaid(turns: HubTurn[], parts: HubContent[]): void {
  const last = turns.at(-1);
  if (parts.length === 0) return;
  if (last?.role === "user") last.parts.push(...parts);
  else turns.push({ role: "user", parts });
}

/** Results of calls come before everything else in their turn. */
function addUser(turns: HubTurn[], content: unknown, unsaid: string[]): void {
  const blocks = asArray(content).map(asObject);
  for (const block of blocks)
    if (block["type"] === "tool_result") addResult(turns, readResult(block, unsaid));
  if (typeof content === "string") addSaid(turns, saidParts("text", content));
  else
    addSaid(
      turns,
      readContent(
        blocks.filter((block) => block["type"] !== "tool_result"),
        unsaid,
      ),
    );
}

function readResult(block: JsonObject, unsaid: string[]): HubResult {
  const result = {
    callId: asText(block["tool_use_id"]),
    parts: readContent(block["content"], unsaid),
  };
  return block["is_error"] === true ? { ...result, isError: true } : result;
}

function readContent(content: unknown, unsaid: string[]): HubContent[] {
  if (typeof content === "string") return saidParts("text", content);
  return asArray(content).flatMap((block) => readBlock(asObject(block), unsaid));
}

function readBlock(block: JsonObject, unsaid: string[]): HubContent[] {
  const source = asObject(block["source"]);
  switch (block["type"]) {
    case "text":
      return saidParts("text", block["text"]);
    case "image":
      return [{ kind: "image", url: urlOf(source), detail: undefined }];
    case "document":
      return readDocument(block, source, unsaid);
    case "search_result": {
      const found = asArray(block["content"]).map((part) => asText(asObject(part)["text"]));
      return saidParts(
        "text",
        [block["title"], block["source"], ...found].map(asText).filter(Boolean).join("\n"),
      );
    }
    case "tool_reference":
      return saidParts("text", `The tool ${asText(block["tool_name"])} is loaded.`);
    default:
      unsaid.push(`content of the type ${String(block["type"])}`);
      return [];
  }
}

/** A data URL or an address; undefined for a file that is stored at its provider. */
function urlOf(source: JsonObject): string | undefined {
  if (source["type"] === "base64")
    return `data:${asText(source["media_type"])};base64,${asText(source["data"])}`;
  return source["type"] === "url" ? textIn(source["url"]) : undefined;
}

function readDocument(block: JsonObject, source: JsonObject, unsaid: string[]): HubContent[] {
  const name = textIn(block["title"]);
  switch (source["type"]) {
    case "base64":
      return [{ kind: "file", name, data: urlOf(source), id: undefined }];
    case "text":
      return saidParts("text", source["data"]);
    case "content":
      return readContent(source["content"], unsaid);
    case "url":
      unsaid.push("a document by its address");
      return [];
    default:
      return [{ kind: "file", name, data: undefined, id: asText(source["file_id"]) }];
  }
}

/** What the provider's own tools did is left out: no other service accepts it. */
function readSpoken(content: unknown): HubSpoken[] {
  if (typeof content === "string") return saidParts("text", content);
  return asArray(content)
    .map(asObject)
    .flatMap((block): HubSpoken[] => {
      switch (block["type"]) {
        case "text":
          return saidParts("text", block["text"]);
        case "thinking":
          return [{ kind: "reasoning", text: asText(block["thinking"]), seal: sealIn(block["signature"]) }];
        case "redacted_thinking":
          return [{ kind: "reasoning", text: "", seal: { family: "redacted", data: asText(block["data"]) } }];
        case "tool_use": {
          const { id, name, input } = block;
          const given = JSON.stringify(isObject(input) ? input : {});
          return [{ kind: "call", id: asText(id), name: asText(name), arguments: given }];
        }
        default:
          return [];
      }
    });
}

function sealIn(signature: unknown): Seal | undefined {
  const text = asText(signature);
  return text === "" ? undefined : (readMark(text) ?? { family: "", data: text });
}

/** Tools that only the provider runs have a type of their own, and no schema. */
function isHosted({ type }: JsonObject): boolean {
  return type !== undefined && type !== null && type !== "custom";
}

function readTool(tool: JsonObject, hosted: string[]): HubTool[] {
  const { name, description, input_schema: parameters, strict } = tool;
  if (isHosted(tool)) {
    hosted.push(`tools of the type ${String(tool["type"])}`);
    return [];
  }
  return [
    {
      name: asText(name),
      description: textIn(description),
      parameters: parameters ?? undefined,
      strict: typeof strict === "boolean" ? strict : undefined,
    },
  ];
}

function readToolChoice(choice: JsonObject): HubRequest["toolChoice"] {
  switch (choice["type"]) {
    case "any":
      return "required";
    case "tool":
      return { name: asText(choice["name"]) };
    case "auto":
    case "none":
      return choice["type"];
    default:
      return undefined;
  }
}

/** Budgets below which an effort is called low or medium. */
const BUDGETS = { low: 4096, medium: 12_288 };

function readEffort(thinking: JsonObject, output: JsonObject): string | undefined {
  if (thinking["type"] === "disabled") return undefined;
  if (typeof output["effort"] === "string") return output["effort"];
  const { type, budget_tokens: budget } = thinking;
  if (type !== "enabled" || typeof budget !== "number") return undefined;
  if (budget < BUDGETS.low) return "low";
  return budget < BUDGETS.medium ? "medium" : "high";
}

/** The OpenAI dialects require a name. */
const FORMAT_NAME = "answer";

function readFormat(format: unknown): HubRequest["format"] {
  if (!isObject(format) || format["type"] !== "json_schema") return undefined;
  return { type: "json_schema", schema: { name: FORMAT_NAME, schema: format["schema"] } };
}

/** The session keeps requests of one conversation on the cache of one account. */
function readLabels(body: JsonObject): JsonObject {
  const session = sessionIn(asText(asObject(body["metadata"])["user_id"]));
  return {
    ...(session === undefined ? {} : { prompt_cache_key: session }),
    ...(body["service_tier"] === "auto" ? { service_tier: "auto" } : {}),
  };
}

/** The session in Claude Code's `metadata.user_id`: a field of JSON, in older versions the end of the text. */
export function sessionIn(userId: string): string | undefined {
  const inJson = asText(asObject(parseJson(userId))["session_id"]);
  return inJson || /_session_([\w-]+)$/.exec(userId)?.[1] || undefined;
}
