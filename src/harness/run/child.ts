import { constants } from "node:os";
import { Problem } from "../../core/problem.ts";

export interface ChildOptions {
  file: string;
  args: readonly string[];
  env: Record<string, string>;
  signals: SignalRules;
  /** Called as soon as the child runs, before anything waits for it. */
  onStart?: (pid: number) => void;
}

/** How the child ended, as a shell would say it: its code, or 128 plus the signal. */
export interface ChildEnd {
  exitCode: number;
  signal: NodeJS.Signals | undefined;
}

/**
 * What becomes of the signals that we get while the child runs. Those that the terminal sends reach the whole group by
 * themselves: they are handed on only to a child that lives on, since then they were meant for us alone.
 */
export interface SignalRules {
  /** Handed on at once. */
  forwarded: readonly NodeJS.Signals[];
  /** Handed on to a child that lives on after a moment, as the signal that the child knows. */
  shared: Readonly<Partial<Record<NodeJS.Signals, NodeJS.Signals>>>;
  /** Handed on at once; then we stop as well, until we are continued with it. */
  stopping: readonly NodeJS.Signals[];
  /** Would do harm to the child, and must not end us. */
  ignored: readonly NodeJS.Signals[];
  /** The exit code by which the child says that it was ended by SIGTERM. */
  terminatedCode: number | undefined;
}

/** For a program that takes every signal in the usual way. */
export const USUAL_SIGNALS: SignalRules = {
  forwarded: ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"],
  shared: { SIGINT: "SIGINT", SIGQUIT: "SIGQUIT" },
  stopping: [],
  ignored: [],
  terminatedCode: undefined,
};

const SHARED_GRACE_MS = 250;

type Child = Bun.Subprocess<"inherit", "inherit", "inherit">;

/** Runs an agent in our terminal and process group until it ends. Reads no stdin and writes nothing meanwhile. */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const { signals } = options;
  let child: Child | undefined;
  let wasTerminated = false;
  const listeners = new Map<NodeJS.Signals, () => void>();
  for (const signal of signals.ignored) listeners.set(signal, () => {});
  for (const signal of signals.forwarded) {
    listeners.set(signal, () => {
      wasTerminated ||= signal === "SIGTERM";
      child?.kill(signal);
    });
  }
  for (const [signal, sent] of Object.entries(signals.shared) as [NodeJS.Signals, NodeJS.Signals][])
    listeners.set(signal, () => child && handOnLater(child, sent));
  for (const signal of signals.stopping) {
    listeners.set(signal, () => {
      child?.kill(signal);
      process.kill(process.pid, "SIGSTOP");
    });
  }
  // Before the child is there: a signal that comes while it starts has to reach it too.
  for (const [signal, listener] of listeners) process.on(signal, listener);
  try {
    child = spawn(options);
    options.onStart?.(child.pid);
    await child.exited;
    const end = endOf(child);
    const isTerminated = wasTerminated && end.signal === undefined && end.exitCode === signals.terminatedCode;
    return isTerminated ? ended("SIGTERM") : end;
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
      code: "agent-not-started",
      what: `${options.file} could not be started: ${(cause as Error).message}.`,
      fix: "Run it by itself once; if that fails too, install it again.",
    });
  }
}

function endOf(child: Child): ChildEnd {
  const signal = child.signalCode;
  return typeof signal === "string" ? ended(signal) : { exitCode: child.exitCode ?? 1, signal: undefined };
}

function ended(signal: NodeJS.Signals): ChildEnd {
  return { exitCode: 128 + constants.signals[signal], signal };
}

function handOnLater(child: Bun.Subprocess, signal: NodeJS.Signals): void {
  const send = (): void => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  };
  if (process.stdin.isTTY) setTimeout(send, SHARED_GRACE_MS).unref();
  else send();
}
