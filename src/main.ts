import { VERSION_TEXT } from "./core/version.ts";
import { isAgent } from "./harness/registry.ts";

/** Ends as the child ended, with its code or its signal, so that the calling shell sees no difference. */
function leave(exitCode: number, signal?: NodeJS.Signals): never {
  if (signal !== undefined && process.platform !== "win32") {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exit(exitCode);
}

/**
 * Looks at the arguments before any parser: everything after an agent's name belongs to the agent, including `--help`
 * and `--`. Everything else is loaded on demand, to keep starts fast.
 */
async function main(words: readonly string[]): Promise<void> {
  const [first] = words;
  if (words.length === 1 && (first === "--version" || first === "-v")) {
    // Bun's console does not set up the streams of `process`, which would double the time.
    console.log(`orouter ${VERSION_TEXT}`);
    return;
  }
  if (isAgent(first)) {
    const { runAgent } = await import("./commands/run-agent.ts");
    const end = await runAgent(first, words.slice(1));
    leave(end.exitCode, end.signal);
  }
  if (first === undefined) {
    const { runAlone } = await import("./commands/root.ts");
    const end = await runAlone();
    leave(end.exitCode, end.signal);
  }
  const [{ runCommand }, { rootCommand }] = await Promise.all([
    import("./cli/run-command.ts"),
    import("./commands/root.ts"),
  ]);
  leave(await runCommand(rootCommand, words));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { failureText, exitCodeOf } = await import("./cli/talk.ts");
  console.error(failureText(error));
  leave(exitCodeOf(error));
}
