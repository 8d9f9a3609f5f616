import { anyOf } from "./any-of.ts";
import type { ErrorRule } from "./error-rule.ts";

/** Replies that would be taken for another family by their words or status. */
export const exceptionRules: readonly ErrorRule[] = [
  {
    id: "combos-need-manage-scope",
    source: "diegosouzapw/OmniRoute @omniroute/opencode-plugin",
    path: /\/api\/combos\b/,
    status: [401, 403],
    verdict: "forbidden",
    fault: "request",
  },
  {
    id: "in-flight-budget",
    source: "everruns/yolop#701",
    text: /\bin[- ]flight requests?\b/i,
    status: [402, 429],
    verdict: "concurrency",
  },
  {
    id: "in-flight-budget-code",
    source: "everruns/yolop#701",
    code: /in_flight_budget/,
    verdict: "concurrency",
  },
  {
    // The key cannot pay for so long an answer: no overflow, though it speaks of tokens.
    id: "cannot-afford-tokens",
    source: "can1357/oh-my-pi#9569",
    text: anyOf(
      /can only afford|more credits (?:are )?required|requires more credits/,
      /(?:prompt|completion|max) tokens limit exceeded/,
    ),
    verdict: "payment",
  },
  {
    id: "stored-item-gone",
    source: "OpenAI Responses reference",
    text: anyOf(
      /\b(?:item|response|file|thread|container|conversation|vector store)s? with id\b.{0,120}\bnot found/,
    ),
    verdict: "bad-request",
  },
  {
    id: "previous-response",
    source: "OpenAI Responses reference",
    codes: ["previous_response_not_found"],
    verdict: "bad-request",
  },
  {
    // Unsupported tools come as 404 "No endpoints found that support tool use" too: the model itself is there.
    id: "tools-unsupported",
    source: "OpenRouter reference, ollama/ollama:server/routes.go",
    text: anyOf(
      /no endpoints found that support (?:tool|image|input)/,
      /does not support (?:tools|tool use|function call)/,
    ),
    verdict: "bad-request",
  },
  {
    id: "body-not-decoded",
    source: "nvidia: a public file",
    text: anyOf(
      /failed to (?:decode|parse|deserialize) (?:the )?(?:json|request)/,
      /invalid json (?:body|in request)|could not parse (?:the )?json/,
    ),
    verdict: "bad-request",
  },
  {
    id: "session-header-missing",
    source: "OpenCode Go: a public file",
    code: /^MissingSessionID/i,
    verdict: "bad-request",
  },
];

