/**
 * If orouter is killed outright, opencode would go on against a proxy that is gone: minutes of retries, no word why.
 * A shell of a megabyte waits on a pipe from us; when the pipe ends without a goodbye it stops opencode, says what
 * happened and removes the run folder. $1 is opencode's pid, $2 the run folder. opencode at times lets a first SIGTERM
 * pass, so it is told again.
 */
const SCRIPT = `trap '' INT QUIT HUP TERM TSTP TTOU
read -r goodbye && exit 0
n=0
while [ $n -lt 10 ] && kill -TERM "$1" 2>/dev/null; do n=$((n+1)); sleep 0.5; done
kill -KILL "$1" 2>/dev/null
rm -rf -- "$2"
rmdir -- "\${2%/*}" 2>/dev/null
printf '\\n[orouter] orouter was killed, so opencode was stopped: its model calls went through orouter. Start again with: orouter opencode\\n' >&2
`;

export interface Guard {
  dismiss: () => void;
}

/** Starts the watcher of one run. Windows has no `sh`; there opencode's own connection error has to do. */
export function startGuard(childPid: number, runDir: string): Guard | undefined {
  if (process.platform === "win32") return undefined;
  try {
    const shell = Bun.spawn(["/bin/sh", "-c", SCRIPT, "orouter-guard", String(childPid), runDir], {
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
