import { asArray, asObject, isObject, type JsonObject } from "../dialect/json-object.ts";
import type { Continuation, Continued, MatchState, TextMatch } from "./continuation.ts";
import { sseBytes } from "./sse.ts";
import type { ChoiceMeaning } from "./stream-events.ts";

/** In a chat every chunk stands for itself: what is not wanted is taken out of it. */
export class ChatContinuation implements Continuation {
  readonly items = undefined;
  readonly #match: TextMatch;

  constructor(match: TextMatch) {
    this.#match = match;
  }

  get state(): MatchState {
    return this.#match.state;
  }

  admit(event: JsonObject, bytes: Uint8Array, choice: ChoiceMeaning | undefined): Continued {
    // A count of tokens, say.
    if (choice === undefined) return { bytes, text: "" };
    const text = this.#match.newIn(choice.text);
    if (choice.calls.length > 0 || choice.hasOther || choice.index !== 0) this.#match.diverge();
    if (this.state === "on" && text === choice.text && !choice.hasReasoning && !choice.isSealed)
      return { bytes, text };
    const isWanted = text !== "" || choice.calls.length > 0 || choice.finish !== undefined;
    return { bytes: isWanted ? sseBytes(withDelta(event, { content: text })) : undefined, text };
  }
}

/** The same chunk with nothing in it but this text and the pieces of calls. */
function withDelta(chunk: JsonObject, { content }: { content: string }): JsonObject {
  const [choice] = asArray(chunk["choices"]).map(asObject);
  const { tool_calls: calls, function_call: old, role } = asObject(choice?.["delta"]);
  const delta = {
    ...(role === undefined ? {} : { role }),
    ...(content === "" ? {} : { content }),
    ...(calls === undefined ? {} : { tool_calls: calls }),
    ...(isObject(old) ? { function_call: old } : {}),
  };
  return { ...chunk, choices: [{ ...choice, delta }] };
}
