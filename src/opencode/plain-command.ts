/** Commands of opencode that never call a model: they run without the proxy, and without a key. */
const PLAIN = new Set([
  "auth",
  "providers",
  "upgrade",
  "uninstall",
  "completion",
  "db",
  "session",
  "export",
  "import",
  "stats",
  "plugin",
  "plug",
  "mcp",
]);

const INFO_FLAGS = new Set(["--version", "-v", "--help", "-h"]);

/** Whether these words make opencode do something that no model has a part in. */
export function isPlainCommand(words: readonly string[]): boolean {
  const [first] = words;
  if (first === undefined) return false;
  return PLAIN.has(first) || INFO_FLAGS.has(first) || asksHelpOfCommand(words);
}

/** `opencode run --help`; behind `--`, or as part of a prompt, it is only text. */
function asksHelpOfCommand(words: readonly string[]): boolean {
  const last = words.at(-1);
  return words.length === 2 && !words[0]?.startsWith("-") && (last === "--help" || last === "-h");
}
