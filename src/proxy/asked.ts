import { choicesIn, hasToolsIn, mayAnswerNothing } from "../core/stream/asked.ts";
import type { Asked, GateFailure } from "../core/stream/gate-step.ts";
import type { ModelRequest } from "./model-request.ts";

/**
 * Empty answers after which a request without tools believes the next one: two providers that have nothing to say mean
 * it. An agent's turn without a word and a call is never meant.
 */
const BELIEVED_EMPTY = 1;

/** Calls that could not be read after which the next is passed on: the model cannot do better, and the agent can say so. */
const BELIEVED_BAD_CALLS = 2;

/** What a request says about the ends that its answers may have. */
export function askedOf(request: ModelRequest): Asked {
  const { body, profile } = request;
  const hasTools = (): boolean => body !== undefined && hasToolsIn(body);
  return {
    choices: () => {
      request.choices ??= body === undefined ? 1 : choicesIn(body);
      return request.choices;
    },
    mayBeEmpty: () =>
      body === undefined ||
      mayAnswerNothing(body) ||
      (!profile.isAgent && (request.flaws?.hollow ?? 0) >= BELIEVED_EMPTY && !hasTools()),
    mayHaveBadCalls: () => (request.flaws?.badCalls ?? 0) >= BELIEVED_BAD_CALLS,
    takesCalls: hasTools,
  };
}

/** Counts the answers that say nothing or call tools with what is no JSON. */
export function noteFlaw(request: ModelRequest, kind: GateFailure["kind"]): void {
  if (kind !== "hollow" && kind !== "bad-call") return;
  const { hollow, badCalls } = request.flaws ?? { hollow: 0, badCalls: 0 };
  request.flaws = kind === "hollow" ? { hollow: hollow + 1, badCalls } : { hollow, badCalls: badCalls + 1 };
}
