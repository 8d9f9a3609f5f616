import { repairFinish } from "../dialect/hub-answer.ts";
import { DEFAULT_DIALECT, type Dialect, dialectSpec } from "../dialect/registry.ts";
import { CHAIN_PROVIDER } from "../model-ref.ts";
import {
  type ClientProfile,
  type ErrorReply,
  type FinalFailure,
  firstHeader,
  type ModelSources,
} from "./client-profile.ts";

/** The provider whose own model ids Claude Code uses. */
const VENDOR = "anthropic";

const FAMILIES = ["opus", "sonnet", "haiku"] as const;
type Family = (typeof FAMILIES)[number];

/**
 * The config.toml entry of the family, else the first chain. Undefined if Claude Code's own model ids work as they are,
 * or if there is no chain.
 */
export function claudeModel(family: Family, { settings, hasKey }: ModelSources): string | undefined {
  const { [family]: own, model } = settings.agents.claude;
  if (own !== undefined || model !== undefined) return own ?? model;
  const [chain] = Object.keys(settings.chains);
  return hasKey(VENDOR) || chain === undefined ? undefined : `${CHAIN_PROVIDER}/${chain}`;
}

/** For `claude-opus-5-5` and similar, which sub-agents and plugins name in full. */
function modelNamed(name: string, sources: ModelSources): string {
  if (!name.startsWith("claude-") || Object.hasOwn(sources.settings.chains, name)) return name;
  const family = FAMILIES.find((one) => name.includes(one)) ?? "opus";
  return claudeModel(family, sources) ?? (sources.hasKey(VENDOR) ? `${VENDOR}/${name}` : name);
}

/** Statuses below 500 that Claude Code retries, or misinterprets. */
const MISREAD = new Set([401, 403, 404, 408, 409, 413, 429]);

/** Claude Code shows this status at once; a 400 makes it send up to six variants of the request first. */
const FINAL_STATUS = 402;

/**
 * Claude Code, measured on 2.1.332. After an error inside a stream it removes what it has shown and repeats the request
 * once without streaming, whatever the error says.
 */
export const claude: ClientProfile = {
  name: "claude",
  isAgent: true,
  brokenInARow: 4,
  askAgainAfterOutput: true,
  finalError,
  // It compacts the conversation on these words, and ends by itself if that does not help.
  overflow: ({ message }, dialect) =>
    reply({
      status: 400,
      type: "invalid_request_error",
      message: /prompt is too long/i.test(message) ? message : `prompt is too long: ${message}`,
      dialect,
    }),
  passedStatus: (status) => (status >= 500 || MISREAD.has(status) ? FINAL_STATUS : status),
  finalEvent: (message, dialect) => errorEvent(message, "billing_error", dialect),
  askAgainEvent: (message, dialect) => errorEvent(message, "overloaded_error", dialect),
  settleFinish: repairFinish,
  sessionId: (headers) => firstHeader(headers, ["x-claude-code-session-id"]),
  modelNamed,
};

function finalError({ why, message }: FinalFailure, dialect: Dialect | undefined): ErrorReply {
  // A refused request may pass in one of its variants; a full proxy has room again in a moment.
  if (why === "refused") return reply({ status: 400, type: "invalid_request_error", message, dialect });
  if (why === "too-many-open") return reply({ status: 529, type: "overloaded_error", message, dialect });
  const final = reply({ status: FINAL_STATUS, type: "billing_error", message, dialect });
  return { ...final, headers: { "x-should-retry": "false" } };
}

interface ReplyParts {
  status: number;
  type: string;
  message: string;
  dialect: Dialect | undefined;
}

function reply({ status, type, message, dialect }: ReplyParts): ErrorReply {
  const body = dialectSpec(dialect ?? DEFAULT_DIALECT).errorBody({ message, type, code: null });
  return { status, headers: {}, body };
}

function errorEvent(message: string, type: string, dialect: Dialect): string {
  return dialectSpec(dialect).errorEvent({ message, type, code: null });
}
