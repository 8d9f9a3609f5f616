/** Where opencode 2's command word is, and what stands before it. */
export interface Command {
  /** Undefined where its interface is started. */
  word: string | undefined;
  /** Where the words behind it begin, or those of the interface. */
  at: number;
}

/** How opencode 2 has to be started for some words, before its own help is asked. */
export type Judgement =
  /** Asks no model, or only a server that is told what to do. */
  | { kind: "plain" }
  /** The user named a server: its configuration counts, and none of ours would reach it. */
  | { kind: "other-server" }
  /** The background service by their own wish, which never sees our configuration. */
  | { kind: "shared-refused"; flag: string }
  /** Behind the proxy; `at` is where the wish for a private server goes, if it needs one. */
  | { kind: "routed"; privateAt: number | undefined }
  /** Behind the proxy, on a private server that knows our models already. */
  | { kind: "listing" }
  /** A word that is not known: its help tells whether it can have a private server. `next` may be a command within it. */
  | { kind: "unknown"; word: string; next: string | undefined; privateAt: number };

/** Ask no model. Some start the background service or talk to it, so nothing of ours may be in their environment. */
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

/** Ask models, and take the wish for a private server. */
const WITH_FLAG = new Set(["run", "mini", "models"]);

/** Ask models, on a server of their own in any case. */
const PRIVATE = new Set(["acp", "serve"]);

/** Flags of all commands, which may stand before the command word; with the number of words that follow. */
const BEFORE = new Map([
  ["--log-level", 1],
  ["--print-logs", 0],
  ["--no-print-logs", 0],
]);

/** Flags that make opencode print something of itself, or ask what to start. */
const INFO = ["--help", "-h", "--version", "-v", "--wizard", "--completions"];

/** What its parser takes for the value of a flag that is on or off. */
const BOOLEAN = /^(?:true|false|1|0|y|n|yes|no|on|off)$/i;
const OFF = /^(?:false|0|n|no|off)$/i;

/** Finds the command word. A flag that is not known could have a value that looks like one: then it is the interface. */
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

/** Judges some words. Where in doubt they go behind the proxy with a server of their own: that is never wrong, only strict. */
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
  // A wizard asks what to start, and starts it; `serve --service` is the background service itself.
  return own.some((one) => isFlag(one, "--wizard") || (word === "serve" && isFlag(one, "--service")));
}

function isFlag(word: string, flag: string): boolean {
  return word === flag || word.startsWith(`${flag}=`);
}

/** The words of a command up to `--`: what follows is text. */
function ownWords(words: readonly string[], at: number): readonly string[] {
  const behind = words.slice(at);
  const end = behind.indexOf("--");
  return end < 0 ? behind : behind.slice(0, end);
}

/** opencode takes a folder for its interface, and no command looks like a path. */
function isPath(word: string): boolean {
  return /^[.~/]|[/\\]/.test(word);
}

const FLAG = "--standalone";

/** What the words say of a private server. */
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

/** The words with the wish for a private server. A word behind it that its parser would take for its value is kept apart. */
export function withPrivate(words: readonly string[], at: number): string[] {
  const flag = BOOLEAN.test(words[at] ?? "") ? `${FLAG}=true` : FLAG;
  return [...words.slice(0, at), flag, ...words.slice(at)];
}

/** Whether a page of help has the flag for a private server. */
export function takesPrivate(help: string): boolean {
  return /(?:^|\s)--standalone(?:\s|$)/m.test(help);
}

/** Whether a page of help names a command within this one. */
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
