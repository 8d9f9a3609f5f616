import { VERSION_TEXT } from "./core/version.ts";
import { isAgent } from "./harness/registry.ts";

/** Ends as the child ended: with its code, or by its signal, so that the calling shell sees no difference. */
function leave(exitCode: number, signal?: NodeJS.Signals): never {
  if (signal !== undefined && process.platform !== "win32") {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exit(exitCode);
}

/**
 * Our own first look at the words: everything behind an agent's name is the agent's, down to `--help` and `--`, so no
 * parser of ours may see it. All else is loaded when it is called: a start pays only for what it does.
 */
async function main(words: readonly string[]): Promise<void> {
  const [first] = words;
  if (words.length === 1 && (first === "--version" || first === "-v")) {
    // Bun's console writes without setting up the streams of `process`, which would double the time of this.
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
