import { anyOf } from "./any-of.ts";
import type { ErrorRule } from "./error-rule.ts";

/** Doors that stay shut: regions, the account's own filters, keys that are not taken. */
export const accessRules: readonly ErrorRule[] = [
  {
    id: "gateway-account-refused",
    // The status of the account behind it; its own refusals have no such mark.
    source: "OmniRoute 3.7.9",
    status: [401, 403],
    text: /^\[40[13]\]: /m,
    verdict: "forbidden",
    fault: "model",
  },
  {
    id: "region",
    source: "OpenAI, Groq, Gemini",
    text: anyOf(
      /(?:country|region|territory|location)\b.{0,40}\bnot supported/,
      /not (?:available|supported) in your (?:country|region|location)/,
      /check your network settings|user location is not supported/,
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
    id: "edge-refused",
    source: "Cloudflare error pages",
    text: /\berror code: 10(?:09|10|20)\b/i,
    status: [403],
    verdict: "forbidden",
    fault: "provider",
  },
  {
    // A page comes from the edge in front of the service, which has not looked at the key.
    id: "edge-page",
    source: "Cloudflare challenge pages",
    page: true,
    status: [403],
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
      /reported as leaked|^user not found\.?$|authorization failed|authentication fail/,
      /no auth credentials|unregistered callers/,
      /account\b.{0,80}(?:deactivated|terminated|banned)|无效的(?:令牌|密钥|api)|令牌.{0,6}(?:无效|过期|失效)/,
      /身份验证/,
    ),
    status: [0, 400, 401, 403],
    verdict: "auth",
  },
  {
    // At a 400 a bad token may be one of JSON.
    id: "bad-token",
    source: "Azure, HuggingFace, GitHub, Z.AI",
    text: anyOf(
      /(?:invalid|missing|incorrect|bad|expired) (?:authentication|auth|bearer|access|authorization)\b/,
      /invalid (?:token|credentials|username)\b|token (?:is |has )?(?:expired|invalid|revoked)/,
      /bad credentials|subscription key/,
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
      "base_resp:1004",
      "base_resp:2049",
    ],
    verdict: "auth",
  },
];
