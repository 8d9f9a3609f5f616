import { formatModelRef } from "../core/model-ref.ts";
import type { AnswerProgress } from "../core/routing/answer-progress.ts";
import type { Lease } from "./lease.ts";
import type { ModelRequest } from "./model-request.ts";

/** What is said of a call on a lane that has come this far. */
export function progressOf(
  { id, sessionId, asked }: Pick<ModelRequest, "id" | "sessionId" | "asked">,
  { key, ref, startedMs }: Lease,
  step: Pick<AnswerProgress, "phase" | "tool" | "chars">,
): AnswerProgress {
  return {
    id,
    session: sessionId ?? null,
    asked,
    model: formatModelRef(ref),
    key: key.name,
    fingerprint: key.fingerprint,
    ...step,
    sinceMs: startedMs,
  };
}

/** The calls to providers under way. How far each has come is found out only when somebody asks. */
export class Answers {
  readonly #all = new Set<() => AnswerProgress>();

  /** Returns the way to leave. */
  add(progress: () => AnswerProgress): () => void {
    this.#all.add(progress);
    return () => this.#all.delete(progress);
  }

  /** The oldest first. */
  list(): AnswerProgress[] {
    return [...this.#all].map((progress) => progress());
  }
}
