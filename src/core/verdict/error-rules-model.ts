import { anyOf } from "./any-of.ts";
import type { ErrorRule } from "./error-rule.ts";

/** "model 'x' not found" in its many forms. The id is one word, so that no other subject can slip in between. */
const NAMED_MODEL_GONE = anyOf(
  /\bmodel:? (?:id )?[`'"]?[\w./:@+-]+[`'"]? (?:was |is |has been )?not (?:found|supported|available|valid|recognized)/,
  /\bmodel:? (?:id )?[`'"]?[\w./:@+-]+[`'"]? (?:does not|doesn't|could not be|cannot be|not) (?:exist|found)/,
  /\bmodel:? (?:id )?[`'"]?[\w./:@+-]+[`'"]? (?:was |is |has been )?(?:unavailable|unknown|invalid|no longer)/,
  /\bmodel:? (?:id )?[`'"]?[\w./:@+-]+[`'"]? (?:was |is |has been )?(?:deprecated|retired|removed|decommissioned)/,
);

/** Models that are gone, never were, or are not for this account. */
export const modelRules: readonly ErrorRule[] = [
  {
    id: "not-for-account",
    source: "Alishahryar1/free-claude-code#1021",
    text: /not found for account/i,
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
    // OpenAI's form comes first: it cannot tell the two apart, and mostly it is a wrong name.
    id: "unknown-or-no-access",
    source: "OpenAI: a public file",
    text: /does not exist or you (?:do not|don't) have access/i,
    verdict: "model-not-found",
  },
  {
    id: "no-access-to-model",
    source: "OpenAI, LiteLLM, Together",
    text: anyOf(
      /(?:not|n't|no) (?:have )?(?:access|allowed|authorized|permitted|entitled|permission)\b.{0,40}\bmodels?\b/,
      /model .{0,80}(?:is )?not (?:allowed|enabled|permitted) for/,
      /unable to access (?:non-serverless )?model/,
      /access to (?:this |the )?model (?:is )?(?:denied|restricted)|gated repo/,
    ),
    notStatus: [429],
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
      /model_not_found|end of life|has been decommissioned|no endpoints found for/,
      /no longer (?:available|supported)\b.{0,60}\bmodel|with on-demand throughput/,
      /^404 page not found|models?\/\S+ is not found for api version/,
      /模型.{0,12}(?:不存在|未找到|已下线|不可用)/,
    ),
    // A parameter the model does not take leaves the model where it is.
    unless: anyOf(
      /not supported (?:with|by|for|in) (?:this|the) model|with this model\b/,
      /unsupported (?:parameter|value)/,
    ),
    notStatus: [413, 429],
    verdict: "model-not-found",
  },
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
];
