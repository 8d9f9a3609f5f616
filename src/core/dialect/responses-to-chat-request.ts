import { formatToChat } from "./answer-format.ts";
import { asArray, asObject, asText, isFilled, type JsonObject, pick } from "./json-object.ts";
import { responseMessages } from "./response-messages.ts";
import { choiceToChat, toolsToChat } from "./tool-forms.ts";
import { type Translation, translation, type Unsayable, unsayableIn } from "./translation.ts";

/** The few fields that every chat provider knows; many refuse a request that has any other. */
const SAME = ["model", "stream", "temperature", "top_p"];

/** What lives on the provider's side, or asks for something in the answer that a chat has no place for. */
const UNSAYABLE: readonly Unsayable[] = [
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

/** Efforts that only some providers know, as the nearest that all do; `none` is said by silence. */
const EFFORTS: Readonly<Record<string, string>> = {
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  xhigh: "high",
  max: "high",
};

/** A Responses request in the words of a chat. */
export function responsesToChatRequest(body: JsonObject): Translation {
  const unsaid = unsayableIn(body, UNSAYABLE);
  const tools = toolsToChat(body["tools"], unsaid);
  const translated = {
    ...pick(body, SAME),
    messages: responseMessages(body, unsaid),
    tools,
    // Without tools these two are refused.
    ...(tools === undefined
      ? {}
      : {
          tool_choice: choiceToChat(body["tool_choice"], unsaid),
          parallel_tool_calls: body["parallel_tool_calls"],
        }),
    max_tokens: body["max_output_tokens"],
    reasoning_effort: EFFORTS[asText(asObject(body["reasoning"])["effort"])],
    response_format: formatToChat(asObject(body["text"])["format"]),
    // The closing event of the other dialect always has the count.
    stream_options: body["stream"] === true ? { include_usage: true } : undefined,
  };
  return translation("chat", translated, unsaid);
}
