import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { classify, type Reply } from "../../src/core/classify.ts";
import type { UserRule } from "../../src/core/error-rule.ts";
import type { Fault, VerdictKind } from "../../src/core/verdict.ts";

const NOW = Date.UTC(2026, 9, 7, 12, 0, 0);

function reply(status: number, body: unknown, more: Partial<Reply> = {}): Reply {
  return {
    provider: "some-service",
    status,
    headers: new Headers(),
    body: typeof body === "string" ? body : JSON.stringify(body),
    expectsAnswer: true,
    ...more,
  };
}

function verdictOf(status: number, body: unknown, more: Partial<Reply> = {}) {
  return classify(reply(status, body, more), { userRules: [], nowMs: NOW });
}

const openai = (message: string, code: unknown = null, type = "invalid_request_error") => ({
  error: { message, type, param: null, code },
});

type Row = [name: string, status: number, body: unknown, kind: VerdictKind, fault: Fault];

describe("tiers and money", () => {
  test.each<Row>([
    [
      "a model outside the plan, old words",
      403,
      { error: "this model requires a subscription, upgrade for access: https://ollama.com/upgrade" },
      "subscription",
      "lane",
    ],
    [
      "a model outside the plan, words of 2026",
      402,
      { error: "this model is not included in your free usage, add usage credits to pay as you go" },
      "subscription",
      "lane",
    ],
    [
      "a model on extra usage only",
      402,
      {
        error:
          "this model uses extra usage only (not included plan usage) and your extra usage balance is empty, add extra usage",
      },
      "subscription",
      "lane",
    ],
    [
      "a missing tier inside a 200",
      200,
      { error: "this model requires a subscription, upgrade for access" },
      "subscription",
      "lane",
    ],
    [
      "a plan that lacks one model",
      429,
      openai("Your current subscription plan does not yet include access to GLM-5.2", "1311"),
      "subscription",
      "lane",
    ],
    [
      "a Pro model at a free account",
      403,
      { error: "Model x/y requires a Pro subscription; check out the pricing page" },
      "subscription",
      "lane",
    ],
    [
      "a subscription that must be active",
      401,
      {
        type: "error",
        error: { type: "SubscriptionError", message: "an active OpenCode Go subscription is required" },
      },
      "subscription",
      "lane",
    ],
    [
      "an unpaid bill that mentions the subscription",
      403,
      openai(
        "your subscription payment is past due. update your payment method: https://ollama.com/settings/billing",
      ),
      "payment",
      "key",
    ],
    [
      "an empty balance",
      402,
      openai("Insufficient Balance", "invalid_request_error", "unknown_error"),
      "payment",
      "key",
    ],
    [
      "an empty balance as a 401",
      401,
      {
        type: "error",
        error: {
          type: "CreditsError",
          message: "No payment method. Add a payment method here: https://opencode.ai/billing",
        },
      },
      "payment",
      "key",
    ],
    [
      "credit too low as a 400",
      400,
      {
        type: "error",
        error: {
          type: "invalid_request_error",
          message:
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
        },
      },
      "payment",
      "key",
    ],
    [
      "a quota that only money brings back",
      429,
      openai(
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
      ),
      "payment",
      "key",
    ],
    [
      "an account in arrears",
      400,
      {
        code: "Arrearage",
        message: "Access denied, please make sure your account is in good standing.",
        request_id: "1",
      },
      "payment",
      "key",
    ],
    [
      "a spent key limit",
      403,
      {
        error: {
          message: "Key limit exceeded (daily limit). Manage it using https://openrouter.ai/settings/keys",
          code: 403,
        },
      },
      "payment",
      "key",
    ],
    [
      "a prompt the credits cannot pay",
      402,
      {
        error: {
          message:
            "Prompt tokens limit exceeded: 23045 > 9120. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account",
          code: 402,
        },
      },
      "payment",
      "key",
    ],
    [
      "credits that were never bought",
      402,
      { error: { message: "Insufficient credits. This account never purchased credits.", code: 402 } },
      "payment",
      "key",
    ],
    [
      "a suspended account",
      429,
      openai(
        "Your account org-1 <ak-1> is suspended, please check your plan and billing details",
        null,
        "exceeded_current_quota_error",
      ),
      "payment",
      "key",
    ],
    [
      "an empty balance in Chinese",
      403,
      { code: 30001, message: "Sorry, your account balance is insufficient", data: null },
      "payment",
      "key",
    ],
    [
      "a gateway's own user balance",
      403,
      openai("用户额度不足, 剩余额度: 0", "insufficient_user_quota", "new_api_error"),
      "payment",
      "key",
    ],
    ["a bare 402", 402, "", "payment", "key"],
    [
      "credits held by calls in flight",
      402,
      {
        error: {
          message:
            "This request would exceed your available credits given your current in-flight requests. Retry after in-flight requests settle, or add credits.",
          code: 402,
          metadata: { reason: "in_flight_budget_exhausted" },
        },
      },
      "concurrency",
      "lane",
    ],
  ])("%s", (_name, status, body, kind, fault) => {
    expect(verdictOf(status, body)).toMatchObject({ kind, fault });
  });
});

