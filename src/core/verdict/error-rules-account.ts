import { anyOf, type ErrorRule, near } from "./error-rule.ts";
import { FAMILY } from "./error-rules-subject.ts";

/** A window and the statement that it is used up, in either order. */
const WINDOW_GONE = anyOf(
  /(?:session|hourly|daily|weekly|monthly|hours?|free)\b.{0,20}\b(?:limit|quota|allowance|allocation)s?\b.{0,30}\breach/,
  /(?:session|hourly|daily|weekly|monthly|hours?|free)\b.{0,20}\b(?:limit|quota|allowance)s?\b.{0,30}\b(?:exceed|exhaust|hit)/,
  /(?:reach|exceed|exhaust|hit|used up)\w*\b.{0,30}\b(?:session|hourly|daily)\b.{0,12}\b(?:limit|quota|allowance|allocation)/,
  /(?:reach|exceed|exhaust|hit|used up)\w*\b.{0,30}\b(?:weekly|monthly|hours?|free)\b.{0,12}\b(?:limit|quota|allowance|allocation)/,
);

/** A window of usage. Minutes and seconds are rates. */
const PERIOD =
  /\b(?:today(?:'s)?|daily|weekly|monthly|hourly|session|this (?:week|month)|billing cycle|\d+[- ]hours?|\d+[- ]days?)\b|今[日天]|当[日天]|本[周月]|每[日天周月]|小时/;
/** What is counted in it. */
const ALLOWANCE =
  /\b(?:limits?|quota|allowances?|allocations?|window|requests|calls|messages|prompts)\b|用量|额度|次数|配额|限额/;
/** Words for a used-up allowance. */
const USED_UP = /\b(?:reach|exceed|exhaust|hit|used|spent|consumed|over)\w*\b|上限|用[尽完]|耗尽|超[出过]/;

/** Problems of the account behind a key: tier, payment, used-up windows. */
export const accountRules: readonly ErrorRule[] = [
  {
    id: "organization-on-hold",
    source: "@anthropic-ai/sdk 1.14: error.details.error_code",
    codes: ["organization_on_hold"],
    verdict: "auth",
  },
  {
    // Only a calendar month ends it, whatever the status says.
    id: "spend-limit",
    source: "@anthropic-ai/sdk 1.14: error.details.error_code",
    codes: ["enforced_spend_limit_reached", "contract_spend_limit_reached"],
    verdict: "payment",
  },
  {
    // Says "subscription" but means the whole key.
    id: "payment-past-due",
    source: "continuedev/continue#13195",
    text: anyOf(
      /payment is past due|past[- ]due (?:invoice|payment|balance)|overdue (?:invoice|payment|balance)|update your payment method/,
      /failure to pay|run out of (?:credits?|funds|balance)/,
    ),
    verdict: "payment",
  },
  {
    // A gateway's own account at MiniMax is empty; its other models work.
    id: "gateway-without-balance",
    source: "modelscope/modelscope#1691",
    provider: /modelscope/i,
    text: /insufficient balance \(1008\)/i,
    verdict: "payment",
    fault: "model",
  },
  {
    // The free models of the same key still work.
    id: "zen-credits",
    source: "OpenCode Zen",
    codes: ["CreditsError"],
    verdict: "payment",
    fault: "lane",
  },
  {
    id: "model-needs-subscription",
    source: "ollama/ollama#15741, #15990, #17639",
    text: anyOf(
      /(?:requires?|needs?) (?:a|an|an active|the) (?:\w+ )?(?:subscription|paid plan|paid tier|upgrade)\b/,
      /(?:not|n't) included in your\b.{0,40}\b(?:usage|plan|subscription|tier)/,
      /uses extra usage only|active .{0,40}subscription is required|extra usage is required/,
      /subscription plan does not\b/,
      /(?:plan|tier|subscription) (?:does not|doesn't|do not|not) (?:yet )?(?:include|support|allow|cover|have access)/,
      /only available (?:to|on|for|with|in) .{0,40}\b(?:paid|pro|plus|max|premium|subscri\w+|plan|tier)\b/,
      /(?:upgrade|subscribe)\b.{0,30}\bto (?:access|use|unlock) (?:this|the) model/,
      /\bmodel requires? (?:a )?paid\b/,
    ),
    verdict: "subscription",
  },
  {
    id: "subscription-code",
    source: "OpenCode Go, Z.AI, MiniMax",
    codes: ["SubscriptionError", "subscription_required", "subscription_error", "base_resp:2061"],
    verdict: "subscription",
  },
  {
    id: "zai-plan-lacks-model",
    source: "Z.AI reference",
    codes: ["1311"],
    status: [403, 429],
    verdict: "subscription",
  },
  {
    // The free allowance of this model is used up; the key's other models have their own.
    id: "model-free-tier-used-up",
    source: "DashScope reference",
    text: /free (?:tier|quota|allocation) of the model has been exhausted/i,
    verdict: "quota",
    fault: "lane",
  },
  {
    id: "model-free-tier-code",
    source: "DashScope reference",
    codes: ["AllocationQuota.FreeTierOnly"],
    verdict: "quota",
    fault: "lane",
  },
  {
    id: "no-money",
    source: "DeepSeek, OpenRouter, xAI, HuggingFace, Anthropic, new-api, Z.AI, Moonshot, Fireworks",
    text: anyOf(
      /insufficient[ _](?:account[ _])?(?:balance|credit|fund|quota|user)/,
      /(?:balance|credits?|funds?) (?:is |are |was |has been )?(?:too low|insufficient|empty|not enough)/,
      /(?:balance|credits?|funds?) (?:is |are |was |has been )?(?:exhausted|depleted|used up)/,
      /not enough (?:balance|credits?|points|funds|quota|money)/,
      /out of (?:credits|funds|balance)|no (?:credits|balance|payment method)\b|depleted your\b/,
      /(?:used|exhausted) all (?:of )?(?:your |the )?(?:available |included )?credits/,
      /exceeded your (?:monthly )?included credits|spending (?:limit|cap)/,
      /billing (?:hard )?limit|key limit exceeded|credit limit exceeded/,
      /quota exceeded and account balance|check your billing details|account balance/,
      /account is (?:suspended|in arrears|not active)|account .{0,60} is suspended/,
      /good standing|payment required|never purchased credits|余额|欠费|充值|额度(?:不足|已?用尽|已?耗尽)/,
    ),
    verdict: "payment",
  },
  {
    id: "ollama-window",
    source: "continuedev/continue#11444, NousResearch/hermes-agent#68832",
    text: anyOf(
      /you \(.{0,200}?\) have reached your \w+ usage limit/,
      /reached your \w+ usage limit, (?:please wait or )?upgrade/,
    ),
    verdict: "quota",
    namesWindow: true,
  },
  {
    id: "ollama-window-short",
    source: "HomericIntelligence/Scylla#346",
    provider: /ollama/i,
    text: /reached your \w+ usage limit/i,
    verdict: "quota",
    namesWindow: true,
  },
  {
    // The message names the model whose daily limit is reached; the organization's other models work.
    id: "model-limit-of-the-day",
    source: "groq, OpenAI",
    text: /limit reached for (?:model )?\S+.{0,160}(?:per day|\b[RT]PD\b)/i,
    verdict: "quota",
    fault: "lane",
  },
  {
    // An allowance of one model; the key's other models have their own.
    id: "model-allowance-used-up",
    source: "ModelScope, Volcengine references",
    text: anyOf(
      near(
        /\b(?:quota|allowance|(?:usage|inference|daily|weekly|monthly|set) limit|today's limit)\b/,
        new RegExp(`\\b(?:for|of) (?:(?:the |this |that )?model\\b|${FAMILY.source})`),
        40,
      ),
      /模型.{0,30}(?:今日|每[日天周月]|配额|额度|次数).{0,12}(?:上限|用[尽完]|耗尽|超)/,
    ),
    status: [402, 403, 429, 0],
    verdict: "quota",
    fault: "lane",
  },
  {
    // The accounts behind a gateway for one vendor's models are used up; its other models work.
    id: "gateway-accounts-used-up",
    source: "code-yeongyu/oh-my-openagent#6637",
    text: /all \w+ accounts (?:have )?reached/i,
    verdict: "quota",
    fault: "lane",
  },
  {
    id: "used-up-window",
    source: "Moonshot, Cloudflare, OpenCode Go, Codex, Z.AI, MiniMax, Anthropic, Bedrock",
    text: anyOf(
      /(?:\b|_)per[\s_-]?(?:day|week|month)(?:\b|_)|\b(?:TPD|RPD|ASPD)\b|PerDay|ByDay\b|\bper 86400s/,
      WINDOW_GONE,
      near(PERIOD, near(ALLOWANCE, USED_UP, 40), 40),
      near(ALLOWANCE, near(PERIOD, USED_UP, 40), 40),
      /(?:reach|exceed|hit)\w*\b.{0,20}\b(?:subscription|plan|tier|package)(?:'s)? (?:rate |usage )?limits?\b/,
      near(PERIOD, /\bno \w+ (?:left|remaining)\b/, 30),
      /limited to \d[\d,]* .{0,24}(?:\/|per|an?) ?(?:day|week|month)|使用?量.{0,6}(?:上限|用完)/,
      /usage (?:limit|quota) (?:has been |was |is )?(?:reached|exceeded|exhausted|hit)/,
      /(?:reach|exceed|hit)\w* (?:your |the )?(?:specified )?(?:api )?usage (?:limit|quota)\b/,
      /specified api usage limits|individual quota reached|free usage (?:limit|exceeded)/,
      /limit exhausted|使用上限|用量上限|限额.{0,40}重置|(?:限额|配额).{0,8}(?:用尽|耗尽)/,
    ),
    notStatus: [404, 413],
    verdict: "quota",
  },
  {
    id: "no-money-code",
    source: "OpenAI, Z.AI, OpenCode Zen, MiniMax, Anthropic, DashScope",
    codes: [
      "insufficient_quota",
      "insufficient_credit",
      "insufficient_credits",
      "insufficient_balance",
      "insufficient_funds",
      "insufficient_user_quota",
      "InsufficientQuota",
      "InsufficientBalance",
      "exceeded_current_quota_error",
      "billing_error",
      "billing_not_active",
      "billing_hard_limit_reached",
      "MonthlyLimitError",
      "UserLimitError",
      "Arrearage",
      "AccountOverdueError",
      "NOT_ENOUGH_BALANCE",
      "payment_required",
      "1113",
      "1309",
      "base_resp:1008",
    ],
    verdict: "payment",
  },
  {
    id: "used-up-window-code",
    source: "OpenCode Zen and Go, Codex, Copilot, Z.AI, MiniMax",
    codes: [
      "GoUsageLimitError",
      "FreeUsageLimitError",
      "usage_limit_reached",
      "usage_limit_exceeded",
      "quota_exceeded",
      "daily_limit_exceeded",
      "1304",
      "1308",
      "1310",
      "1316",
      "4006",
      "base_resp:2056",
    ],
    notStatus: [400, 404],
    verdict: "quota",
  },
  {
    // Per-minute limits matched above; Vertex and Copilot say no more than this.
    id: "quota-exceeded",
    source: "GitHub Copilot: a public file",
    text: anyOf(
      /\bquota (?:limit )?(?:has been |was |is )?(?:exceeded|exhausted|reached|used up)/,
      /(?:exceeded|exhausted|reached|over)\b.{0,40}\bquota\b|\bquota\b.{0,40}(?:failed|not enough|need quota)/,
    ),
    unless: /quota exceeded for metric|plan and billing details/i,
    status: [402, 403, 429, 0],
    verdict: "quota",
  },
  {
    id: "gemini-quota",
    source: "n4ze3m/page-assist#406",
    // No window and a wait of seconds: a per-minute limit.
    text: /exceeded your current quota|quota exceeded for metric/i,
    status: [429],
    verdict: "rate-limit",
  },
];
