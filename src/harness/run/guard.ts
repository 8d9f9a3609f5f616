/**
 * If orouter is killed, the agent would continue with a dead proxy: minutes of retries and no message. Two small shells
 * wait for that, each on a pipe from orouter that closes with it. The first stops the agent, prints what happened and
 * removes the run folder; opencode sometimes ignores a first SIGTERM, so it is repeated. The second does the same if
 * the first is gone and the agent still runs. It has its own session and its command line has no name of ours, so
 * killing orouter by name or process group does not affect it. $AGENT and $GUARD are pids, $FOLDER is the run folder,
 * $WORDS is the message.
 */
const STOP = `n=0
while [ $n -lt 10 ] && kill -TERM "$AGENT" 2>/dev/null; do n=$((n+1)); sleep 0.5; done
kill -KILL "$AGENT" 2>/dev/null
rm -rf -- "$FOLDER"
rmdir -- "\${FOLDER%/*}" 2>/dev/null
printf '%s\\n' "$WORDS" >&2
`;

const DEAF = "trap '' INT QUIT HUP TERM TSTP TTOU\n";

const FIRST = `${DEAF}read -r goodbye && exit 0\n${STOP}`;

const SECOND = `${DEAF}read -r goodbye && exit 0
n=0
while [ $n -lt 60 ] && kill -0 "$GUARD" 2>/dev/null; do n=$((n+1)); sleep 0.2; done
kill -0 "$AGENT" 2>/dev/null || exit 0
${STOP}`;

export interface Guard {
  dismiss: () => void;
}

/** Starts the watchers of one run. Windows has no `sh`; there the agent reports its own connection error. */
export function startGuard(childPid: number, runDir: string, name: string): Guard | undefined {
  if (process.platform === "win32") return undefined;
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    AGENT: String(childPid),
    FOLDER: runDir,
    WORDS: `\n[orouter] orouter was killed, so ${name} was stopped: its model calls went through orouter. Start again with: orouter ${name}`,
  };
  try {
    const first = watcher([FIRST, "orouter-guard"], env, false);
    const second = watcher([SECOND], { ...env, GUARD: String(first.pid) }, true);
    return {
      dismiss: () => {
        for (const { stdin } of [first, second]) {
          stdin.write("goodbye\n");
          void stdin.end();
        }
      },
    };
  } catch {
    // Without a shell the run still works; only the clean-up after a SIGKILL is missing.
    return undefined;
  }
}

/** Its environment contains only what it needs, and none of the user's keys. */
function watcher(words: readonly string[], env: Record<string, string>, detached: boolean) {
  const shell = Bun.spawn(["/bin/sh", "-c", ...words], {
    env,
    detached,
    stdin: "pipe",
    stdout: "ignore",
    stderr: "inherit",
  });
  shell.unref();
  return shell;
}
