import { type Dialect, dialectSpec } from "../core/dialect/registry.ts";
import { asObject, parseJson } from "../core/json.ts";

export interface Failure {
  keyName: string;
  model: string;
  /** For example "401 unauthorized". */
  what: string;
}

export interface Asked {
  method: string;
  path: string;
  /** The bearer secret, "" if there is none. */
  key: string;
  model: string;
  /** Undefined if the path is not a completion endpoint, e.g. `/v1/models`. */
  dialect: Dialect | undefined;
  /** opencode's parallel request for a session title; counted separately, so that scripts stay in step. */
  isTitle: boolean;
  wantsStream: boolean;
  /** The caller asked for usage, which the chat dialect streams only on request. */
  wantsUsage: boolean;
  hasTools: boolean;
  /** The role of the last message; `assistant` means a prefill. */
  lastRole: string;
  headers: Headers;
  body: string;
  atMs: number;
}

/** Counts for scripts. Only completion requests count, and titles separately. */
export interface Standing {
  /** The name of the key in the scene, "" if unknown. */
  keyName: string;
  /** Requests with this key for this model, including this one. */
  nth: number;
  nthOfModel: number;
  nthOfAll: number;
  /** 1 for the first key that requested this model, 2 for the second, …, titles included. */
  keyNumber: number;
  /** Requests with this key in progress, including this one. */
  inFlight: number;
  /** Since the first request for this model. */
  sinceFirstMs: number;
  /** Failures since the last complete answer, oldest first. */
  failures: readonly Failure[];
}

export type Call = Asked & Standing;

const TITLE_PROMPT = /title generator|generate a (?:brief |short )?title/i;

/** A body that is not a JSON object yields empty fields. */
export function readAsked(
  parts: Pick<Asked, "method" | "path" | "headers" | "body" | "atMs">,
  dialect: Dialect | undefined,
): Asked {
  const body = asObject(parseJson(parts.body));
  const tools = body["tools"];
  const hasTools = Array.isArray(tools) && tools.length > 0;
  return {
    ...parts,
    key: parts.headers.get("authorization")?.replace(/^bearer\s+/i, "") ?? "",
    model: typeof body["model"] === "string" ? body["model"] : "",
    dialect,
    isTitle: dialect !== undefined && !hasTools && TITLE_PROMPT.test(parts.body),
    wantsStream: body["stream"] === true,
    wantsUsage: dialect !== undefined && dialectSpec(dialect).readRequest(body, []).wantsUsage,
    hasTools,
    lastRole: lastRole(body["messages"] ?? body["input"]),
  };
}

function lastRole(messages: unknown): string {
  if (typeof messages === "string") return "user";
  const last = asObject(Array.isArray(messages) ? messages.at(-1) : undefined);
  // Tool results in the responses dialect have no role.
  if (last["type"] === "function_call_output") return "tool";
  return typeof last["role"] === "string" ? last["role"] : "";
}

/** Words keep their trailing space, so that joining them restores the text. */
export function tokensOf(text: string | string[]): string[] {
  return typeof text === "string" ? (text.match(/\s*\S+\s*/g) ?? (text === "" ? [] : [text])) : text;
}

/** Every failover scenario is measured against this answer of sixty tokens. */
export const CANONICAL_TEXT = [
  "A lighthouse keeper once kept three lamps instead of one.",
  "When the first lamp burned low, the second was already lit,",
  "and when the wind took the second, the third shone on.",
  "The ships at sea never learned which lamp had guided them.",
  "They knew that every night, whatever the weather did,",
  "the light stayed where they looked for it.",
].join(" ");
