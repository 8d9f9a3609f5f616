import { anyOf, type ErrorRule } from "./error-rule.ts";

/** Marks of firewalls and content delivery networks in front of a service. */
const FIREWALL =
  /cloudflare|akamai|incapsula|imperva|sucuri|awselb|cloudfront|captcha|request (?:is |was |has been )?blocked|access denied|访问被阻断|安全威胁|\bWAF\b/i;

/** Responses of the edge in front of a service, which has not checked the key. */
export const edgeRules: readonly ErrorRule[] = [
  {
    // A login of a subscription, which no other program may use.
    id: "credential-of-another-client",
    source: "Anthropic, anomalyco/opencode#7410",
    text: /credential is only authorized for use with/i,
    verdict: "forbidden",
    fault: "key",
  },
  {
    id: "edge-rate-limit",
    source: "Cloudflare error pages",
    text: /\b(?:error code: |error )1015\b/i,
    verdict: "rate-limit",
    fault: "provider",
  },
  {
    id: "edge-rate-limit-page",
    source: "nginx, Cloudflare pages",
    page: true,
    status: [429],
    verdict: "rate-limit",
    fault: "provider",
  },
  {
    id: "edge-refused",
    source: "Cloudflare error pages",
    text: /\berror code: 10(?:0[5-9]|1\d|20)\b/i,
    status: [403, 429],
    verdict: "forbidden",
    fault: "provider",
  },
  {
    id: "edge-page",
    source: "Cloudflare challenge, Akamai, CloudFront and AWS WAF pages",
    page: true,
    status: [403],
    verdict: "forbidden",
    fault: "provider",
  },
  {
    id: "firewall-page",
    source: "Aliyun WAF, Incapsula pages",
    page: true,
    body: FIREWALL,
    status: [400, 404, 405, 406],
    verdict: "forbidden",
    fault: "provider",
  },
  {
    id: "firewall-words",
    source: "Envoy RBAC, OpenCode Zen",
    text: anyOf(
      /\bRBAC: access denied|used Cloudflare to restrict access|blocked by (?:the |an? )?(?:upstream|firewall|security|waf|proxy|gateway)/,
      /^(?:your |this |the )?request (?:was|is|has been) blocked\b/,
    ),
    status: [401, 403, 406],
    verdict: "forbidden",
    fault: "provider",
  },
  {
    // Services for certain agents only check the client, not the key.
    id: "client-refused",
    source: "Kimi For Coding, Copilot",
    text: anyOf(
      /only available (?:for|to|in|through|via) .{0,40}\b(?:agents?|clients?|apps?|applications|integrations?|IDEs?)\b/,
      /\b(?:this|your|unofficial|third[- ]party|unsupported) clients?\b|official (?:client|app)|user[- ]agent/,
    ),
    status: [400, 401, 403],
    verdict: "forbidden",
    fault: "provider",
  },
  {
    // A page says nothing about the model, whatever its words.
    id: "edge-unavailable",
    source: "nginx, Cloudflare pages",
    page: true,
    status: [503, 529],
    verdict: "overloaded",
    fault: "attempt",
  },
];