describe("limits", () => {
  test.each<Row>([
    [
      "a used-up session",
      429,
      { error: "you (someone) have reached your session usage limit, upgrade for higher limits (ref: 1)" },
      "quota",
      "key",
    ],
    [
      "an hour's window in older words",
      429,
      { error: "you've reached your hourly usage limit, please wait or upgrade to continue" },
      "quota",
      "key",
    ],
    ["all parallel slots taken", 429, { error: "too many concurrent requests" }, "concurrency", "lane"],
    [
      "a slot that never came",
      429,
      { error: "timed out waiting for a concurrent request slot" },
      "concurrency",
      "lane",
    ],
    [
      "a plan's concurrency",
      429,
      openai(
        "Your account reached max organization concurrency: 3, please try again after 1 seconds",
        null,
        "rate_limit_reached_error",
      ),
      "concurrency",
      "lane",
    ],
    [
      "concurrency by its number",
      429,
      openai(
        "High concurrency usage of this API, please reduce concurrency or contact customer service",
        "1302",
      ),
      "concurrency",
      "lane",
    ],
    [
      "connections counted as a rate",
      429,
      {
        type: "error",
        error: {
          type: "rate_limit_error",
          message: "Number of concurrent connections has exceeded your rate limit. Please try again later.",
        },
      },
      "concurrency",
      "lane",
    ],
    [
      "a minute's limit that says quota",
      429,
      {
        message: "Tokens per minute limit exceeded - too many tokens processed.",
        type: "too_many_tokens_error",
        param: "quota",
        code: "token_quota_exceeded",
      },
      "rate-limit",
      "lane",
    ],
    [
      "a day's limit in the same form",
      429,
      {
        message: "Requests per day limit exceeded - too many requests sent.",
        type: "too_many_requests_error",
        param: "quota",
        code: "request_quota_exceeded",
      },
      "quota",
      "key",
    ],
    [
      "free models per minute, with an advert for days",
      429,
      {
        error: {
          message:
            "Rate limit exceeded: free-models-per-min. Add 10 credits to unlock 1000 free model requests per day",
          code: 429,
        },
      },
      "rate-limit",
      "lane",
    ],
    [
      "free models per day",
      429,
      { error: { message: "Rate limit exceeded: free-models-per-day", code: 429 } },
      "quota",
      "key",
    ],
    [
      "one model's tokens of the day",
      429,
      openai(
        "Rate limit reached for model `llama-3.3-70b` in organization `org_1` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 99336, Requested 1482. Please try again in 11m46.752s.",
        "rate_limit_exceeded",
        "tokens",
      ),
      "quota",
      "lane",
    ],
    [
      "an organization's tokens of the day",
      429,
      openai(
        "request reached organization TPD rate limit, current: 1500001, limit: 1500000",
        null,
        "rate_limit_reached_error",
      ),
      "quota",
      "key",
    ],
    [
      "a model's minute at GitHub",
      429,
      {
        error: {
          code: "RateLimitReached",
          message:
            "Rate limit of 10 per 60s exceeded for UserByModelByMinute. Please wait 12 seconds before retrying.",
        },
      },
      "rate-limit",
      "lane",
    ],
    [
      "parallel calls at GitHub",
      429,
      {
        error: {
          code: "RateLimitReached",
          message:
            "Rate limit of 2 per 0s exceeded for UserConcurrentRequests. Please wait 0 seconds before retrying.",
        },
      },
      "concurrency",
      "lane",
    ],
    [
      "a free model with no quota at all",
      429,
      [
        {
          error: {
            code: 429,
            message:
              "You exceeded your current quota. * Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0, model: gemini-3-pro Please retry in 34.07s.",
            status: "RESOURCE_EXHAUSTED",
          },
        },
      ],
      "quota",
      "lane",
    ],
    [
      "a minute's quota in a list",
      429,
      [
        {
          error: {
            code: 429,
            message: "You exceeded your current quota, please check your plan and billing details.",
            status: "RESOURCE_EXHAUSTED",
            details: [
              {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                violations: [{ quotaId: "GenerateRequestsPerMinutePerProjectPerModel-FreeTier" }],
              },
            ],
          },
        },
      ],
      "rate-limit",
      "lane",
    ],
    [
      "a deployment's call rate",
      429,
      {
        error: {
          code: "429",
          message:
            "Requests to the ChatCompletions_Create Operation have exceeded call rate limit of your current S0 pricing tier. Please retry after 6 seconds. Please go here: https://aka.ms/oai/quotaincrease to increase the default rate limit.",
        },
      },
      "rate-limit",
      "lane",
    ],
    [
      "a weekly plan",
      429,
      {
        type: "error",
        error: { type: "GoUsageLimitError", message: "Weekly usage limit reached. Resets in 19hr" },
      },
      "quota",
      "key",
    ],
    [
      "a plan's window inside a 200",
      200,
      {
        type: "error",
        error: { type: "GoUsageLimitError", message: "5-hour usage limit reached. Resets in 2hr" },
      },
      "quota",
      "key",
    ],
    [
      "free use that is over",
      429,
      {
        type: "error",
        error: {
          type: "FreeUsageLimitError",
          message: "Free usage exceeded, add credits https://opencode.ai/zen",
        },
      },
      "quota",
      "key",
    ],
    [
      "an account's API limits as a 400",
      400,
      {
        type: "error",
        error: {
          type: "invalid_request_error",
          message:
            "You have reached your specified API usage limits. You will regain access on 2026-11-01 at 00:00 UTC.",
        },
      },
      "quota",
      "key",
    ],
    [
      "a token plan's window",
      429,
      {
        type: "error",
        error: {
          type: "rate_limit_error",
          message:
            "usage limit exceeded, 5-hour usage limit reached for Token Plan Starter (0/0 used), resets at 2026-10-07T15:00:00Z (2056)",
        },
      },
      "quota",
      "key",
    ],
    [
      "a plan's limit by its code",
      429,
      {
        error: {
          type: "usage_limit_reached",
          message: "The usage limit has been reached",
          plan_type: "free",
          resets_in_seconds: 529,
        },
      },
      "quota",
      "key",
    ],
    [
      "a gateway whose accounts are used up",
      429,
      openai("All codex accounts reached configured quota threshold (reset after 19h 24m 10s)"),
      "quota",
      "lane",
    ],
    [
      "a free model's own allowance",
      403,
      { code: "AllocationQuota.FreeTierOnly", message: "The free tier of the model has been exhausted." },
      "quota",
      "lane",
    ],
    [
      "tokens that are throttled, not too long",
      400,
      { __type: "ThrottlingException", message: "Too many tokens, please wait before trying again." },
      "rate-limit",
      "lane",
    ],
    [
      "tokens of a day that read like an overflow",
      429,
      { message: "ThrottlingException: Too many tokens per day, please wait before trying again." },
      "quota",
      "key",
    ],
    [
      "throttling as a 400",
      400,
      openai("Detected high-frequency non-compliant requests from you."),
      "rate-limit",
      "lane",
    ],
    [
      "a pool shared by all keys",
      429,
      {
        error: {
          message: "Provider returned error",
          code: 429,
          metadata: {
            raw: "x/y:free is temporarily rate-limited upstream. Please retry shortly.",
            limit_source: "upstream_provider_shared_pool",
          },
        },
      },
      "rate-limit",
      "model",
    ],
    ["a problem document", 429, { status: 429, title: "Too Many Requests" }, "rate-limit", "lane"],
    [
      "a 429 inside a gateway's 500",
      500,
      { error: { message: "upstream failed", code: 429 } },
      "rate-limit",
      "lane",
    ],
    [
      "MiniMax's own envelope in a 200",
      200,
      { choices: null, base_resp: { status_code: 1002, status_msg: "rate limit" } },
      "rate-limit",
      "lane",
    ],
    ["limits in Chinese", 429, openai("请求过于频繁，请稍后再试"), "rate-limit", "lane"],
  ])("%s", (_name, status, body, kind, fault) => {
    expect(verdictOf(status, body)).toMatchObject({ kind, fault });
  });
});

