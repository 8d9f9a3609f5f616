import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import * as v from "valibot";
import type { Env } from "../run/child.ts";

/** The background service of opencode 2, which all of the user's clients share, as it has registered itself. */
export interface SharedService {
  pid: number;
  version: string;
  file: string;
}

/**
 * The service keeps the environment it was started with: one that was started within a run of orouter would use that
 * run's proxy after the run, for all of the user's clients.
 */
export type ServiceState =
  | { kind: "none" }
  | { kind: "fine"; service: SharedService }
  /** Its environment cannot be read. */
  | { kind: "unknown"; service: SharedService }
  | { kind: "poisoned"; service: SharedService };

const REGISTRATION = v.object({ pid: v.pipe(v.number(), v.integer(), v.minValue(2)), version: v.string() });

/** Only a run of orouter sets these: its id, or a configuration with its mark. */
const RUN_MARK = /^(?:OROUTER_RUN_ID=.|OPENCODE_CONFIG_CONTENT=.*"x-orouter")/s;

/** Reads one file and one process. */
export function sharedServiceState(env: Env, home: string): ServiceState {
  const service = registeredService(env, home);
  if (service === undefined || !isAlive(service.pid)) return { kind: "none" };
  const process = processOf(service.pid);
  if (process === undefined) return { kind: "unknown", service };
  // Another program may have the pid of a service that is gone.
  if (!/\bserve\b.*--service\b/s.test(process.command)) return { kind: "none" };
  return { kind: process.variables.some((one) => RUN_MARK.test(one)) ? "poisoned" : "fine", service };
}

function registeredService(env: Env, home: string): SharedService | undefined {
  const xdg = env["XDG_STATE_HOME"];
  const state = xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".local", "state");
  const file = join(state, "opencode", "service.json");
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return { ...v.parse(REGISTRATION, value), file };
  } catch {
    return undefined;
  }
}

/** Undefined if the system does not reveal them. */
function processOf(pid: number): { command: string; variables: string[] } | undefined {
  if (process.platform === "linux") {
    try {
      const [command = "", environment = ""] = ["cmdline", "environ"].map((name) =>
        readFileSync(`/proc/${pid}/${name}`, "utf8"),
      );
      return { command: command.replaceAll("\0", " "), variables: environment.split("\0") };
    } catch {
      return undefined;
    }
  }
  if (process.platform === "win32") return undefined;
  const ps = Bun.spawnSync(["ps", "eww", "-o", "command=", "-p", String(pid)], { stderr: "ignore" });
  if (!ps.success) return undefined;
  // Variables follow the command, separated by blanks: every word that looks like one counts.
  const [command = "", ...variables] = ps.stdout.toString().split(/\s(?=[A-Z_]+=)/);
  return { command, variables };
}

/** opencode answers within a second; a busy machine takes longer. */
const STOP_MS = 15_000;
const LOOK_MS = 50;

/**
 * Makes opencode stop its service; it starts a new one when needed. `env` must not contain variables of a run. Returns
 * whether the service is gone.
 */
export async function stopSharedService(
  program: string,
  { pid }: SharedService,
  { env, home }: { env: Record<string, string>; home: string },
): Promise<boolean> {
  const child = Bun.spawn([program, "service", "stop"], {
    env,
    // Not in a folder whose own configuration would be read.
    cwd: home,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    timeout: STOP_MS,
    killSignal: "SIGKILL",
  });
  await child.exited;
  const endMs = performance.now() + STOP_MS;
  while (isAlive(pid) && performance.now() < endMs) await Bun.sleep(LOOK_MS);
  return !isAlive(pid);
}

/** Whether a process runs, also of another user. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
