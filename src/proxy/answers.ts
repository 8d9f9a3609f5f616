import type { AnswerProgress } from "../core/routing/answer-progress.ts";

/** The answers under way. How far each has come is found out only when somebody asks. */
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
