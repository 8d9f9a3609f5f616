import { Problem } from "../core/problem.ts";
import { readUserFiles, type UserPlaces } from "./read-user-files.ts";
import type { Routing } from "./routing.ts";
import { loadRunCatalog } from "./run-catalog.ts";
import { watchFiles } from "./watch-files.ts";

export interface FollowOptions {
  places: UserPlaces;
  routing: Routing;
  /** What was told of the files when they were read first. */
  told: readonly string[];
  /** Told of what is odd about the files, each once. */
  onNote: (note: string) => void;
  onBug: (error: unknown) => void;
}

/**
 * Keeps a running proxy at what the user's files say. A file that has become faulty is not taken, and said once; what
 * it said before goes on. Returns the end of it.
 */
export function followFiles({ places, routing, told, onNote, onBug }: FollowOptions): () => void {
  const { paths } = places;
  const known = new Set(told);
  const stops: (() => void)[] = [];
  let fault: string | undefined;

  const take = async (): Promise<void> => {
    const files = await readUserFiles(places);
    fault = undefined;
    for (const note of files.notes.filter((one) => !known.has(one))) {
      known.add(note);
      onNote(note);
    }
    routing.follow(files);
    // Keys and rules count from now on; what is known of the models may take a question to a provider.
    const { catalog, stop } = await loadRunCatalog({ ...files, paths });
    stops.push(stop);
    routing.know(catalog);
  };

  const unwatch = watchFiles({
    files: [paths.configFile, paths.keysFile, paths.opencodeAuthFile],
    sinceMs: performance.timeOrigin,
    onChange: async () => {
      try {
        await take();
      } catch (error) {
        if (!(error instanceof Problem)) return onBug(error);
        if (fault === error.message) return;
        fault = error.message;
        routing.router.emit({ kind: "settings-refused", what: fault });
      }
    },
  });
  return () => {
    unwatch();
    for (const stop of stops) stop();
  };
}
