import { STATUS_CODES } from "node:http";
import { counted } from "../core/counted.ts";
import type { Answer, Reply } from "./reply.ts";
import { tokensOf } from "./tokens.ts";

/** A reply in a few words: what the caller sees, and whether it is a whole answer. */
export interface Outcome {
  isWhole: boolean;
  what: string;
}

/** Says what a reply comes to, for the story on the terminal and for the answers that tell it. */
export function outcomeOf(reply: Reply): Outcome {
  switch (reply.kind) {
    case "answer":
      return answerOutcome(reply);
    case "error":
      return {
        isWhole: false,
        what: `${reply.status} ${reply.label ?? STATUS_CODES[reply.status]?.toLowerCase() ?? "no good"}`,
      };
    case "raw":
      return { isWhole: false, what: `${reply.status} odd body` };
    case "models":
      return { isWhole: true, what: `200 ${reply.ids.length} models` };
    case "hang":
      return { isWhole: false, what: "silence" };
    case "reset":
      return { isWhole: false, what: "connection reset" };
  }
}

const CUT_WORDS = {
  reset: "connection reset",
  close: "connection closed",
  stall: "silence",
  end: "early end",
  "error-event": "error event",
} as const;

function answerOutcome(answer: Answer): Outcome {
  if (answer.cut) {
    const { how, afterTokens } = answer.cut;
    return { isWhole: false, what: `200, then ${CUT_WORDS[how]} after ${counted(afterTokens, "token")}` };
  }
  const tools = answer.toolCalls?.map((tool) => `call of ${tool.name}`) ?? [];
  const said =
    tools.length > 0 ? tools.join(", ") : `answer of ${counted(tokensOf(answer.text).length, "token")}`;
  return { isWhole: true, what: `200 ${said}` };
}
