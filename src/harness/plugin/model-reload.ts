import type { TuiApi } from "./tui-api.ts";

/** What opencode's interface understands as a wish to read its configuration again. */
const SIGNAL = "SIGUSR2";

/** Between two steps of one turn a session may seem to be done. */
const CALM_MS = 1500;

export interface ModelReloadOptions {
  event: TuiApi["event"];
  after: (ms: number, call: () => void) => void;
  reload: () => boolean;
  /** Told once opencode has been asked to look. */
  onReload: () => void;
}

/**
 * Has opencode read its models again, but only while none of its sessions is at work: a reload would break that off.
 * Returns the way to say that there is something to read.
 */
export function modelReload({ event, after, reload, onReload }: ModelReloadOptions): () => void {
  const busy = new Set<string>();
  let isWanted = false;
  let looks = 0;
  const lookSoon = (): void => {
    looks++;
    const look = looks;
    after(CALM_MS, () => {
      if (!isWanted || busy.size > 0 || look !== looks) return;
      isWanted = false;
      if (reload()) onReload();
    });
  };
  event.on("session.status", ({ properties: { sessionID, status } }) => {
    if (status.type === "idle") busy.delete(sessionID);
    else busy.add(sessionID);
    if (isWanted) lookSoon();
  });
  return () => {
    isWanted = true;
    lookSoon();
  };
}

/** Only where somebody listens: by itself the signal would end the process. */
export function askForReload(): boolean {
  return process.listenerCount(SIGNAL) > 0 && process.emit(SIGNAL, SIGNAL);
}
