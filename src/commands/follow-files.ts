import { stat } from "node:fs/promises";
import { credentialWatch } from "../config/opencode-auth.ts";
import type { Catalog } from "../core/catalog/catalog.ts";
import { Problem } from "../core/problem.ts";
import { loadRunCatalog, type RunCatalog } from "./catalog.ts";
import { readUserFiles, type UserFiles, type UserPlaces } from "./context.ts";
import type { Routing } from "./routing.ts";

export interface Stamp {
  text: string;
  changedMs: number;
}

export interface WatchOptions {
  files: readonly string[];
  stamps?: readonly (() => Promise<Stamp>)[];
  /** A file that changed after this time counts as changed when the watch begins. */
  sinceMs: number;
  onChange: () => Promise<void>;
}

/**
 * A file must keep its stamp for this long before it is read, since an editor may empty it first. Polling also works
 * through links, for folders that do not exist yet and on network drives, and costs microseconds.
 */
const LOOK_MS = 500;
const SETTLE_MS = 100;

/** Does not keep the process alive. Returns a function that stops it. */
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

/** Changes when the file is written, replaced or moved. */
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
  /** The files as read at the start, and the catalog built from them. */
  begun: UserFiles & { run: RunCatalog };
  /** Called with the current files and the catalog built from them. */
  learn: (files: Pick<UserFiles, "settings" | "keys">, catalog: Catalog) => void;
  /** Called once for each remark about the files. */
  onNote: (note: string) => void;
  onBug: (error: unknown) => void;
}

/**
 * Applies changed files to a running proxy. An invalid file is reported once, and the previous version stays active.
 * Returns a function that stops it.
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
    // Keys and rules apply now; the catalog may need a request to a provider first.
    run.stop();
    run = await loadRunCatalog({ ...files, paths });
    learn(files, run.catalog);
    void learnLater(files, run);
  };

  // Lists that were stale at the start arrive in the meantime.
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
