import type { Call } from "./call.ts";
import type { Answer } from "./reply.ts";
import { tokensOf } from "./tokens.ts";

/** Roughly four bytes of a request make a token. */
const BYTES_PER_TOKEN = 4;

/** What the answer says it cost: the script's own figures, else what was really asked and sent. */
export function usageOf(answer: Answer, call: Call): { input: number; output: number } | null {
  if (answer.usage !== undefined) return answer.usage;
  const pieces = [answer.text, answer.reasoning ?? [], ...(answer.toolCalls ?? []).map((t) => t.arguments)];
  return {
    input: Math.ceil(call.body.length / BYTES_PER_TOKEN),
    output: pieces.reduce((sum, piece) => sum + tokensOf(piece).length, 0),
  };
}
