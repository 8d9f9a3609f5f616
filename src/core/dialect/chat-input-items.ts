import { chatPartToResponses } from "./content-parts.ts";
import { asArray, asObject, asText, isFilled, type JsonObject } from "./json-object.ts";

/** The messages of a chat as the `input` of a Responses request; what cannot be said is noted. */
export function chatInputItems(messages: unknown, unsaid: string[]): JsonObject[] {
  if (!Array.isArray(messages)) unsaid.push("a request without a list of messages");
  return asArray(messages).flatMap((message) => itemsOf(asObject(message), unsaid));
}

function itemsOf(message: JsonObject, unsaid: string[]): JsonObject[] {
  const { role, content } = message;
  switch (role) {
    case "system":
    case "developer":
    case "user":
      return [{ role, content: contentOf(content, unsaid) }];
    case "assistant":
      return assistantItems(message, unsaid);
    case "tool":
      return [
        {
          type: "function_call_output",
          call_id: message["tool_call_id"],
          output: contentOf(content, unsaid),
        },
      ];
    default:
      unsaid.push(`messages with the role ${String(role)}`);
      return [];
  }
}

function contentOf(content: unknown, unsaid: string[]): unknown {
  if (!Array.isArray(content)) return asText(content);
  return content.flatMap((part) => chatPartToResponses(part, unsaid));
}

/**
 * What was said and what was called are items of their own. Earlier reasoning is left out: only the provider that
 * wrote it can take it back, under an id or a seal of its own.
 */
function assistantItems(message: JsonObject, unsaid: string[]): JsonObject[] {
  if (isFilled(message["audio"])) unsaid.push("messages with audio");
  if (isFilled(message["function_call"])) unsaid.push("messages with a function_call");
  const said = [...spokenParts(message["content"], unsaid), ...refusalPart(message["refusal"])];
  return [
    ...(said.length === 0 ? [] : [{ role: "assistant", content: said }]),
    ...asArray(message["tool_calls"]).flatMap((call) => callItem(asObject(call), unsaid)),
  ];
}

function spokenParts(content: unknown, unsaid: string[]): JsonObject[] {
  const parts = Array.isArray(content) ? content.map(asObject) : [{ type: "text", text: asText(content) }];
  return parts.flatMap((part: JsonObject) => {
    if (part["type"] === "refusal") return refusalPart(part["refusal"]);
    if (part["type"] !== "text") unsaid.push(`an assistant's content of the type ${String(part["type"])}`);
    const text = asText(part["text"]);
    return text === "" ? [] : [{ type: "output_text", text }];
  });
}

function refusalPart(refusal: unknown): JsonObject[] {
  return asText(refusal) === "" ? [] : [{ type: "refusal", refusal }];
}

function callItem(call: JsonObject, unsaid: string[]): JsonObject[] {
  const type = call["type"] ?? "function";
  if (type !== "function") {
    unsaid.push(`tool calls of the type ${String(type)}`);
    return [];
  }
  const { name, arguments: given } = asObject(call["function"]);
  return [{ type: "function_call", call_id: call["id"], name, arguments: asText(given) || "{}" }];
}