/** What a region, the account's settings or the key itself does not allow. */
export const accessRules: readonly ErrorRule[] = [
  {
    id: "gateway-account-refused",
    // The status of the account behind the gateway; the gateway's own rejections have no such mark.
    source: "OmniRoute 3.7.9",
    status: [401, 403, 500, 502, 503],
    text: /^\[40[13]\]: /m,
    verdict: "forbidden",
    fault: "model",
  },
  {
    id: "region",
    source: "OpenAI, Groq, Gemini",
    text: anyOf(
      /(?:country|region|territory|location)\b.{0,40}\bnot supported/,
      /(?:\bnot\b|n't|\bun\w+).{0,50}\b(?:in|to|from) (?:your|this) (?:country|region|location|area)\b/,
      /check your network settings|unsupported_country|user location is not supported/,
    ),
    verdict: "forbidden",
    fault: "provider",
  },
  {
    id: "region-code",
    source: "OpenAI, OpenCode Zen",
    codes: ["unsupported_country_region_territory", "RegionError", "region_not_supported"],
    verdict: "forbidden",
    fault: "provider",
  },
  {
    id: "account-filters",
    source: "OpenRouter reference",
    text: anyOf(
      /no allowed providers|data policy|guardrail restrictions/,
      /blocked at the (?:organization|project) level/,
    ),
    verdict: "forbidden",
    fault: "lane",
  },
  {
    id: "cloud-disabled",
    source: "ollama/ollama#14373",
    text: /cloud is disabled/i,
    verdict: "forbidden",
  },
  {
    id: "bad-key",
    source: "OpenAI, Gemini, xAI, DeepSeek, Cerebras, OpenRouter, nvidia",
    text: anyOf(
      /(?:incorrect|invalid|wrong|bad|expired|missing|unknown|revoked|disabled|malformed) (?:x-)?api[- _]?key/,
      /api[- _]?key\b.{0,60}\b(?:expired|not valid|invalid|incorrect|revoked|disabled|not found|missing)/,
      /api[- _]?key\b.{0,60}\b(?:leaked|suspended|deactivated|does not exist|not provided)/,
      /(?:security|access|auth|bearer|session|oauth) token\b.{0,50}\b(?:invalid|expired|revoked|not valid)/,
      /reported as leaked|^user not found\.?$|authorization failed|authentication fail/,
      /no auth credentials|unregistered callers/,
      /account\b.{0,80}(?:deactivated|terminated|banned)|无效的(?:令牌|密钥|api)|令牌.{0,6}(?:无效|过期|失效)/,
      /身份验证/,
    ),
    status: [0, 400, 401, 403],
    verdict: "auth",
  },
  {
    // With a 400 a bad token may be a JSON token.
    id: "bad-token",
    source: "Azure, HuggingFace, GitHub, Z.AI",
    text: anyOf(
      /(?:invalid|missing|incorrect|bad|expired) (?:authentication|auth|bearer|access|authorization)\b/,
      /invalid (?:token|credentials|username)\b|token (?:is |has )?(?:expired|invalid|revoked)/,
      /bad credentials|subscription key|signature (?:expired|does not match|is invalid)/,
    ),
    status: [401, 403],
    verdict: "auth",
  },
  {
    id: "bad-key-code",
    source: "OpenAI, Gemini, Cerebras, OpenCode Zen, MiniMax",
    codes: [
      "invalid_api_key",
      "wrong_api_key",
      "API_KEY_INVALID",
      "InvalidApiKey",
      "AuthError",
      "account_deactivated",
      "access_terminated",
      "base_resp:1004",
      "base_resp:2049",
    ],
    verdict: "auth",
  },
];

/** "model 'x' not found" in its many forms. The id is one word, so that no other subject fits in between. */
const NAMED_MODEL_GONE = anyOf(
  /\bmodel:? (?:id )?[`'"]?[\w./:@+-]+[`'"]? (?:was |is |has been )?not (?:found|supported|available|valid|recognized)/,
  /\bmodel:? (?:id )?[`'"]?[\w./:@+-]+[`'"]? (?:does not|doesn't|could not be|cannot be|not) (?:exist|found)/,
  /\bmodel:? (?:id )?[`'"]?[\w./:@+-]+[`'"]? (?:was |is |has been )?(?:unavailable|unknown|invalid|no longer)/,
  /\bmodel:? (?:id )?[`'"]?[\w./:@+-]+[`'"]? (?:was |is |has been )?(?:deprecated|retired|removed|decommissioned)/,
);

/** Models that are gone, never existed, or are not available to this account. */
export const modelRules: readonly ErrorRule[] = [
  {
    id: "not-for-account",
    source: "Alishahryar1/free-claude-code#1021, NVIDIA",
    text: /not (?:found for|shared with) (?:the )?account/i,
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    id: "providers-not-enabled",
    source: "HuggingFace router",
    text: /not supported by any provider you have enabled/i,
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    // OpenAI's form comes first: it does not distinguish the two, and mostly the name is wrong.
    id: "unknown-or-no-access",
    source: "OpenAI: a public file",
    text: /does not exist or you (?:do not|don't) have access/i,
    verdict: "model-not-found",
  },
  {
    // Copilot's text for what the plan or the organization's policy does not allow.
    id: "copilot-model-refused",
    source: "microsoft/vscode#299483",
    provider: /copilot/i,
    codes: ["model_not_supported"],
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    id: "no-access-to-model",
    source: "OpenAI, LiteLLM, Together",
    text: anyOf(
      /(?:not|n't|no) (?:have )?(?:access|authorized|entitled|permission)\b.{0,40}\bmodels?\b/,
      /unable to access (?:non-serverless )?model/,
      /access to (?:this |the )?model (?:is )?(?:denied|restricted)|gated repo/,
    ),
    notStatus: [429],
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    // With a 400 these words are about a parameter.
    id: "model-not-allowed",
    source: "LiteLLM",
    text: anyOf(
      /(?:not|n't|no) (?:have )?(?:allowed|permitted)\b.{0,40}\bmodels?\b/,
      /model .{0,80}(?:is )?not (?:allowed|enabled|permitted) for/,
    ),
    status: [0, 401, 403, 404],
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    // The whole body is the model's name.
    id: "zen-model-refused",
    source: "anomalyco/opencode#43054, #45132",
    body: /^\s*\{\s*"model"\s*:\s*"[^"]{1,200}"\s*\}\s*$/,
    status: [401, 403],
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    id: "model-access-code",
    source: "BerriAI/litellm, groq",
    codes: [
      "key_model_access_denied",
      "team_model_access_denied",
      "user_model_access_denied",
      "org_model_access_denied",
      "project_model_access_denied",
      "model_not_available",
      "model_access_denied",
      "ModelNotOpen",
      "Model.AccessDenied",
      "AccessDenied.Unpurchased",
      "model_terms_required",
    ],
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    id: "gateway-has-no-account",
    source: "diegosouzapw/OmniRoute#4500",
    text: /no (?:active )?credentials for provider/i,
    verdict: "model-not-found",
  },
  {
    id: "model-not-found",
    source: "Ollama, OpenRouter, groq, DeepSeek, Mistral, nvidia, Together, Copilot",
    text: anyOf(
      NAMED_MODEL_GONE,
      /\bmodel(?: name| id)? (?:was |is |has been |does |could )?not(?: be)? (?:found|exist|available)/,
      /\bmodel(?: name| id)? (?:is |was |has been )?(?:unknown|invalid|decommissioned|deprecated|retired)/,
      /(?:requested|specified|selected|this|the) model\b.{0,80}(?:not found|does not exist|not supported)/,
      /(?:requested|specified|selected|this|the) model\b.{0,80}no longer (?:available|supported)/,
      /(?:requested|specified|selected|this|the) model\b.{0,80}been (?:deprecated|retired|removed)/,
      /(?:invalid|unknown|unavailable|unrecognized|unsupported|no such|nonexistent) model\b|not a valid model\b/,
      /(?:supported|available|valid) (?:api )?models?(?: names?| ids?)? (?:are|include)\b/,
      /\bmodel(?: name| id)? (?:is )?not support|model_not_found|end of life|has been decommissioned|no endpoints found for/,
      /no longer (?:available|supported)\b.{0,60}\bmodel|with on-demand throughput/,
      /models?\/\S+ is not found for api version/,
      /模型.{0,12}(?:不存在|未找到|已下线|不可用)/,
    ),
    // An unsupported parameter says nothing about the model.
    unless: anyOf(
      /not supported (?:with|by|for|in) (?:this|the) model|with this model\b/,
      /unsupported (?:parameter|value)/,
    ),
    notStatus: [413, 429],
    verdict: "model-not-found",
  },
];

/** A path that the service does not have, which says nothing about any model. */
export const pathRules: readonly ErrorRule[] = [
  {
    // Here the model is unknown: every model has its own route.
    id: "nim-page-not-found",
    source: "NVIDIA NIM: a public file, diegosouzapw/OmniRoute#3884",
    provider: /nvidia|\bnim\b/i,
    text: /^404 page not found/i,
    status: [404],
    verdict: "model-not-found",
  },
  {
    // The path exists, but not for this model.
    id: "model-on-other-path",
    source: "GitHub Copilot, OpenAI",
    text: /\bmodel\b.{0,120}not (?:accessible|supported|available) (?:via|in|on|through|at) (?:the )?\/?(?:v1\/)?(?:chat\/completions|responses|messages)\b/i,
    status: [400, 404],
    verdict: "model-not-found",
  },
  {
    id: "path-unknown",
    source: "OpenAI, groq, new-api, Express, Fastify, Kong, Cloudflare, LM Studio, llama.cpp, xAI",
    text: anyOf(
      /invalid URL\b|unknown request url|cannot (?:POST|GET|PUT|DELETE|PATCH) \/|unexpected endpoint or method/,
      /\broute\b.{0,60}not (?:found|exist)|no route\b|could not route|no such (?:route|endpoint|path)|file not found$/,
      /(?:endpoint|path|url|resource|page|method|api) .{0,60}(?:not found|does not exist|not exist|not implemented|not allowed)$/,
      /requested (?:url|resource|path|endpoint)\b.{0,40}(?:not found|does not exist)|check the url|page not found/,
      /\/(?:chat\/completions|responses|messages)\b.{0,40}(?:not (?:found|supported|implemented|available)|unsupported)/,
      /(?:responses|chat completions|messages) (?:api|endpoint) (?:is )?not (?:supported|available|implemented|enabled)/,
      /(?:not found|no \w+ (?:found )?for|unsupported|unknown)\b.{0,30}\/(?:v\d\w*\/|responses|chat\/|messages)/,
      /API not implemented|unknown (?:endpoint|path|url|route|operation)/,
    ),
    notNamed: /\bmodel|deployment/i,
    status: [0, 400, 404, 405, 501],
    verdict: "path-not-found",
  },
  {
    // A web page, an empty body or a bare phrase: no service reports a missing model like that.
    id: "path-missing",
    source: "FastAPI, nginx, Spring, Go net/http, Anthropic",
    text: /^(?:|(?:40[45][ :|-]*)?(?:error:? )?(?:not found|method not allowed|resource not found)\.?(?:[ |]*(?:not found|method not allowed|40[45])\.?)*)$/i,
    notNamed: /\bmodel|deployment/i,
    status: [404, 405],
    page: false,
    verdict: "path-not-found",
  },
  {
    id: "path-missing-page",
    source: "Express, nginx, Google front end",
    page: true,
    status: [404, 405],
    verdict: "path-not-found",
  },
];
