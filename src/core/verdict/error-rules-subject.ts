import { anyOf, type ErrorRule, near } from "./error-rule.ts";

/**
 * Rules for unknown wording. They look at what a message names (a model, money, an account, a key, a window) and what
 * it says about it, so that a new sentence is blamed on the right party.
 */

/** A model by the word, or by the name of a known family: `glm-5-air`, `claude-opus-5`. Clients share some names. */
export const FAMILY =
  /\b(?:(?:chat)?gpt|claude|gemini|gemma|llama|qwen|qwq|glm|kimi|deepseek|mi[sx]tral|codestral|devstral|grok|minimax|nemotron|jamba|command|ernie|doubao|hunyuan|mimo|sonnet|opus|haiku)[- ]?(?!cli\b|code\b|line\b)[\d.]*(?:-[\w.:]+|\d[\w.:]*)/;
const MODEL = new RegExp(
  `\\b(?:models?|deployments?|chutes?|bots?)\\b|\\bfunction (?:id\\b|')|模型|${FAMILY.source}`,
);

/** Words for a model that the key may not use. */
const DENIED =
  /(?:\bnot|n't|\bno|\bcannot|\bwithout|\black\w*)\b.{0,25}\b(?:access|allow\w*|authori[sz]ed|permit\w*|permissions?|entitle\w*|purchased|enabled|shared|eligible|activated|subscribed|granted|opened?|allow-?list\w*|whitelist\w*)\b|\bdenied\b|\brestricted\b|\bdisabled\b|\bforbidden\b|unauthorized|lacks the required|limited to\b|accept the (?:licen[cs]e|terms)|not in the (?:list|allow)|(?:private|limited|closed) (?:preview|beta|access)|无权|权限|未授权|未开通|未激活|未订阅|不允许/;
/** For statuses that say less: a parameter that is not allowed does not concern the account. */
const DENIED_PLAINLY =
  /(?:\bnot|n't|\bno)\b.{0,25}\b(?:access to|authori[sz]ed|permission|entitled|eligible|activated|subscribed|granted)\b|access (?:is )?denied|terms? (?:acceptance|of use)|(?:must|has to) be verified|无权|未授权|未开通|未激活|未订阅/;
/** Words for a model that needs a better plan. */
const PAID =
  /requires? (?:a |an )?(?:\w+[ +]?){0,3}(?:subscription|plan|tier|pro\b|plus\b|max\b|paid|upgrade)|available (?:only )?(?:on|to|with|for) .{0,30}(?:plans?|tiers?|subscri\w+|pro\b|max\b)|(?:not|n't) (?:included|available|part) .{0,20}(?:plans?|tiers?|trial|subscription)|upgrade to (?:a |use|access|unlock)|trial keys?|reserved for|\bpremium\b/;
/** Words for a model that no longer exists, or never did. */
const GONE =
  /shut ?down|retired|deprecated|decommissioned|discontinued|\bsunset|no longer (?:available|supported|served|offered)|does(?:n't| not) exist|not (?:found|exist|available|deployed)|\bunknown\b|\bunavailable\b|no such|offline|not (?:being )?served|已下线|不存在/;
/** Words for a model that cannot run at the moment. */
const NOT_RUNNING =
  /(?:not|n't) (?:ready|running|loaded|deployed|started)|\bpaused\b|\bstopped\b|unloaded|(?:failed|unable|could not) to (?:load|start)|(?:more|insufficient|not enough|out of) (?:system |gpu )?(?:memory|resources)|\b(?:is|still|being) (?:loading|starting|waking|loaded|started)|(?:ran|runs) out of (?:gpu )?memory/;
const CRASHED =
  /crashed|terminated|no longer running|(?:process|runner|worker) (?:has )?(?:exited|died)|exited with|encountered an (?:issue|error)|engine (?:is )?dead|backend (?:error|failed)/;
const MACHINE =
  /\b(?:models?|engines?|EngineCore|endpoints?|runners?|servers?|backends?|upstream|workers?|instances?|replicas?)\b/;

/** `budget_tokens` and a function named `get_balance` do not count. */
const MONEY =
  /\b(?:balance|credits?|funds|billing|bills?|payments?|invoices?|budgets?|arrears?|arrearage|wallet|spend(?:ing)?|prepayment|credit card|your card)\b|余额|欠费|充值|额度|账单|预算/;
const MONEY_SHORT =
  /insufficient|exhaust|depleted|exceed|\bempty\b|negative|overdue|past due|too low|not enough|out of\b|used up|reached|expired|declined|\bfailed\b|unpaid|outstanding|requires?\b|required|\bno\b|without|(?:not|n't) (?:have|set up|enabled|active)|\bdisabled\b|\benable\b|\badd\b|purchase|\bbuy\b|settle|top[- ]up|recharge|restricted|\benter\b|不足|用[尽完]|耗尽|逾期|欠|为 ?[0负]/;

/** What is paid for, and words for its end. */
const PLAN = /\b(?:subscriptions?|plans?|packages?|memberships?|trials?|licen[cs]es?)\b|套餐|会员|订阅/;
const LAPSED =
  /\b(?:expired|expires|lapsed|ended|overdue|is over|no active|cancell?ed|renew\w*|inactive|not active)\b|到期|过期|续费/;
const OVERDUE = /\boverdue\b|in arrears|\bunpaid\b|欠费|逾期/;

/** The owner of a key, and words for a locked account. */
const ACCOUNT =
  /\b(?:accounts?|organi[sz]ations?|orgs?|projects?|workspaces?|teams?|users?|tenants?|consumers?)\b|账[号户]|用户|组织/;
const BLOCKED =
  /\b(?:locked|suspended|deactivated|banned|blocked|frozen|closed|terminated|restricted|flagged|deleted|not active|(?:not|n't) (?:been )?(?:verified|activated)|under review|denied access|bind)\b|封禁|禁用|冻结|停用|锁定|注销/;
/** An organization can be disabled; "disabled for your account" means something else. */
const DISABLED =
  /\b(?:account|organi[sz]ation|project|workspace|team|user|key)\b (?:is |was |has been )?disabled/;

/** A credential, and words for one that is not accepted. */
const KEY =
  /\b(?:api|secret|access|virtual)[- _]?keys?\b|\b(?:security|access|bearer|oauth|auth\w*) tokens?\b|\bcredentials?\b|\bauthorization header\b|令牌|密钥/;
const BAD_KEY =
  /\b(?:invalid|incorrect|expired|wrong|missing|revoked|deleted|disabled|blocked|unknown|malformed|not (?:valid|found|recognized|provided|active))\b|无效|过期|错误|不存在|不可用|失效/;

/** Statuses of rejections; a 5xx is about the service. Fireworks and Portkey send 412 for an account on hold. */
const REFUSED = [0, 400, 401, 403, 404, 412, 422, 429];
const BROKEN = [0, 400, 404, 424, 429, 500, 502, 503];

/** A validation error that quotes the caller's fields names tools, schemas and parameters, but blames no party. */
const CALLERS_FIELDS =
  /\b(?:parameters?|schema|tools?\[|tools?\b.{0,20}\b(?:name|definition)|messages?[.[]\d|argument|field|property|thinking budget)\b|response_format|JSON/i;

export const subjectRules: readonly ErrorRule[] = [
  {
    id: "names-model-and-plan",
    source: "Copilot, Cohere, Poe, Ollama wordings",
    named: anyOf(near(MODEL, PAID), /not support\w* .{0,40}\bmodel\b.{0,40}\bplan\b/),
    notNamed: anyOf(/run out of|balance is|\bparameters?\b/),
    status: [400, 401, 402, 403, 404],
    verdict: "subscription",
  },
  {
    id: "names-model-denied",
    source: "NVIDIA, DashScope, new-api, HuggingFace, Bedrock, Azure, Portkey, Qianfan wordings",
    named: near(MODEL, DENIED),
    status: [401, 403],
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    id: "names-model-not-granted",
    source: "OpenAI, groq, Volcengine wordings",
    named: near(MODEL, DENIED_PLAINLY),
    notNamed: CALLERS_FIELDS,
    status: [0, 400, 404],
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    id: "names-money",
    source: "LiteLLM, xAI, Vertex, Vercel, Portkey, Baidu, new-api wordings",
    named: anyOf(near(MONEY, MONEY_SHORT), OVERDUE),
    notNamed: CALLERS_FIELDS,
    status: REFUSED,
    verdict: "payment",
  },
  {
    id: "names-lapsed-plan",
    source: "Z.AI, Tencent, Kimi wordings",
    named: anyOf(near(PLAN, LAPSED), /\b(?:no|without an) active (?:subscription|plan)/),
    notNamed: CALLERS_FIELDS,
    status: REFUSED,
    verdict: "payment",
  },
  {
    id: "names-blocked-account",
    source: "Z.AI, Anthropic, Gemini, new-api wordings",
    named: anyOf(near(ACCOUNT, BLOCKED), DISABLED),
    notNamed: CALLERS_FIELDS,
    status: REFUSED,
    verdict: "auth",
  },
  {
    id: "names-bad-key",
    source: "xAI, Bedrock, new-api wordings",
    named: near(KEY, BAD_KEY),
    notNamed: CALLERS_FIELDS,
    status: [0, 400, 401, 403],
    verdict: "auth",
  },
  {
    // Any 403 that names a model: the key may have others.
    id: "names-model-at-403",
    source: "HuggingFace wordings",
    named: anyOf(MODEL),
    status: [403],
    verdict: "model-not-found",
    fault: "lane",
  },
  {
    id: "names-crash",
    source: "LM Studio, vLLM, OpenRouter wordings",
    named: anyOf(
      near(anyOf(MODEL, MACHINE), CRASHED),
      /^internal (?:server )?error|unexpected internal error/,
    ),
    notNamed: CALLERS_FIELDS,
    status: BROKEN,
    verdict: "server-error",
  },
  {
    // A rejection that names only the key or the token.
    id: "refuses-key",
    source: "Portkey, HuggingFace wordings",
    named: near(/\b(?:keys?|tokens?)\b/, anyOf(BAD_KEY, /\binactive\b|recogni[sz]ed|not allowed/), 30),
    status: [401, 403],
    verdict: "auth",
  },
  {
    id: "upstream-failed",
    source: "OpenRouter, OpenCode Zen wordings",
    text: /\bupstream error\b|error from upstream/i,
    status: [0, 400, 424],
    verdict: "server-error",
  },
  {
    id: "names-model-not-running",
    source: "ollama/ollama, LM Studio, HuggingFace, Together wordings",
    named: near(anyOf(MODEL, MACHINE), NOT_RUNNING),
    notNamed: CALLERS_FIELDS,
    status: BROKEN,
    verdict: "overloaded",
    fault: "model",
  },
  {
    id: "names-model-gone",
    source: "Gemini, Cloudflare, Mistral wordings",
    named: near(MODEL, GONE),
    notNamed: CALLERS_FIELDS,
    status: [0, 400, 404, 410],
    verdict: "model-not-found",
  },
];
