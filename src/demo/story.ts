import type { Call } from "./call.ts";
import { outcomeOf } from "./outcome.ts";
import type { Reply } from "./reply.ts";

/** One line for one call, e.g. `key work · gpt-oss:120b · 401 unauthorized`. It holds no secret. */
export function storyLine(call: Call, reply: Reply): string {
  const who = call.dialect === undefined ? `${call.method} ${call.path}` : `key ${call.keyName || "unknown"}`;
  const parts = [who, call.model, outcomeOf(reply).what, call.isTitle ? "for the session's title" : ""];
  return parts.filter((part) => part !== "").join(" · ");
}
