import { plainContent, responsesPartToChat, textOf } from "./content-parts.ts";
import { asArray, asObject, asText, type JsonObject } from "./json-object.ts";

/** The messages as far as they are written. */
interface Draft {
  messages: JsonObject[];
  /** Pictures that tools have returned: shown by the user once the results are all told. */
  pictures: JsonObject[];
  unsaid: string[];
}

/** The instructions and `input` of a Responses request as the messages of a chat; what cannot be said is noted. */
export function responseMessages(body: JsonObject, unsaid: string[]): JsonObject[] {
  const draft: Draft = { messages: [], pictures: [], unsaid };
  const { instructions, input } = body;
  if (asText(instructions) !== "") draft.messages.push({ role: "system", content: instructions });
  if (typeof input === "string") draft.messages.push({ role: "user", content: input });
  else if (Array.isArray(input)) for (const item of input) addItem(draft, asObject(item));
  else unsaid.push("a request without an input");
  showPictures(draft);
  return draft.messages;
}

function addItem(draft: Draft, item: JsonObject): void {
  const type = item["type"] ?? (item["role"] === undefined ? undefined : "message");
  // A tool's results have to follow its call without a word between.
  if (type !== "function_call_output") showPictures(draft);
  switch (type) {
    case "message":
      addMessage(draft, item);
      return;
    case "function_call":
      addCall(draft, item);
      return;
    case "function_call_output":
      addResult(draft, item);
      return;
    case "reasoning":
      // Sealed or short, it means something only to the provider that wrote it.
      return;
    default:
      draft.unsaid.push(`input of the type ${String(type)}`);
  }
}

function addMessage(draft: Draft, item: JsonObject): void {
  const parts = partsOf(item["content"], draft.unsaid);
  switch (item["role"]) {
    case "user":
      draft.messages.push({ role: "user", content: plainContent(parts) });
      return;
    case "system":
    case "developer":
      // Of the two names this is the one that every provider knows.
      draft.messages.push({ role: "system", content: textOf(parts, "\n\n") });
      return;
    case "assistant":
      addSpoken(draft, textOf(parts, ""));
      return;
    default:
      draft.unsaid.push(`messages with the role ${String(item["role"])}`);
  }
}

function addSpoken(draft: Draft, text: string): void {
  if (text === "") return;
  const last = draft.messages.at(-1);
  // Between a call and its result there may be no other message.
  if (last?.["role"] === "assistant" && last["tool_calls"] !== undefined) {
    last["content"] = [asText(last["content"]), text].filter(Boolean).join("\n\n");
  } else draft.messages.push({ role: "assistant", content: text });
}

function addCall(draft: Draft, item: JsonObject): void {
  const { call_id: id, name, arguments: given } = item;
  const call = { id, type: "function", function: { name, arguments: asText(given) || "{}" } };
  const last = draft.messages.at(-1);
  if (last?.["role"] === "assistant") last["tool_calls"] = [...asArray(last["tool_calls"]), call];
  else draft.messages.push({ role: "assistant", content: null, tool_calls: [call] });
}

function addResult(draft: Draft, item: JsonObject): void {
  const parts = partsOf(item["output"], draft.unsaid);
  const pictures = parts.filter((part) => part["type"] !== "text");
  draft.pictures.push(...pictures);
  const content = textOf(parts, "\n\n") || (pictures.length > 0 ? "The result is attached below." : "");
  draft.messages.push({ role: "tool", tool_call_id: item["call_id"], content });
}

function showPictures(draft: Draft): void {
  if (draft.pictures.length === 0) return;
  draft.messages.push({ role: "user", content: draft.pictures });
  draft.pictures = [];
}

function partsOf(content: unknown, unsaid: string[]): JsonObject[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return asArray(content).flatMap((part) => responsesPartToChat(part, unsaid));
}
