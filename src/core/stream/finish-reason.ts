/** What came of an answer before it ended. */
export interface Produced {
  text: boolean;
  toolCall: boolean;
}

/** How a finish reason reaches the client; `failed` where the end contradicts what came before. */
export type Finish =
  | { kind: "as-is" }
  | { kind: "rewrite"; reason: string }
  | { kind: "failed"; why: string };

/** Decides how a finish reason reaches the client. */
export type SettleFinish = (reason: string, produced: Produced) => Finish;

const KNOWN = new Set(["stop", "length", "tool_calls", "content_filter", "function_call"]);

/**
 * Each end that an agent would stumble over is turned into the one that was meant, or into a failure: opencode 1 asks
 * again without end, several times a second, when an answer ends in a reason it does not know, or in `tool_calls`
 * without a call.
 */
export function repairFinish(reason: string, produced: Produced): Finish {
  if (reason === "stop" && produced.toolCall) return { kind: "rewrite", reason: "tool_calls" };
  return standardFinish(reason, produced);
}

/** Reasons outside of the dialect become the one that was meant; `stop` behind a forced tool call is within it. */
export function standardFinish(reason: string, produced: Produced): Finish {
  if (reason === "error") return { kind: "failed", why: "the answer ended with finish_reason error" };
  if (reason === "tool_calls" || reason === "function_call") {
    if (produced.toolCall) return { kind: "as-is" };
    if (produced.text) return { kind: "rewrite", reason: "stop" };
    return { kind: "failed", why: "the answer ended in a tool call without one" };
  }
  if (KNOWN.has(reason)) return { kind: "as-is" };
  return { kind: "rewrite", reason: meantBy(reason, produced) };
}

/** Other vocabularies: `max_tokens`, `MAX_TOKENS`, `SAFETY`, `tool_use`, `end_turn`, `eos`, … */
function meantBy(reason: string, produced: Produced): string {
  if (/length|max/i.test(reason)) return "length";
  if (/filter|safety|blocked|prohibited/i.test(reason)) return "content_filter";
  return produced.toolCall ? "tool_calls" : "stop";
}
