import { constants } from "node:os";
import { withLoopback } from "../../core/no-proxy.ts";
import { Problem } from "../../core/problem.ts";

export interface ChildOptions {
  file: string;
  args: readonly string[];
  env: Record<string, string>;
  signals: SignalRules;
  /** Called as soon as the child runs. */
  onStart?: (pid: number) => void;
}

/** The exit code as a shell reports it: the child's own, or 128 plus the signal. */
export interface ChildEnd {
  exitCode: number;
  signal: NodeJS.Signals | undefined;
}

/**
 * What happens to signals while the child runs. The terminal sends its signals to the whole group: they are forwarded
 * only if the child survives, since then they were meant for us alone.
 */
export interface SignalRules {
  /** Forwarded at once. */
  forwarded: readonly NodeJS.Signals[];
  /** Forwarded after a moment if the child still runs, as the signal that the child knows. */
  shared: Readonly<Partial<Record<NodeJS.Signals, NodeJS.Signals>>>;
  /** Forwarded at once; then we stop as well, until we are continued with it. */
  stopping: readonly NodeJS.Signals[];
  /** Would harm the child, and must not end us. */
  ignored: readonly NodeJS.Signals[];
  /** The exit code of a child that SIGTERM ended. */
  terminatedCode: number | undefined;
}

/** For a program that handles every signal in the usual way. */
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
  // Before the child is started: a signal during its start has to reach it too.
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

export type Env = Readonly<Record<string, string | undefined>>;

export interface ChildEnvOptions {
  /** Variables that the agent and its shell tool must not see, above all orouter's keys. */
  without: readonly string[];
  extra: Record<string, string>;
}

/** Linux rejects a single variable above 128 KiB (E2BIG at exec). */
export const MAX_ENV_BYTES = 120_000;

/** Lists the variables that a run has added, so that a nested run can remove them. */
const ADDED = "OROUTER_ADDED";

/** The user's environment without the keys, and with loopback excluded from any HTTP proxy. */
export function childEnv(env: Env, options: ChildEnvOptions): Record<string, string> {
  const child = withoutAdded(env);
  // With HTTP_PROXY set and no exception, opencode sends its loopback requests to that proxy (opencode #4924).
  const noProxy = withLoopback(child["NO_PROXY"] ?? child["no_proxy"]);
  const extra: Record<string, string> = { NO_PROXY: noProxy, no_proxy: noProxy, ...options.extra };
  const added = Object.keys(extra).filter((name) => child[name] === undefined);
  for (const name of options.without) delete child[name];
  return { ...child, ...extra, [ADDED]: added.join(",") };
}

/** The user's environment without what an outer run has added. */
export function withoutAdded(env: Env): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) own[name] = value;
  for (const name of (env[ADDED] ?? "").split(",")) delete own[name];
  return own;
}

/** Also without any setting of orouter. */
export function withoutOurs(env: Env): Record<string, string> {
  const own = withoutAdded(env);
  for (const name of Object.keys(own)) if (name.startsWith("OROUTER_")) delete own[name];
  return own;
}
