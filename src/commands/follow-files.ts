import { stat } from "node:fs/promises";
import { credentialWatch } from "../config/opencode-auth.ts";
import type { Catalog } from "../core/catalog/catalog.ts";
import { Problem } from "../core/problem.ts";
import { loadRunCatalog, type RunCatalog } from "./catalog.ts";
import { readUserFiles, type UserFiles, type UserPlaces } from "./context.ts";
import type { Routing } from "./routing.ts";

/** Whatever changes with what is watched, and when it last did. */
export interface Stamp {
  text: string;
  changedMs: number;
}

export interface WatchOptions {
  files: readonly string[];
  /** What changes with things that are not files of their own. */
  stamps?: readonly (() => Promise<Stamp>)[];
  /** A file that has changed since then has changed already when the watch begins. */
  sinceMs: number;
  /** Called once a file is stable; the next check waits for it. */
  onChange: () => Promise<void>;
}

/**
 * How often to look, and how long a file has to stay as it is before it is read: an editor may empty it first and fill
 * it then. Looking works where no system can be asked to tell: through links, for folders that are still to be made,
 * on disks of other machines. It costs some microseconds.
 */
const LOOK_MS = 500;
const SETTLE_MS = 100;

/** Tells when any of these files has changed, come or gone. Keeps no process alive. Returns the end of it. */
export function watchFiles({ files, stamps: others = [], sinceMs, onChange }: WatchOptions): () => void {
  let told: string | undefined;
  let seen: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;

  const look = async (): Promise<void> => {
    const stamps = await Promise.all([...files.map(stampOf), ...others.map((stamp) => stamp())]);
    const now = stamps.map(({ text }) => text).join(" ");
    told ??= stamps.some(({ changedMs }) => changedMs > sinceMs) ? "" : now;
    const isSettled = now === seen;
    seen = now;
    if (isOver || now === told) return;
    if (!isSettled) return lookAgain(SETTLE_MS);
    told = now;
    await onChange();
  };

  const lookAgain = (afterMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      timer = undefined;
      await look();
      if (!isOver && timer === undefined) lookAgain(LOOK_MS);
    }, afterMs);
    timer.unref();
  };

  lookAgain(0);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** Whatever changes when a file is written, replaced or moved. */
async function stampOf(file: string): Promise<Stamp> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs, mode } = await stat(file);
    return { text: [dev, ino, size, mtimeMs, ctimeMs, mode].join(":"), changedMs: ctimeMs };
  } catch {
    return { text: "none", changedMs: 0 };
  }
}

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
