import { type Dialect, dialectSpec } from "../core/dialect/registry.ts";
import { asObject, parseJson } from "../core/json.ts";

/** One failed try, in words a person can read. */
export interface Failure {
  keyName: string;
  model: string;
  /** For example "401 unauthorized". */
  what: string;
}

/** What one request says by itself. */
export interface Asked {
  method: string;
  path: string;
  /** The bearer secret, "" if none. */
  key: string;
  model: string;
  /** Undefined when the path asks for no answer, e.g. `/v1/models`. */
  dialect: Dialect | undefined;
  /** opencode's parallel request for a session title; it has its own count, so that scripts stay in step. */
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

/** Where a call stands among the others. Only calls for an answer are counted, titles apart from the rest. */
export interface Standing {
  /** The name of the key in the scene, "" for an unknown one. */
  keyName: string;
  /** Calls with this key for this model, this one included. */
  nth: number;
  nthOfModel: number;
  nthOfAll: number;
  /** 1 for the first key that ever asked for this model, 2 for the second, …, titles included. */
  keyNumber: number;
  /** Calls with this key that are being answered right now, this one included. */
  inFlight: number;
  /** Since the first call for this model. */
  sinceFirstMs: number;
  /** What failed since the last good answer, oldest first. */
  failures: readonly Failure[];
}

/** One call that reached the scripted upstream. */
export type Call = Asked & Standing;

const TITLE_PROMPT = /title generator|generate a (?:brief |short )?title/i;

/** Reads what a request asks for. A body that is not a JSON object asks for nothing. */
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
  // The responses dialect has no role on a tool's result.
  if (last["type"] === "function_call_output") return "tool";
  return typeof last["role"] === "string" ? last["role"] : "";
}

/** Cuts a text into words that keep the space behind them, so that joining them gives the text back. */
export function tokensOf(text: string | string[]): string[] {
  return typeof text === "string" ? (text.match(/\s*\S+\s*/g) ?? (text === "" ? [] : [text])) : text;
}

/** The one answer that every failover scenario is measured against: sixty tokens, the same each time. */
export const CANONICAL_TEXT = [
  "A lighthouse keeper once kept three lamps instead of one.",
  "When the first lamp burned low, the second was already lit,",
  "and when the wind took the second, the third shone on.",
  "The ships at sea never learned which lamp had guided them.",
  "They knew that every night, whatever the weather did,",
  "the light stayed where they looked for it.",
].join(" ");
