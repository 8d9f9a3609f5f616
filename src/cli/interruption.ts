const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A wish to stop, as a command that goes on by itself sees it. */
export interface Interruption {
  signal: AbortSignal;
  /** Gives the signals back to whoever had them before. */
  [Symbol.dispose]: () => void;
}

/** Listens for Ctrl-C and its kin, so that a command can end cleanly. */
export function listenForInterruption(): Interruption {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: stop.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

/** Waits until somebody stops this program; who asks twice gets what the system does then. */
export function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const name of SIGNALS) process.once(name, () => resolve());
  return promise;
}

/** Waits, but not beyond the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  const timer = setTimeout(end, ms);
  signal.addEventListener("abort", end, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", end);
}
