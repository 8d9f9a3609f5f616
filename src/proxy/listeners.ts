import type { RouterEvent } from "../core/routing/router-event.ts";

type Listener = (event: RouterEvent) => void;

/** Those who listen at the router's side. Their failures are their own: one that throws is told nothing more. */
export class Listeners {
  readonly #all = new Set<Listener>();

  /** Returns the way to leave. */
  add(listener: Listener): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  tell(event: RouterEvent): void {
    for (const listener of this.#all) {
      try {
        listener(event);
      } catch {
        this.#all.delete(listener);
      }
    }
  }
}
