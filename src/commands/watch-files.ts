import { stat } from "node:fs/promises";

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
  /** Told after a change has come to rest; the next look waits until it is done with it. */
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