/** What is wrong with the request itself: no key and no model is to blame. */
export const requestRules: readonly ErrorRule[] = [
  {
    id: "content-policy",
    source: "OpenAI, Azure, OpenRouter, xAI, DeepSeek references",
    text: anyOf(
      /content management policy/,
      /(?:input|prompt|request|content|output|response|message)s? (?:was|were|is|are|ha\w+ been) (?:flagged|filtered)/,
      /rejected by (?:our|the) (?:safety|content)/,
      /(?:input|prompt|content|output)s? (?:was|were|has been|is) blocked/,
      /violat\w* (?:our |the |openai'?s? |anthropic'?s? )?(?:usage|content|safety|acceptable use) (?:polic|guideline)/,
      /flagged as potentially|limited access to this content|inappropriate content/,
      /content exists risk|considered high risk|blocked by content filter/,
      /content[- _]policy violation|unsafe or sensitive content|new_sensitive|敏感|不安全|违规内容/,
    ),
    // A ban for what was asked before is the account's.
    unless: anyOf(
      /\b(?:account|organization|key)\b.{0,80}(?:deactivated|suspended|terminated|disabled|banned)/,
    ),
    verdict: "content-policy",
  },
  {
    id: "content-policy-code",
    source: "OpenAI, Azure, DashScope references",
    codes: [
      "content_filtered",
      "content_filter",
      "content_policy_violation",
      "content_policy",
      "cyber_policy_violation",
      "cyber_policy",
      "data_inspection_failed",
      "data_inspectionfailed",
      "datainspection_failed",
      "datainspectionfailed",
      "ResponsibleAIPolicyViolation",
      "PROHIBITED_CONTENT",
      "SAFETY",
      "flagged_input",
      "moderation_blocked",
      "base_resp:1026",
      "base_resp:1027",
    ],
    verdict: "content-policy",
  },
  {
    id: "too-large-for-the-minute",
    source: "openai community, groq",
    // More tokens at once than a whole minute allows: no wait ever helps, a smaller request does.
    text: /request too large\b/i,
    verdict: "overflow",
  },
  {
    id: "overflow",
    source: "anomalyco/opencode#35920, code-yeongyu/senpi#1466, jin-bo/agentao#88",
    text: anyOf(
      /(?:maximum|max) (?:context|prompt) (?:length|size|window)/,
      /context (?:length|window|size|limit) (?:is |was |has been |of )?(?:only|exceeded|overflow)/,
      /exceed\w*[^.|]{0,60}context (?:length|window|size|limit)/,
      /context (?:length|window|size)[^.|]{0,40}exceed/,
      /greater than the context length|larger than the context|context overflow|ContextWindowExceeded/,
      /(?:prompt|input|request|conversation|message) (?:is |was )?too (?:long|large for)\b/,
      /prompt exceeds max length/,
      /exceeds? (?:the )?max(?:imum)? (?:allowed )?(?:input|prompt) (?:length|tokens?|size)/,
      /maximum (?:allowed )?input length|range of input length should be|input length should be/,
      /(?:input|prompt) tokens?(?: count)?[^.|]{0,40}exceed/,
      /token count[^.|]{0,40}exceeds (?:the )?(?:maximum|limit|model)/,
      /exceeds the maximum number of tokens|more than max tokens allowed|exceeded model token limit/,
      /reduce (?:the|your) (?:length|size|prompt|message|input|conversation)/,
      /`?inputs`? tokens \+ `?max_new_tokens`?|tokens to keep from the initial prompt/,
      /request body too large|request entity too large|payload too large|string too long/,
      /request (?:exceeds the maximum size|size exceeds)|exceeded max context/,
      /输入.{0,12}(?:过长|超过|超出)|超[过出].{0,12}(?:最大长度|上下文)|上下文.{0,12}(?:超|过长)/,
    ),
    // Bedrock and Cerebras throttle in tokens; a parameter out of range is not helped by a shorter conversation.
    unless: anyOf(
      /please wait|too many tokens p|tokens? per (?:min|day|hour|second)|throttl/,
      /image (?:size|exceeds)/,
    ),
    verdict: "overflow",
  },
  {
    id: "overflow-too-many-tokens",
    source: "anomalyco/opencode#13018",
    text: /too many tokens\b/i,
    unless: anyOf(
      /too many tokens(?: were| are)? (?:per|processed|sent|used)|please wait|throttl|rate/,
      /quota/,
    ),
    verdict: "overflow",
  },
  {
    id: "overflow-code",
    source: "OpenAI, llama.cpp, GitHub, Copilot, Anthropic references",
    codes: [
      "context_length_exceeded",
      "context_window_exceeded",
      "exceed_context_size_error",
      "tokens_limit_reached",
      "model_max_prompt_tokens_exceeded",
      "request_too_large",
      "string_above_max_length",
      "ContextWindowExceededError",
      "1261",
      "base_resp:1039",
    ],
    verdict: "overflow",
  },
  {
    id: "invalid-fields",
    source: "sglang, FastAPI, zod",
    // These quote the caller's own text: nothing in them may be taken for the provider's words.
    text: anyOf(/^\[?\s*\d+ validation errors?\b|\bExtra inputs are not permitted|^Input validation error/),
    notStatus: [401, 403, 429],
    verdict: "bad-request",
  },
  {
    id: "model-output-unusable",
    source: "groq: a public file",
    codes: ["tool_use_failed", "json_validate_failed", "invalid_prefill"],
    verdict: "bad-request",
  },
];
