/**
 * If orouter is killed outright, the agent would go on against a proxy that is gone: minutes of retries, no word why.
 * A shell of a megabyte waits on a pipe from us; when the pipe ends without a goodbye it stops the agent, says what
 * happened and removes the run folder. $1 is the agent's pid, $2 the run folder, $3 the agent's name. opencode at times
 * lets a first SIGTERM pass, so it is told again.
 */
const SCRIPT = `trap '' INT QUIT HUP TERM TSTP TTOU
read -r goodbye && exit 0
n=0
while [ $n -lt 10 ] && kill -TERM "$1" 2>/dev/null; do n=$((n+1)); sleep 0.5; done
kill -KILL "$1" 2>/dev/null
rm -rf -- "$2"
rmdir -- "\${2%/*}" 2>/dev/null
printf '\\n[orouter] orouter was killed, so %s was stopped: its model calls went through orouter. Start again with: orouter %s\\n' "$3" "$3" >&2
`;

export interface Guard {
  dismiss: () => void;
}

/** Starts the watcher of one run. Windows has no `sh`; there the agent's own connection error has to do. */
export function startGuard(childPid: number, runDir: string, name: string): Guard | undefined {
  if (process.platform === "win32") return undefined;
  try {
    const shell = Bun.spawn(["/bin/sh", "-c", SCRIPT, "orouter-guard", String(childPid), runDir, name], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "inherit",
    });
    shell.unref();
    return {
      dismiss: () => {
        shell.stdin.write("goodbye\n");
        void shell.stdin.end();
      },
    };
  } catch {
    // Without a shell the run works all the same; only the clean-up after a SIGKILL is missing.
    return undefined;
  }
}
