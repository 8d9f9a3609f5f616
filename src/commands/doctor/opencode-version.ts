/** How `opencode --version` went. */
export type VersionAnswer = { kind: "version"; text: string } | { kind: "none"; why: string };

/** It answers within a second or two; a loaded machine takes a few more. */
const VERSION_MS = 15_000;
const VERSION = /\d+\.\d+\.\d+\S*/;

/** Asks a program for its version, for a bounded time. */
export async function readVersion(
  file: string,
  env: Record<string, string>,
  timeoutMs = VERSION_MS,
): Promise<VersionAnswer> {
  let child: Bun.Subprocess<"ignore", "pipe", "ignore">;
  try {
    child = Bun.spawn([file, "--version"], { env, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  } catch (cause) {
    return { kind: "none", why: `it cannot be started (${(cause as Error).message})` };
  }
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, timeoutMs, undefined);
  try {
    // A child of its own may hold the pipe open after the program has ended: the clock bounds that, too.
    const answer = await Promise.race([Promise.all([child.stdout.text(), child.exited]), late]);
    if (answer === undefined) return { kind: "none", why: "it did not answer in time" };
    const [text, exitCode] = answer;
    const version = VERSION.exec(text)?.[0];
    if (version !== undefined && exitCode === 0) return { kind: "version", text: version };
    return { kind: "none", why: exitCode === 0 ? "it names no version" : `it ended with code ${exitCode}` };
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    child.unref();
  }
}
