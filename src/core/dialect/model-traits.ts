/** What differs between models and services of one dialect, as far as a request has to respect it. */
export interface ModelTraits {
  /** Whose reasoning it is: only models of the same family take it back with its signature. */
  family: string;
  /**
   * Earlier reasoning: `signed` is accepted only with the provider's own signature, `text` is accepted as plain text,
   * `none` is left out.
   */
  reasoning: "signed" | "text" | "none";
  /** Whether every turn with calls must begin with reasoning, even if it is empty. */
  needsReasoning: boolean;
  /** How reasoning is turned on: `adaptive` with an effort, or `budget` with a number of tokens. */
  thinking: "adaptive" | "budget";
  /** How reasoning is turned off; undefined if it cannot be. */
  thinkingOff: "disabled" | "between_tools" | undefined;
  /** Which of `temperature` and `top_p` it accepts. */
  sampling: "both" | "one" | "none";
  /** Whether a call can be forced. */
  canForceCalls: boolean;
  /** Whether nothing is cached without marks. */
  needsCacheMarks: boolean;
  /** Whether a system message may follow a user's message. */
  takesLateSystem: boolean;
  /** Whether it is the service that Claude Code's own header block is for. */
  takesBillingBlock: boolean;
}

const OTHERS: ModelTraits = {
  family: "",
  reasoning: "none",
  needsReasoning: false,
  thinking: "budget",
  thinkingOff: "disabled",
  sampling: "both",
  canForceCalls: true,
  needsCacheMarks: false,
  takesLateSystem: true,
  takesBillingBlock: false,
};

/** Services with a family of their own, by provider id or host. Sources: docs/PROVIDERS.md. */
const SERVICES: readonly [match: RegExp, traits: Partial<ModelTraits>][] = [
  [/deepseek/, { family: "deepseek", reasoning: "text", needsReasoning: true }],
  [/kimi|moonshot/, { family: "kimi", reasoning: "text" }],
  [/minimax/, { family: "minimax", reasoning: "text", needsCacheMarks: true, takesLateSystem: false }],
  [/(?:^|[^a-z])z-?ai|zhipu|bigmodel/, { family: "glm", reasoning: "text" }],
  [/xiaomi|mimo/, { family: "mimo", reasoning: "text" }],
];

/** `claude-opus-4-7`, `claude-3-7-sonnet`, `anthropic/claude-sonnet-4.5` and dated forms. */
const CLAUDE = /claude-(?:([a-z]+)-)?(\d+)(?:[-.](\d{1,2}))?(?!\d)/i;

/** The traits of a model at a provider. */
export function traitsOf({ id, baseUrl }: { id: string; baseUrl: string }, model: string): ModelTraits {
  const host = URL.parse(baseUrl)?.host ?? "";
  const isAnthropic = id === "anthropic" || host.endsWith("anthropic.com");
  if (isAnthropic || CLAUDE.test(model)) return claudeTraits(model, isAnthropic);
  const service = SERVICES.find(([match]) => match.test(id) || match.test(host));
  return { ...OTHERS, family: id, ...service?.[1] };
}

function claudeTraits(model: string, isAnthropic: boolean): ModelTraits {
  const [, name = "", major = "5", minor = "0"] = CLAUDE.exec(model) ?? [];
  const version = Number(major) + Number(minor) / 100;
  const isLatest = version >= 5.05 || (name === "fable" && version >= 5);
  return {
    ...OTHERS,
    family: "anthropic",
    reasoning: "signed",
    thinking: version >= 4.06 ? "adaptive" : "budget",
    thinkingOff: thinkingOff(name, version),
    sampling: version >= 5 || (name === "opus" && version >= 4.07) ? "none" : "one",
    canForceCalls: !isLatest || name === "haiku" || (name === "fable" && version < 5.01),
    needsCacheMarks: true,
    takesLateSystem: isAnthropic,
    takesBillingBlock: isAnthropic,
  };
}

function thinkingOff(name: string, version: number): ModelTraits["thinkingOff"] {
  if (name === "fable" && version >= 5) return undefined;
  if (version < 5.05 || name === "haiku") return "disabled";
  return name === "sonnet" ? "between_tools" : undefined;
}

/** The traits of a model of which nothing is known. */
export const UNKNOWN_MODEL: ModelTraits = OTHERS;

const MARK = /^orouter\.1\.([a-z0-9_-]*)\.([A-Za-z0-9_-]*)$/i;

/** The signature of reasoning that its own provider did not sign for this client. `own` is the provider's, if there is one. */
export function markReasoning(family: string, own = ""): string {
  return `orouter.1.${family.replace(/[^a-z0-9_-]/gi, "-")}.${Buffer.from(own).toString("base64url")}`;
}

/** The family and the provider's own signature in a mark; undefined for any other signature. */
export function readMark(signature: string): { family: string; data: string } | undefined {
  const [, family, own] = MARK.exec(signature) ?? [];
  if (family === undefined || own === undefined) return undefined;
  return { family, data: Buffer.from(own, "base64url").toString() };
}
