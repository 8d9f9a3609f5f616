import { formatToResponses } from "./answer-format.ts";
import { chatInputItems } from "./chat-input-items.ts";
import { asArray, asObject, isFilled, type JsonObject, pick } from "./json-object.ts";
import { choiceToResponses, toolsToResponses } from "./tool-forms.ts";
import { type Translation, translation, type Unsayable, unsayableIn } from "./translation.ts";

/** Fields that are the same in both. Any other is dropped: providers of this dialect refuse words they do not know. */
const SAME = [
  "model",
  "stream",
  "temperature",
  "top_p",
  "metadata",
  "user",
  "service_tier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
];

/**
 * What changes the answer in a way that no field of Responses does. Mere nudges to the dice (`seed`, penalties, `top_k`)
 * are not among them: without those the answer is as good.
 */
const UNSAYABLE: readonly Unsayable[] = [
  ["n", (value) => typeof value === "number" && value > 1, "n above 1"],
  ["stop", isFilled],
  ["logit_bias", isFilled],
  ["logprobs", isFilled],
  ["top_logprobs", isFilled],
  ["audio", isFilled],
  ["modalities", (value) => asArray(value).some((one) => one !== "text"), "modalities other than text"],
  // An empty object already asks for a search.
  ["web_search_options", (value) => value !== undefined && value !== null],
  ["functions", isFilled],
];

/** A chat request in the words of Responses. */
export function chatToResponsesRequest(body: JsonObject): Translation {
  const unsaid = unsayableIn(body, UNSAYABLE);
  const tools = toolsToResponses(body["tools"], unsaid);
  const format = formatToResponses(body["response_format"]);
  const verbosity = body["verbosity"];
  const translated = {
    ...pick(body, SAME),
    input: chatInputItems(body["messages"], unsaid),
    tools,
    ...(tools === undefined
      ? {}
      : {
          tool_choice: choiceToResponses(body["tool_choice"], unsaid),
          parallel_tool_calls: body["parallel_tool_calls"],
        }),
    max_output_tokens: body["max_completion_tokens"] ?? body["max_tokens"],
    reasoning: reasoningOf(body),
    text:
      isFilled(format) || isFilled(verbosity) ? pick({ format, verbosity }, ["format", "verbosity"]) : null,
    // A chat is kept nowhere but in its own history.
    store: false,
  };
  return translation("responses", translated, unsaid);
}

/** OpenRouter's chats have a `reasoning` object; everyone else a single word. */
function reasoningOf(body: JsonObject): JsonObject | undefined {
  const effort = body["reasoning_effort"] ?? asObject(body["reasoning"])["effort"];
  return typeof effort === "string" ? { effort } : undefined;
}
