import { anyOf, type ErrorRule, near } from "./error-rule.ts";

/** Statuses of requests with a wrong size; 0 and 500 if a gateway or a stream contains the words. */
const SIZE_STATUSES = [0, 400, 413, 422, 500];

/** The setting that limits an answer, in every dialect. */
const OUTPUT =
  /max_?(?:completion_|output_|new_)?tokens|maxOutputTokens|max(?:imum)? (?:completion |output |new )?tokens|(?:output|completion) tokens/;

/** Says that a setting is too high. Not "at least": that means too low. */
const TOO_HIGH = anyOf(
  /(?:not|n't|cannot) be (?:greater|larger|higher|more|above)|above (?:the|its)|valid range|range of|supported range|too (?:large|high|big|many)|less than or equal|at most|no more than/,
  /must be (?:less|lower|smaller|below|at most|between|<=)|above maximum|<= ?\d|> ?\d+|exceeds? (?:the )?(?:model|maximum|limit|max)/,
  /(?:cannot|must not|may not|should not) exceed|maximum (?:allowed )?(?:number of )?(?:output|completion|value)|不能超过|超[过出]|最大|取值|范围/,
);

/** Words for the input in messages about its length. */
const INPUT =
  /\b(?:prompts?|inputs?|contexts?|messages?|conversations?|chat|history|requests?|tokens?|sequences?)\b|prompt_tokens|输入|提示词?|上下文|历史消息|Prompt /;

/** Words for an input that is too long. */
const TOO_LONG =
  /(?:longer|larger|greater|bigger|more|higher) than|\babove\b|\bbeyond\b|exceed(?:s|ed|ing)?\b|surpass|too (?:long|many|large|big)\b|over (?:the|its)\b|must (?:be|have) (?:less|fewer|at most|no more|shorter|smaller|<)|cannot (?:be (?:longer|more)|exceed)|no more than|does(?:n't| not) fit|no longer fits|outgrow|overflow|过长|超长|超[过出]/;

/** What the length is compared with. */
const WINDOW =
  /context|window|\bmax(?:imum)?\b|max_\w+|maxLength|n_ctx|\blimits?\b|\blength\b|capacity|allow(?:s|ed)\b|\d[\d,]{3,}|最大|上限|长度|窗口|超长|过长|too long/;

/** The same words about calls and their rate, money, pictures, fields, where a shorter prompt does not help. */
const OTHER_SIZES = anyOf(
  /please wait|too many tokens p|tokens? per (?:min|day|hour|second)|throttl|\brate\b|\bquota\b|\bRPM\b|\bTPM\b/,
  /too many requests|requests? (?:limit|per)|concurren|images?\b.{0,80}(?:\bsize\b|too large|dimension|pixel|bytes)|\bMB\b/,
  /(?:unknown|unrecognized|unsupported|unexpected) (?:parameter|argument|field|keyword|name|option)|deadline/,
  /\btools?\b.{0,40}(?:long|length|array|many)|function\.name|stop sequences?|temperature|top_p|top_k|metadata|redirect/,
);

/** Replies whose words or status resemble another family. */
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
    // The key cannot pay for such a long answer. Not an overflow, although the words mention tokens.
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
    // Also a 404 "No endpoints found that support tool use": the model itself exists.
    id: "tools-unsupported",
    source: "OpenRouter reference, ollama/ollama:server/routes.go, vllm-project/vllm",
    text: anyOf(
      /no endpoints found that support (?:tool|image|input)/,
      /does not support (?:tools|tool use|function call|tool call)/,
      /(?:tool (?:use|calling|choice)|function calling|tools)[`'"]? (?:is|are) not (?:supported|enabled|available)/,
      /tool choice requires --enable-auto-tool-choice/,
    ),
    verdict: "unsupported",
  },
  {
    // Strict services check the order of roles. Another model accepts the same history.
    id: "roles-refused",
    source: "0xPlaygrounds/rig#708, nicholasgriffintn/ai-platform#414, Gemini and vLLM chat templates",
    text: anyOf(
      /(?:expected|unexpected) (?:the )?(?:last |first )?(?:message )?role\b|roles? (?:must|should) (?:alternate|be one of)/,
      /\b(?:last|first|final) (?:message|turn|role|content)\b.{0,40}\b(?:must|should|cannot|can't)\b.{0,40}\b(?:user|assistant|tool|system|role)/,
      /(?:conversation|messages?|history|request)s? (?:must|should) (?:start|begin|end|alternate)|assistant (?:message )?prefill/,
      /(?:system|developer) (?:message|prompt|role)s? (?:must|should|can only|is not|are not|not)\b|only .{0,40}\broles? (?:are|is) supported/,
      /turn comes immediately (?:after|before)|consecutive (?:messages|user|assistant)|not one of \[.{0,80}assistant/,
      near(
        /\b(?:assistant|user|system|developer) (?:message|turn|role)s?\b/,
        /\bat the (?:end|start|beginning)\b|in a row|consecutive/,
        40,
      ),
      /role[`'"]? .{0,24}(?:is|are) not (?:supported|allowed|permitted)/,
    ),
    status: [0, 400, 422, 500],
    verdict: "unsupported",
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

/** Faults of the request itself: neither key nor model is to blame. */
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
      /(?:contains?|containing) (?:\w+ )?(?:sensitive|prohibited|harmful|unsafe|disallowed)/,
      /blocked by (?:the |our )?(?:safety|content|moderation)|safety (?:filters?|system)/,
    ),
    // A ban for earlier requests concerns the account.
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
    id: "sensitive-content-code",
    source: "Volcengine reference",
    code: /sensitive.?content|content.?moderation/i,
    verdict: "content-policy",
  },
  {
    // vLLM subtracts the prompt from the window and finds no room for the answer.
    id: "no-room-for-an-answer",
    source: "vllm-project/vllm",
    text: /tokens\b.{0,60}(?:at least|greater than|positive|non-negative|>=? ?[01]).{0,40}-\d/i,
    status: SIZE_STATUSES,
    verdict: "overflow",
  },
  {
    // A smaller answer helps, a shorter conversation does not.
    id: "output-limit",
    source: "DeepSeek, OpenAI, Anthropic, groq, DashScope, Bedrock, Gemini, Volcengine, Fireworks references",
    text: near(OUTPUT, TOO_HIGH, 80),
    unless: anyOf(
      /input (?:length|tokens)|prompt|in the messages|context (?:length|limit|size)|maximum model length|inputs?`? tokens \+/,
      /per (?:min|day|hour)|can only afford|budget_tokens|unsupported parameter/,
    ),
    status: SIZE_STATUSES,
    verdict: "output-limit",
  },
  {
    // Not the prompt but a tool or a setting is too long.
    id: "field-too-long",
    source: "OpenAI reference",
    text: /^invalid '(?:tools|functions|metadata|stop|response_format|user)\b/i,
    status: [400, 422],
    verdict: "bad-request",
  },
  {
    id: "too-large-for-the-minute",
    source: "openai community, groq",
    // More tokens at once than a whole minute allows: no wait helps, a smaller request does.
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
      /request (?:exceeds the maximum size|size exceeds)|exceeded max context|(?:prompt|input) .{0,12}超长/,
      /输入.{0,12}(?:过长|超过|超出)|超[过出].{0,12}(?:最大长度|上下文)|上下文.{0,12}(?:超|过长)/,
    ),
    // Bedrock and Cerebras throttle by tokens. A shorter conversation does not help a field that is too long.
    unless: anyOf(
      /please wait|too many tokens p|tokens? per (?:min|day|hour|second)|throttl/,
      /image (?:size|exceeds)|invalid 'tools\b|\bname': string too long/,
    ),
    verdict: "overflow",
  },
  {
    id: "overflow-too-many-tokens",
    source: "anomalyco/opencode#13018",
    text: /too many tokens\b/i,
    unless: anyOf(
      /too many tokens(?: were| are)? (?:per|processed|sent|used)|please wait|throttl|rate|minute|second|hour/,
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
    // These quote the caller's own text, so nothing in them counts as the provider's words.
    text: anyOf(/^\[?\s*\d+ validation errors?\b|\bExtra inputs are not permitted|^Input validation error/),
    unless: /must have less than \d+ tokens/i,
    notStatus: [401, 403, 429],
    verdict: "bad-request",
  },
  {
    // Any sentence that compares the length of a prompt with a window.
    id: "prompt-against-window",
    source: "vllm, sglang, TGI, DashScope, Volcengine, Nova, AI21, exllama, Friendli wordings",
    text: anyOf(
      near(INPUT, new RegExp(`(?:${TOO_LONG.source})(?=[^.!?]{0,80}(?:${WINDOW.source}))`), 60),
      near(/(?:context|sequence|prompt|input) length/, TOO_LONG, 40),
      near(
        /\b(?:prompt|inputs?|messages?|input_tokens)\b/,
        /(?:up to|at most|max(?:imum)?(?: of)?|max_input_tokens|limit(?:ed)?(?: to| of)?)\W{0,3}\d[\d,]{3,}/,
      ),
      /\bcontext[ _-]?(?:window|length|size|limit|space)\b|\bn_ctx\b|model's window/,
      /\b(?:prompt|input)\w*\b[^.|]{0,60}\d{4,}\)? ?> ?\d{4,}/,
      /\b(?:prompt|inputs?|messages|conversation|history|request)\b[^.|]{0,40}\d[\d,]{2,} ?tokens\b.{0,80}\b(?:context|window|limit|max\w*|only|accepts?|allow\w*|supports?)\b.{0,40}\d[\d,]{2,}/,
      /\b(?:prompt|input|message|conversation|context|history)s?\b.{0,20}\btoo (?:long|big|large|many tokens)|maxLength\W{0,3}\d+\W+actual/,
      /长度.{0,12}超[过出]|超[过出].{0,16}(?:长度|窗口|上下文)/,
    ),
    unless: OTHER_SIZES,
    status: SIZE_STATUSES,
    verdict: "overflow",
  },
  {
    id: "model-output-unusable",
    source: "groq: a public file",
    codes: ["tool_use_failed", "json_validate_failed", "invalid_prefill"],
    verdict: "bad-request",
  },
];
