import { anyOf, type ErrorRule } from "./error-rule.ts";

/** Statuses about the caller: words such as "capacity" mean something else there. */
const CALLER = [400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422];

/** Limits that end within seconds or minutes. They come before quotas, because many of them say "quota". */
export const limitRules: readonly ErrorRule[] = [
  {
    id: "concurrency",
    source: "ThrillhouseBot#838, Moonshot, Z.AI, Anthropic, LiteLLM",
    text: anyOf(
      /concurrent[ _-]?(?:request|connection|session|call|job|slot|stream|user|generation|model|limit|usage)/,
      /(?:high|max|maximum|organization|exceed\w*|reduce|too (?:much|many)|your|account) concurrency/,
      /concurrency (?:\w+ )?(?:limit|quota|slot|exceed|usage|cap\b)/,
      /\b(?:requests?|prompts?|calls?|generations?)\b.{0,40}(?:in progress|at (?:a|the same) time|still running)/,
      /\b(?:simultaneous|parallel) (?:requests|calls|generations|prompts|streams|sessions|connections)/,
      /still being processed|too many (?:parallel|simultaneous|concurrent)|parallel requests? limit/,
      /UserConcurrentRequests|并发/,
    ),
    verdict: "concurrency",
  },
  {
    // The text says "Too many requests", but the code means that the model is overloaded.
    id: "zai-overloaded",
    source: "Z.AI reference",
    codes: ["1305"],
    status: [429],
    verdict: "overloaded",
    fault: "model",
  },
  {
    id: "shared-upstream-pool",
    source: "OpenRouter: a public file",
    codes: ["upstream_provider_shared_pool"],
    verdict: "rate-limit",
    fault: "model",
  },
  {
    id: "limited-upstream",
    source: "OpenRouter: a public file",
    text: /rate[- ]limited upstream/i,
    verdict: "rate-limit",
    fault: "model",
  },
  {
    // The wait Gemini declares (30 to 50 s) is the minute's, even if the day is used up.
    id: "model-day-quota",
    source: "google-gemini/gemini-cli#8437, anomalyco/opencode#49039",
    code: /PerDay/,
    verdict: "quota",
    fault: "lane",
    ignoresWait: true,
  },
  {
    id: "model-quota-zero",
    source: "continuedev/continue#10560",
    text: /quota[^|]{0,200}\blimit: 0\b/i,
    verdict: "quota",
    fault: "lane",
    ignoresWait: true,
  },
  {
    id: "user-by-model-by-day",
    source: "GitHub Models: a public file",
    text: /UserByModelByDay/i,
    verdict: "quota",
    fault: "lane",
  },
  {
    id: "per-minute",
    source: "Cerebras, OpenRouter, Azure, Gemini, GitHub Models",
    text: anyOf(
      /(?:\b|_)per[\s_-]?(?:min(?:ute)?|second|sec)(?:\b|_)|\b[RT]PM\b|\bByMinute\b|PerMinute/,
      /call rate limit|token rate limit/,
    ),
    notStatus: CALLER,
    verdict: "rate-limit",
  },
  { id: "per-minute-code", source: "Gemini, Cerebras", code: /PerMinute/, verdict: "rate-limit" },
  {
    id: "usage-limits-of-serverless",
    source: "Fireworks: a public file",
    text: /contact fireworks/i,
    status: [429],
    verdict: "rate-limit",
  },
  {
    id: "check-quota",
    source: "google-gemini: a public file",
    // Names no window, and ends within minutes.
    text: /resource has been exhausted/i,
    verdict: "rate-limit",
  },
];

/** Upstreams that are down, full or slow, and limits that no other rule matches. */
export const loadRules: readonly ErrorRule[] = [
  {
    id: "degraded-function",
    source: "decolua/9router#2527",
    text: /\bDEGRADED function\b|function .{0,80}\bDEGRADED\b/,
    verdict: "overloaded",
    fault: "model",
  },
  {
    id: "worker-limit",
    source: "NVIDIA/NemoClaw#5844, diegosouzapw/OmniRoute#8210",
    text: /worker local total request limit|ResourceExhausted: worker/i,
    verdict: "overloaded",
    fault: "model",
  },
  {
    id: "no-deployments",
    source: "BerriAI/litellm:docs routing",
    text: /no deployments available/i,
    verdict: "rate-limit",
  },
  {
    id: "gateway-queue-full",
    source: "diegosouzapw/OmniRoute#9731",
    text: /local rate-limit queue/i,
    verdict: "rate-limit",
  },
  {
    id: "timed-out",
    source: "diegosouzapw/OmniRoute#3884, gRPC",
    text: /\btimed?[ -]?out\b|\btimeout\b|deadline exceeded/i,
    unless: /overload/i,
    notStatus: [...CALLER, 429],
    verdict: "timeout",
  },
  {
    id: "overloaded",
    source: "Ollama, Gemini, Cerebras, Moonshot, Mistral, Z.AI, Chutes, OmniRoute",
    text: anyOf(
      /over-?loaded|high (?:traffic|demand|load)|heavy load/,
      /(?:temporarily|currently|service) (?:is )?(?:temporarily |currently )?(?:unavailable|at capacity)/,
      /capacity (?:is )?(?:temporarily |currently )?exceeded/,
      /(?:at|maximum|no|insufficient|out of|not enough|lack of|limited|over) capacity/,
      /(?:server|system|service|model|engine)s? (?:is |are )?(?:currently |too |very )*busy/,
      /no (?:healthy upstream|available (?:channel|server|instance|worker|account|upstream)|instances? available|available accounts)/,
      /accounts are inactive|model (?:is |.{1,80} is )?(?:currently |still )?loading/,
      /combo retry limit|queue[ _](?:is )?(?:full|exceeded)|访问量过大|繁忙|负载|无可用渠道/,
    ),
    notStatus: CALLER,
    verdict: "overloaded",
    fault: "model",
  },
  {
    id: "throttled",
    source: "MiMo, Mistral, Bedrock and most others",
    text: anyOf(
      /\brate[-_ ]?limit(?:ed|s|ing)?\b.{0,60}(?:exceed|reach|hit|error|try|retry|wait)/,
      /(?:exceed|reach|hit)\w*.{0,60}\brate[-_ ]?limit|too many (?:requests|tokens)|\bthrottl/,
      /high[- ]frequency|requests? too (?:frequent|fast)|slow down|RateLimitError/,
      /请求.{0,8}(?:过于频繁|太快|过多)|速率限制|频率.{0,6}(?:超|限|过高)/,
    ),
    notStatus: [401, 404, 410, 413],
    verdict: "rate-limit",
  },
  {
    id: "model-crashed",
    source: "ollama/ollama:docs/api/errors.mdx",
    text: anyOf(
      /error was encountered while running the model|unexpected EOF/,
      /connection (?:was )?(?:reset|refused|closed)|ECONNRESET|socket hang up/,
      /upstream connect error|invalid character .{1,10} looking for beginning of value/,
    ),
    notStatus: CALLER,
    verdict: "server-error",
  },
];