describe("keys and doors", () => {
  test.each<Row>([
    [
      "a bad key as a 400",
      400,
      {
        error: {
          code: 400,
          message: "API key not valid. Please pass a valid API key.",
          status: "INVALID_ARGUMENT",
        },
      },
      "auth",
      "key",
    ],
    [
      "a leaked key as a 403",
      403,
      {
        error: {
          code: 403,
          message: "Your API key was reported as leaked. Please use another API key.",
          status: "PERMISSION_DENIED",
        },
      },
      "auth",
      "key",
    ],
    [
      "a bad key as a 403",
      403,
      { status: 403, title: "Forbidden", detail: "Authorization failed" },
      "auth",
      "key",
    ],
    [
      "a key that Azure calls a subscription key",
      401,
      {
        error: {
          code: "401",
          message:
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription.",
        },
      },
      "auth",
      "key",
    ],
    ["a key nobody knows", 401, { error: { message: "User not found.", code: 401 } }, "auth", "key"],
    ["a plain 401", 401, "unauthorized", "auth", "key"],
    [
      "a bad key named only by its code in a 200",
      200,
      { base_resp: { status_code: 2049, status_msg: "" } },
      "auth",
      "key",
    ],
    [
      "a region that is not served",
      403,
      openai(
        "Country, region, or territory not supported",
        "unsupported_country_region_territory",
        "request_forbidden",
      ),
      "forbidden",
      "provider",
    ],
    [
      "a region as a 400",
      400,
      {
        error: {
          code: 400,
          message: "User location is not supported for the API use.",
          status: "FAILED_PRECONDITION",
        },
      },
      "forbidden",
      "provider",
    ],
    [
      "a network that is not let in",
      403,
      { error: { message: "Access denied. Please check your network settings." } },
      "forbidden",
      "provider",
    ],
    [
      "a challenge page",
      403,
      "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>",
      "forbidden",
      "provider",
    ],
    ["a bare 403", 403, { error: "Forbidden" }, "forbidden", "key"],
    [
      "a data policy of the account",
      404,
      {
        error: { message: "No endpoints found matching your data policy (Free model training).", code: 404 },
      },
      "forbidden",
      "lane",
    ],
    [
      "a model blocked by the organization",
      403,
      openai(
        "The model `x` is blocked at the organization level. Please have the org admin enable this model.",
        "model_permission_blocked_org",
      ),
      "forbidden",
      "lane",
    ],
  ])("%s", (_name, status, body, kind, fault) => {
    expect(verdictOf(status, body)).toMatchObject({ kind, fault });
  });
});

