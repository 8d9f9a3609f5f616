export interface Command {
  /** Undefined if it starts the interface. */
  word: string | undefined;
  at: number;
}

/** How opencode 2 has to be started, before its help is consulted. */
export type Judgement =
  /** Uses no model, or only talks to a server. */
  | { kind: "plain" }
  /** The user named a server: its configuration applies, and ours would not reach it. */
  | { kind: "other-server" }
  /** The user asks for the background service, which never sees our configuration. */
  | { kind: "shared-refused"; flag: string }
  /** Behind the proxy; `at` is the position for the private-server flag, if it is needed. */
  | { kind: "routed"; privateAt: number | undefined }
  /** Behind the proxy, on a private server that already knows our models. */
  | { kind: "listing" }
  /** An unknown command: its help tells whether it accepts a private server. `next` may be a subcommand. */
  | { kind: "unknown"; word: string; next: string | undefined; privateAt: number };

/** Use no model. Some start the background service or talk to it, so their environment must not contain ours. */
const PLAIN = new Set([
  "api",
  "auth",
  "debug",
  "mcp",
  "pair",
  "plugin",
  "reload",
  "service",
  "session",
  "stats",
  "uninstall",
  "update",
  "upgrade",
]);

/** Use models, and accept the private-server flag. */
const WITH_FLAG = new Set(["run", "mini", "models"]);

/** Use models, always on their own server. */
const PRIVATE = new Set(["acp", "serve"]);

/** Flags that may come before the command, with the number of their values. */
const BEFORE = new Map([
  ["--log-level", 1],
  ["--print-logs", 0],
  ["--no-print-logs", 0],
]);

/** Flags that make opencode print something about itself, or ask what to start. */
const INFO = ["--help", "-h", "--version", "-v", "--wizard", "--completions"];

/** Values that its parser accepts for a switch. */
const BOOLEAN = /^(?:true|false|1|0|y|n|yes|no|on|off)$/i;
const OFF = /^(?:false|0|n|no|off)$/i;

/** An unknown flag might have a value that looks like a command; then it starts the interface. */
export function findCommand(words: readonly string[]): Command {
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? "";
    const [name = ""] = word.split("=", 1);
    const values = BEFORE.get(name);
    if (values === undefined) break;
    at++;
    if (word !== name) continue;
    if (values > 0) at += values;
    else if (BOOLEAN.test(words[at] ?? "")) at++;
  }
  const word = words[at];
  return word === undefined || word.startsWith("-") ? { word: undefined, at } : { word, at: at + 1 };
}

/** If in doubt, use the proxy with a private server: never wrong, only strict. */
export function judge(words: readonly string[]): Judgement {
  const { word, at } = findCommand(words);
  const own = ownWords(words, at);
  if (isPlain(word, own)) return { kind: "plain" };
  if (word !== undefined && PRIVATE.has(word)) return { kind: "routed", privateAt: undefined };
  if (own.some((one) => isFlag(one, "--server"))) return { kind: "other-server" };
  const asked = askedPrivate(own);
  if (asked.kind === "refused") return { kind: "shared-refused", flag: asked.flag };
  const privateAt = asked.kind === "given" ? undefined : at;
  if (word === "models" && asked.kind === "nothing") return { kind: "listing" };
  if (word === undefined || WITH_FLAG.has(word) || isPath(word)) return { kind: "routed", privateAt };
  return { kind: "unknown", word, next: own[0], privateAt: at };
}

function isPlain(word: string | undefined, own: readonly string[]): boolean {
  if (INFO.includes(own[0] ?? "") && (word === undefined || own.length === 1)) return true;
  if (word !== undefined && PLAIN.has(word)) return true;
  // The wizard starts what the user selects; `serve --service` is the background service itself.
  return own.some((one) => isFlag(one, "--wizard") || (word === "serve" && isFlag(one, "--service")));
}

function isFlag(word: string, flag: string): boolean {
  return word === flag || word.startsWith(`${flag}=`);
}

/** Arguments up to `--`: the rest is text. */
function ownWords(words: readonly string[], at: number): readonly string[] {
  const behind = words.slice(at);
  const end = behind.indexOf("--");
  return end < 0 ? behind : behind.slice(0, end);
}

/** The interface accepts a folder, and no command looks like a path. */
function isPath(word: string): boolean {
  return /^[.~/]|[/\\]/.test(word);
}

const FLAG = "--standalone";

function askedPrivate(
  own: readonly string[],
): { kind: "given" } | { kind: "refused"; flag: string } | { kind: "nothing" } {
  const off = own.findIndex(
    (word, at) =>
      word === "--no-standalone" ||
      (word.startsWith(`${FLAG}=`) && OFF.test(word.slice(FLAG.length + 1))) ||
      (word === FLAG && OFF.test(own[at + 1] ?? "")),
  );
  if (off >= 0) return { kind: "refused", flag: own[off] ?? FLAG };
  const isGiven = own.some((word) => word === FLAG || word.startsWith(`${FLAG}=`));
  return isGiven ? { kind: "given" } : { kind: "nothing" };
}

/** Separates the flag from a following word that opencode's parser would read as its value. */
export function withPrivate(words: readonly string[], at: number): string[] {
  const flag = BOOLEAN.test(words[at] ?? "") ? `${FLAG}=true` : FLAG;
  return [...words.slice(0, at), flag, ...words.slice(at)];
}

/** Whether a help page has the private-server flag. */
export function takesPrivate(help: string): boolean {
  return /(?:^|\s)--standalone(?:\s|$)/m.test(help);
}

export function hasCommand(help: string, word: string): boolean {
  const [, list = ""] = help.split(/^SUBCOMMANDS$/m);
  return list.split("\n").some((line) =>
    line
      .trim()
      .split(/[,\s]+/)
      .slice(0, 2)
      .includes(word),
  );
}
