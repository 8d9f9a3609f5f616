import { constants } from "node:os";
import { Problem } from "../core/problem.ts";

export interface ChildOptions {
  file: string;
  args: readonly string[];
  env: Record<string, string>;
  /** Called as soon as the child runs, before anything waits for it. */
  onStart?: (pid: number) => void;
}

/** How the child ended, as a shell would say it: its code, or 128 plus the signal. */
export interface ChildEnd {
  exitCode: number;
  signal: NodeJS.Signals | undefined;
}

/** Signals another process sends to us alone are handed on; the terminal's own reach the whole group by themselves. */
const FORWARDED = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** Sent by the terminal to the child too. If the child lives on after this, the signal was meant for us alone. */
const SHARED = ["SIGINT", "SIGQUIT"] as const;
const SHARED_GRACE_MS = 250;

type Child = Bun.Subprocess<"inherit", "inherit", "inherit">;

/** Runs opencode in our terminal and process group until it ends. Reads no stdin and writes nothing meanwhile. */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  let child: Child | undefined;
  const listeners = new Map<NodeJS.Signals, () => void>();
  for (const signal of FORWARDED) listeners.set(signal, () => child?.kill(signal));
  for (const signal of SHARED) listeners.set(signal, () => child && handOnLater(child, signal));
  // Before the child is there: a signal that comes while it starts has to reach it too.
  for (const [signal, listener] of listeners) process.on(signal, listener);
  try {
    child = spawn(options);
    options.onStart?.(child.pid);
    await child.exited;
    return endOf(child);
  } finally {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  }
}

function spawn(options: ChildOptions): Child {
  try {
    return Bun.spawn([options.file, ...options.args], {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      env: options.env,
    });
  } catch (cause) {
    throw new Problem({
      code: "opencode-not-started",
      what: `${options.file} could not be started: ${(cause as Error).message}.`,
      fix: "Run it by itself once; if that fails too, install it again (npm install -g opencode-ai).",
    });
  }
}

function endOf(child: Child): ChildEnd {
  const signal = child.signalCode;
  if (typeof signal !== "string") return { exitCode: child.exitCode ?? 1, signal: undefined };
  return { exitCode: 128 + constants.signals[signal], signal };
}

function handOnLater(child: Bun.Subprocess, signal: NodeJS.Signals): void {
  const send = (): void => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  };
  if (process.stdin.isTTY) setTimeout(send, SHARED_GRACE_MS).unref();
  else send();
}