describe("models", () => {
  test.each<Row>([
    [
      "a name nobody serves",
      404,
      openai('model "x:1b" not found', null, "not_found_error"),
      "model-not-found",
      "model",
    ],
    ["a retired model", 410, "", "model-not-found", "model"],
    [
      "the end of a model's life",
      410,
      {
        type: "about:blank",
        title: "Gone",
        status: 410,
        detail:
          "The model 'a/b' has reached its end of life on 2026-05-14T00:00:00Z and is no longer available.",
      },
      "model-not-found",
      "model",
    ],
    [
      "a model listed but not for this account",
      404,
      { status: 404, title: "Not Found", detail: "Function 'f1': Not found for account 'a1'" },
      "model-not-found",
      "lane",
    ],
    ["a page that is not there", 404, "404 page not found", "model-not-found", "model"],
    [
      "an unknown model as a 400",
      400,
      { error: { message: "Model Not Exist", type: "invalid_request_error" } },
      "model-not-found",
      "model",
    ],
    [
      "an invalid id as a 400",
      400,
      { error: { message: "x/y is not a valid model ID", code: 400 } },
      "model-not-found",
      "model",
    ],
    [
      "an unknown model at GitHub",
      400,
      { error: { code: "unknown_model", message: "Unknown model: gpt-9" } },
      "model-not-found",
      "model",
    ],
    [
      "a model the gateway does not sell as a 401",
      401,
      { type: "error", error: { type: "ModelError", message: "Model big-one not supported" } },
      "model-not-found",
      "model",
    ],
    [
      "a model without endpoints",
      404,
      { error: { message: "No endpoints found for x/y:free.", code: 404 } },
      "model-not-found",
      "model",
    ],
    [
      "a project without access",
      403,
      openai("Project `proj_1` does not have access to model `gpt-5`", "model_not_found"),
      "model-not-found",
      "lane",
    ],
    [
      "a virtual key without access",
      401,
      openai(
        "key not allowed to access model. This key can only access models=['a']. Tried to access b",
        "401",
        "key_model_access_denied",
      ),
      "model-not-found",
      "lane",
    ],
    [
      "a provider the user has not enabled",
      400,
      openai(
        "The requested model 'a/b' is not supported by any provider you have enabled.",
        "model_not_supported",
      ),
      "model-not-found",
      "lane",
    ],
    [
      "a gateway without credentials",
      404,
      openai("No active credentials for provider: openai"),
      "model-not-found",
      "model",
    ],
    [
      "an unknown model in a list",
      404,
      [
        {
          error: {
            code: 404,
            message:
              "models/gemini-0 is not found for API version v1main, or is not supported for generateContent.",
            status: "NOT_FOUND",
          },
        },
      ],
      "model-not-found",
      "model",
    ],
  ])("%s", (_name, status, body, kind, fault) => {
    expect(verdictOf(status, body)).toMatchObject({ kind, fault });
  });
});

