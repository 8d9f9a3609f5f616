import { credentialWatch } from "../config/opencode-auth.ts";
import type { Catalog } from "../core/catalog/catalog.ts";
import { Problem } from "../core/problem.ts";
import { readUserFiles, type UserFiles, type UserPlaces } from "./read-user-files.ts";
import type { Routing } from "./routing.ts";
import { loadRunCatalog, type RunCatalog } from "./run-catalog.ts";
import { watchFiles } from "./watch-files.ts";

export interface FollowOptions {
  places: UserPlaces;
  routing: Routing;
  /** The files as they were read first, and what was known of the models by them. */
  begun: UserFiles & { run: RunCatalog };
  /** Takes in what is known of the models, by the files as they are now. */
  learn: (files: Pick<UserFiles, "settings" | "keys">, catalog: Catalog) => void;
  /** Told of what is odd about the files, each once. */
  onNote: (note: string) => void;
  onBug: (error: unknown) => void;
}

/**
 * Keeps a running proxy at what the user's files say. A file that has become faulty is not taken, and said once; what
 * it said before goes on. Returns the end of it.
 */
export function followFiles({ places, routing, begun, learn, onNote, onBug }: FollowOptions): () => void {
  const { paths } = places;
  const known = new Set(begun.notes);
  let { run } = begun;
  let fault: string | undefined;

  const learnLater = async (files: UserFiles, { later }: RunCatalog): Promise<void> => {
    try {
      const newer = await later();
      if (newer !== undefined) learn(files, newer);
    } catch (error) {
      onBug(error);
    }
  };

  const take = async (): Promise<void> => {
    const files = await readUserFiles(places);
    fault = undefined;
    for (const note of files.notes.filter((one) => !known.has(one))) {
      known.add(note);
      onNote(note);
    }
    routing.follow(files);
    // Keys and rules count from now on; what is known of the models may take a question to a provider.
    run.stop();
    run = await loadRunCatalog({ ...files, paths });
    learn(files, run.catalog);
    void learnLater(files, run);
  };

  // Lists that were old as the run began are asked for meanwhile.
  void learnLater(begun, run);

  const unwatch = watchFiles({
    files: [paths.configFile, paths.keysFile, paths.opencodeAuthFile],
    stamps: [credentialWatch(paths.opencodeDatabase)],
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
    run.stop();
  };
}
