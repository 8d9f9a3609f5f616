import type { ErrorRule } from "./error-rule.ts";
import { accessRules, edgeRules, modelRules, pathRules } from "./error-rules-access.ts";
import { accountRules } from "./error-rules-account.ts";
import { limitRules, loadRules } from "./error-rules-load.ts";
import { exceptionRules, requestRules } from "./error-rules-request.ts";
import { subjectRules } from "./error-rules-subject.ts";

/** Statuses without meaning: none, or a gateway's own. Only here do codes count that merely repeat a status. */
const VAGUE = [0, 400, 500, 502, 503];

/** Codes, for replies whose words match no rule. */
const codeRules: readonly ErrorRule[] = [
  {
    id: "model-not-found-code",
    source: "OpenAI, groq, GitHub, Mistral, Amazon Q, OpenCode Zen",
    codes: [
      "model_not_found",
      "model_notfound",
      "modelnot_found",
      "modelnotfound",
      "model_decommissioned",
      "model_not_supported",
      "model_deprecated",
      "unknown_model",
      "invalid_model_id",
      "invalid_model",
      "ModelError",
      "ModelNotFoundError",
    ],
    verdict: "model-not-found",
  },
  {
    id: "overloaded-code",
    source: "Anthropic, OpenAI Codex, Cerebras, Moonshot, Mistral, Z.AI, OpenRouter",
    codes: [
      "overloaded_error",
      "ServerOverloaded",
      "server_is_overloaded",
      "engine_overloaded_error",
      "queue_exceeded",
      "model_overloaded",
      "provider_unavailable",
      "service_unavailable_error",
      "service_unavailable",
      "slow_down",
      "1305",
      "1312",
      "3505",
      "UNAVAILABLE",
      "ServiceUnavailableException",
      "ServiceUnavailable",
    ],
    verdict: "overloaded",
    fault: "model",
  },
  {
    id: "concurrency-code",
    source: "Z.AI reference",
    codes: ["1302"],
    status: [429],
    verdict: "concurrency",
  },
  {
    id: "rate-limit-code",
    source: "OpenAI, Anthropic, Bedrock, gRPC, MiniMax",
    codes: [
      "rate_limit_exceeded",
      "rate_limit_error",
      "rate_limit_reached",
      "rate_limit_reached_error",
      "too_many_requests",
      "too_many_requests_error",
      "RateLimitExceeded",
      "RateLimitReached",
      "RateLimitError",
      "RESOURCE_EXHAUSTED",
      "base_resp:1002",
      "base_resp:1041",
      "base_resp:2045",
    ],
    notStatus: [401, 402, 403, 404, 413],
    verdict: "rate-limit",
  },
  {
    id: "throttling-code",
    source: "Bedrock, DashScope",
    code: /^Throttling/i,
    notStatus: [401, 403, 404, 413],
    verdict: "rate-limit",
  },
  {
    id: "auth-code",
    source: "Anthropic, gRPC",
    codes: ["authentication_error", "UNAUTHENTICATED", "unauthorized"],
    status: VAGUE,
    verdict: "auth",
  },
  {
    id: "permission-code",
    source: "Anthropic, gRPC, xAI",
    codes: ["permission_error", "PERMISSION_DENIED", "permission-denied"],
    status: VAGUE,
    verdict: "forbidden",
  },
  {
    id: "not-found-code",
    source: "Anthropic, gRPC",
    codes: ["not_found_error", "NOT_FOUND"],
    status: [0, 400],
    verdict: "model-not-found",
  },
  {
    id: "timeout-code",
    source: "Anthropic, gRPC, MiniMax",
    codes: ["timeout_error", "DEADLINE_EXCEEDED", "timeout", "base_resp:1001"],
    status: VAGUE,
    verdict: "timeout",
  },
  {
    id: "bad-request-code",
    source: "OpenAI, gRPC, MiniMax",
    codes: [
      "invalid_request_error",
      "INVALID_ARGUMENT",
      "FAILED_PRECONDITION",
      "base_resp:2013",
      "base_resp:1042",
    ],
    status: [0],
    verdict: "bad-request",
  },
];

/**
 * The first match counts. The order matters: exceptions before the families they resemble; request faults before limits
 * ("Request too large … TPM"); per-minute limits before quotas (Cerebras says "quota" for a minute); known words before
 * named subjects; words before codes, because gateways derive codes from the status.
 */
export const errorRules: readonly ErrorRule[] = [
  ...exceptionRules,
  ...edgeRules,
  ...requestRules,
  ...limitRules,
  ...accountRules,
  ...accessRules,
  ...pathRules,
  ...modelRules,
  ...subjectRules,
  ...loadRules,
  ...codeRules,
];