describe("upstreams in trouble", () => {
  test.each<Row>([
    [
      "a degraded function as a 400",
      400,
      { status: 400, title: "Bad Request", detail: "Function id 'f1': DEGRADED function cannot be invoked" },
      "overloaded",
      "model",
    ],
    [
      "workers that are full",
      503,
      {
        error: {
          message: "ResourceExhausted: Worker local total request limit reached (163/32)",
          type: "Service Unavailable",
          code: 503,
        },
      },
      "overloaded",
      "model",
    ],
    [
      "a queue as a 429",
      429,
      {
        message: "We're experiencing high traffic right now! Please try again soon.",
        type: "too_many_requests_error",
        param: "queue",
        code: "queue_exceeded",
      },
      "overloaded",
      "model",
    ],
    [
      "an overloaded engine as a 429",
      429,
      openai("The engine is currently overloaded, please try again later", null, "engine_overloaded_error"),
      "overloaded",
      "model",
    ],
    [
      "an overload by its number",
      429,
      openai("该模型当前访问量过大，请您稍后再试", "1305"),
      "overloaded",
      "model",
    ],
    [
      "a tier's capacity",
      429,
      {
        object: "error",
        message: "Service tier capacity exceeded for this model.",
        type: "service_tier_capacity_exceeded",
        code: "3505",
      },
      "overloaded",
      "model",
    ],
    [
      "no capacity anywhere",
      429,
      { detail: "Infrastructure is at maximum capacity, try again later" },
      "overloaded",
      "model",
    ],
    [
      "Gemini's overload",
      503,
      [
        {
          error: {
            code: 503,
            message: "The model is overloaded. Please try again later.",
            status: "UNAVAILABLE",
          },
        },
      ],
      "overloaded",
      "model",
    ],
    [
      "a model that is still loading",
      503,
      { error: "Model a/b is currently loading", estimated_time: 20 },
      "overloaded",
      "model",
    ],
    [
      "Anthropic's 529",
      529,
      { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
      "overloaded",
      "model",
    ],
    ["a proxy without a backend", 503, "no healthy upstream", "overloaded", "model"],
    ["a bare 503", 503, "", "overloaded", "attempt"],
    ["a bare 500", 500, { error: "Internal Server Error (ref: 1)" }, "server-error", "attempt"],
    [
      "a broken line behind a gateway",
      502,
      { error: 'Post "https://ollama.com:443/api/chat": unexpected EOF' },
      "server-error",
      "attempt",
    ],
    [
      "a gateway's page",
      502,
      "<html><head><title>502 Bad Gateway</title></head></html>",
      "server-error",
      "attempt",
    ],
    ["a gateway that timed out", 504, "", "timeout", "attempt"],
    [
      "Cloudflare's timeout",
      524,
      "<html><title>ollama.com | 524: A timeout occurred</title></html>",
      "timeout",
      "attempt",
    ],
    [
      "a timed-out job as a 502",
      502,
      openai("[502]: This job timed out after 120000 ms."),
      "timeout",
      "attempt",
    ],
    [
      "a crash inside a 200",
      200,
      { error: "an error was encountered while running the model" },
      "server-error",
      "attempt",
    ],
    ["an error with no known word in a 200", 200, { error: "flux compensator" }, "server-error", "attempt"],
  ])("%s", (_name, status, body, kind, fault) => {
    expect(verdictOf(status, body)).toMatchObject({ kind, fault });
  });
});

describe("requests that cannot be served", () => {
  test.each<Row>([
    [
      "a long prompt",
      400,
      { error: "prompt too long; exceeded max context length by 540451 tokens (ref: 1)" },
      "overflow",
      "request",
    ],
    ["a large body", 413, { error: "Request Entity Too Large (ref: 1)" }, "overflow", "request"],
    [
      "a large page",
      413,
      "<html><head><title>413 Request Entity Too Large</title></head></html>",
      "overflow",
      "request",
    ],
    [
      "Anthropic's words",
      400,
      {
        type: "error",
        error: {
          type: "invalid_request_error",
          message: "prompt is too long: 213462 tokens > 200000 maximum",
        },
      },
      "overflow",
      "request",
    ],
    [
      "input and output together",
      400,
      openai(
        "input length and `max_tokens` exceed context limit: 170636 + 34048 > 200000, decrease input length or max_tokens and try again",
      ),
      "overflow",
      "request",
    ],
    [
      "OpenAI's newer words",
      400,
      openai(
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "context_length_exceeded",
      ),
      "overflow",
      "request",
    ],
    [
      "Gemini's words",
      400,
      [
        {
          error: {
            code: 400,
            message:
              "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
            status: "INVALID_ARGUMENT",
          },
        },
      ],
      "overflow",
      "request",
    ],
    [
      "xAI's words",
      400,
      {
        code: "invalid-argument",
        error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
      },
      "overflow",
      "request",
    ],
    [
      "Mistral's words",
      400,
      {
        object: "error",
        message:
          "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        code: "3051",
      },
      "overflow",
      "request",
    ],
    [
      "Moonshot's words",
      400,
      openai("Invalid request: Your request exceeded model token limit: 262144"),
      "overflow",
      "request",
    ],
    [
      "Copilot's words",
      400,
      openai("prompt token count of 140000 exceeds the limit of 128000", "model_max_prompt_tokens_exceeded"),
      "overflow",
      "request",
    ],
    [
      "DashScope's words",
      400,
      openai("Range of input length should be [1, 258048]", "invalid_parameter_error"),
      "overflow",
      "request",
    ],
    [
      "MiniMax's words",
      400,
      openai("invalid params, context window exceeds limit (2013)"),
      "overflow",
      "request",
    ],
    [
      "TGI's words",
      422,
      {
        error:
          "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8192. Given: 9000 `inputs` tokens",
        error_type: "validation",
      },
      "overflow",
      "request",
    ],
    [
      "LM Studio's words",
      400,
      {
        error:
          "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input",
      },
      "overflow",
      "request",
    ],
    [
      "an overflow a gateway made a 500 of",
      500,
      openai(
        "litellm.BadRequestError: OpenAIException - This model's maximum context length is 8192 tokens.",
      ),
      "overflow",
      "request",
    ],
    [
      "more than a minute allows",
      413,
      openai(
        "Request too large for model `m` in organization `o` on tokens per minute (TPM): Limit 6000, Requested 11000, please reduce your message size and try again.",
        "rate_limit_exceeded",
        "tokens",
      ),
      "overflow",
      "request",
    ],
    [
      "an output limit that no compaction helps",
      400,
      openai(
        "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model",
      ),
      "bad-request",
      "request",
    ],
    [
      "a filtered prompt",
      400,
      {
        error: {
          message:
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
          type: null,
          param: "prompt",
          code: "content_filter",
          status: 400,
          innererror: { code: "ResponsibleAIPolicyViolation" },
        },
      },
      "content-policy",
      "request",
    ],
    [
      "a flagged prompt",
      403,
      {
        error: {
          code: 403,
          message: 'x requires moderation on OpenAI. Your input was flagged for "violence".',
          metadata: { reasons: ["violence"], flagged_input: "rate limit exceeded" },
        },
      },
      "content-policy",
      "request",
    ],
    ["DeepSeek's filter", 400, openai("Content Exists Risk"), "content-policy", "request"],
    [
      "xAI's filter",
      403,
      { code: "permission-denied", error: "Content violates usage guidelines. Failed check: SAFETY_CHECK" },
      "content-policy",
      "request",
    ],
    [
      "a security policy",
      400,
      openai("This request has been refused", "cyber_policy_violation"),
      "content-policy",
      "request",
    ],
    [
      "an unknown value",
      400,
      openai('invalid reasoning value: "xhigh" (must be "high", "medium", "low", "max", or "none")'),
      "bad-request",
      "request",
    ],
    [
      "too many pictures",
      400,
      { message: "At most 1 image(s) may be provided in one request." },
      "bad-request",
      "request",
    ],
    [
      "a model that has no tools",
      400,
      { error: "registry.ollama.ai/library/x does not support tools" },
      "bad-request",
      "request",
    ],
    [
      "no endpoint that has tools",
      404,
      {
        error: {
          message:
            "No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs",
          code: 404,
        },
      },
      "bad-request",
      "request",
    ],
    [
      "a parameter the model does not take",
      400,
      openai(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
      ),
      "bad-request",
      "request",
    ],
    [
      "an item that is not stored",
      404,
      openai("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."),
      "bad-request",
      "request",
    ],
    [
      "a 500 that is the caller's doing",
      500,
      "failed to decode json body: json: cannot unmarshal string",
      "bad-request",
      "request",
    ],
    [
      "a missing session header",
      400,
      { type: "error", error: { type: "MissingSessionID", message: "x-opencode-session is required" } },
      "bad-request",
      "request",
    ],
    [
      "a list of invalid fields",
      422,
      {
        detail: [
          {
            loc: ["body", "messages"],
            msg: "field required",
            type: "value_error.missing",
            input: "rate limit exceeded",
          },
        ],
      },
      "bad-request",
      "request",
    ],
    [
      "the caller's words quoted by a validator",
      400,
      {
        object: "error",
        message:
          "1 validation error:\n {'msg': 'Input should be low', 'input': 'you have reached your weekly usage limit'}",
        code: 400,
      },
      "bad-request",
      "request",
    ],
    [
      "the model's own words in a failed generation",
      400,
      {
        error: {
          message: "Failed to call a function. Please adjust your prompt.",
          code: "tool_use_failed",
          failed_generation: "insufficient balance, too many requests",
        },
      },
      "bad-request",
      "request",
    ],
  ])("%s", (_name, status, body, kind, fault) => {
    expect(verdictOf(status, body)).toMatchObject({ kind, fault });
  });
});

describe("errors inside streams", () => {
  test.each<Row>([
    ["the first line of NDJSON", 200, '{"error":"too many concurrent requests"}\n', "concurrency", "lane"],
    [
      "a later line of NDJSON",
      200,
      '{"model":"m","response":" Yes","done":false}\n{"error":"an error was encountered while running the model"}\n',
      "server-error",
      "attempt",
    ],
    [
      "an event with no choices",
      200,
      'data: {"id":"1","choices":[],"error":{"code":502,"message":"Worker local total request limit reached (33/32)"}}\n\n',
      "overloaded",
      "model",
    ],
    [
      "a choice that ends in an error",
      200,
      'data: {"id":"1","choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":429,"message":"Rate limit exceeded"}}]}\n\n',
      "rate-limit",
      "lane",
    ],
    [
      "a named event",
      200,
      'event: error\ndata: {"type":"error","code":"server_is_overloaded","message":"Our servers are currently overloaded."}\n\n',
      "overloaded",
      "model",
    ],
    ["a named event of plain text", 200, "event: error\ndata: too many requests\n\n", "rate-limit", "lane"],
    [
      "a failed response",
      200,
      'data: {"type":"response.created","response":{"id":"r","error":null}}\n\ndata: {"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"rate_limit_exceeded","message":"Rate limit reached for gpt-5. Please try again in 1.2s."}}}\n\n',
      "rate-limit",
      "lane",
    ],
    [
      "an overload after the opening events",
      200,
      'event: message_start\ndata: {"type":"message_start","message":{"role":"assistant"}}\n\nevent: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
      "overloaded",
      "model",
    ],
  ])("%s", (_name, status, body, kind, fault) => {
    expect(verdictOf(status, body)).toMatchObject({ kind, fault });
  });

  test("an error takes the status it names", () => {
    expect(verdictOf(200, { error: { message: "x", code: 402 } })).toMatchObject({
      kind: "payment",
      status: 402,
    });
  });
});

describe("good answers", () => {
  const message = (content: string) => ({
    id: "1",
    object: "chat.completion",
    choices: [{ message: { role: "assistant", content }, finish_reason: "stop" }],
  });

  test.each<[name: string, body: unknown]>([
    [
      "an answer about subscriptions",
      message("That model requires a subscription. HTTP 429: rate limit exceeded."),
    ],
    ["an answer that quotes an error", message('{"error":{"message":"insufficient balance","code":402}}')],
    ["an answer with an empty error", { ...message("hi"), error: null }],
    [
      "a filtered answer, which is the model's own end",
      { choices: [{ finish_reason: "content_filter", message: { content: null } }] },
    ],
    [
      "a response with no error",
      { object: "response", status: "completed", error: null, output: [{ type: "message" }] },
    ],
    ["a stream's first event", 'data: {"choices":[{"delta":{"content":"event: error"}}]}\n\n'],
    [
      "a native answer",
      {
        model: "m",
        message: { role: "assistant", content: "this model requires a subscription" },
        done: true,
      },
    ],
    ["a native answer that is JSON", { model: "m", response: '{"error":"too many requests"}', done: true }],
    ["the head of a stream with comments only", ": waiting\n\n"],
    ["a fine envelope of MiniMax", { ...message("ok"), base_resp: { status_code: 0, status_msg: "" } }],
  ])("%s", (_name, body) => {
    expect(verdictOf(200, body)).toBeUndefined();
  });

  test("a listing is no answer and still good", () => {
    expect(
      verdictOf(200, { object: "list", data: [{ id: "error" }] }, { expectsAnswer: false }),
    ).toBeUndefined();
    expect(verdictOf(200, "anything at all: rate limit", { expectsAnswer: false })).toBeUndefined();
  });

  test("whatever a model writes, a completed answer is never an error", () => {
    const anyContent = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '"error": {"code": 429}',
        "event: error\ndata: {}",
        '{"error":"x"}',
        '\\"error\\"',
        "data: [DONE]",
      ),
      fc.json(),
    );
    const wrap: ((content: string) => string)[] = [
      (content) => JSON.stringify(message(content)),
      (content) => JSON.stringify({ ...message(content), error: null }),
      (content) =>
        JSON.stringify({
          object: "response",
          status: "completed",
          error: null,
          output: [{ type: "message", content: [{ type: "output_text", text: content }] }],
        }),
      (content) =>
        JSON.stringify({ type: "message", role: "assistant", content: [{ type: "text", text: content }] }),
      (content) => JSON.stringify({ model: "m", response: content, done: true }),
      (content) =>
        `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`,
      (content) =>
        JSON.stringify({
          choices: [{ message: { tool_calls: [{ function: { name: "f", arguments: content } }] } }],
        }),
    ];
    fc.assert(
      fc.property(anyContent, fc.constantFrom(...wrap), fc.boolean(), (content, form, isWhole) => {
        expect(verdictOf(200, form(content), { isWhole })).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});

describe("answers that are none", () => {
  test.each<[name: string, body: unknown, rule: string]>([
    ["an empty body", "", "no-answer"],
    [
      "a page",
      "<html><head><title>Welcome</title></head><body>requires a subscription</body></html>",
      "no-answer",
    ],
    ["a stranger's JSON", { hello: "world" }, "no-answer"],
    ["a stream without an end", 'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n', "answer-cut"],
    [
      "native lines without an end",
      '{"message":{"content":"a"},"done":false}\n{"message":{"content":"b"},"done":false}\n',
      "answer-cut",
    ],
    ["a stream of comments", ": waiting\n\n", "no-answer"],
  ])("%s", (_name, body, rule) => {
    const verdict = verdictOf(200, body, { isWhole: true });
    expect(verdict).toMatchObject({ kind: "server-error", fault: "attempt", rule });
  });
});

describe("a user's own rules", () => {
  const rules: UserRule[] = [
    { provider: "work", text: "Pool is DRAINED", verdict: "overloaded" },
    { status: 418, verdict: "quota" },
    { regex: /grumpy \d+/g, verdict: "bad-request" },
  ];
  const withRules = (one: Reply) => classify(one, { userRules: rules, nowMs: NOW });

  test("come before ours, in their order", () => {
    expect(withRules(reply(401, { error: "pool is drained" }, { provider: "work" }))).toMatchObject({
      kind: "overloaded",
      fault: "attempt",
      rule: "your rule 1",
    });
  });

  test("speak only where all their conditions hold", () => {
    expect(withRules(reply(401, { error: "pool is drained" }))).toMatchObject({ kind: "auth" });
    expect(withRules(reply(418, "teapot"))).toMatchObject({ kind: "quota", fault: "key" });
  });

  test("see words under fields we do not know, every time", () => {
    for (let time = 0; time < 3; time++)
      expect(withRules(reply(500, { mood: "grumpy 7" }))).toMatchObject({ kind: "bad-request" });
  });

  test("do not touch a good answer", () => {
    const answer = { choices: [{ message: { content: "pool is drained, grumpy 7" } }] };
    expect(withRules(reply(200, answer, { provider: "work" }))).toBeUndefined();
  });
});

describe("what else a verdict carries", () => {
  test("a declared wait", () => {
    const headers = new Headers({ "retry-after": "7" });
    expect(verdictOf(429, { error: "slow down" }, { headers })?.waitMs).toBe(7000);
  });

  test("no wait where nobody rests", () => {
    const headers = new Headers({ "retry-after": "7" });
    expect(verdictOf(400, { error: "nonsense" }, { headers })?.waitMs).toBeUndefined();
  });

  test("the end of a window that Ollama names", () => {
    const body = { error: "you (someone) have reached your weekly usage limit, upgrade for higher limits" };
    expect(verdictOf(429, body)?.waitMs).toBe(Date.UTC(2026, 9, 12) - NOW);
  });

  test("no minute's wait for a day's quota", () => {
    const body = {
      error: {
        code: 429,
        message: "Quota exceeded",
        details: [{ violations: [{ quotaId: "GenerateRequestsPerDayPerModel" }] }, { retryDelay: "34s" }],
      },
    };
    expect(verdictOf(429, body)).toMatchObject({ kind: "quota", waitMs: undefined });
  });

  test("the words of the upstream behind a gateway", () => {
    const body = {
      error: {
        message: "Provider returned error",
        code: 400,
        metadata: { raw: '{"error":{"message":"bad tool schema"}}' },
      },
    };
    expect(verdictOf(400, body)?.message).toBe("bad tool schema");
  });

  test("a sentence of our own where the provider gave none", () => {
    expect(verdictOf(410, "")?.message).toBe("The service answered 410 and gave no reason.");
  });

  test("a missing scope for combos that leaves chat alone", () => {
    const more = { path: "/api/combos", expectsAnswer: false };
    expect(verdictOf(403, { error: "Invalid token" }, more)).toMatchObject({
      kind: "forbidden",
      fault: "request",
    });
  });

  test("no model blamed for a file that is not there", () => {
    expect(verdictOf(404, { error: "no such file" }, { expectsAnswer: false })).toMatchObject({
      fault: "request",
    });
  });

  test("a short line, whatever came", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `{"error":"${text}`),
        ),
        fc.integer({ min: 400, max: 599 }),
        (body, status) => {
          const verdict = verdictOf(status, body);
          expect(verdict?.message.length).toBeLessThanOrEqual(300);
          expect(verdict?.message).toMatch(/^[^\n\r]+$/);
        },
      ),
    );
  });
});
