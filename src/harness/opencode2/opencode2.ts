import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { TOKEN_HEADER } from "../../core/client/client-profile.ts";
import { CHAIN_PROVIDER } from "../../core/model-ref.ts";
import { defaultModel } from "../../core/overlay/default-model.ts";
import { opencodeId } from "../../core/overlay/opencode-providers.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { findPreset } from "../../core/settings/presets.ts";
import type { Harness, OpenServer, PreparedRun, RunParts, ServerParts, StartPlan } from "../harness.ts";
import { configuredModel, recentModels } from "../opencode/chosen-model.ts";
import { cleanEnv, placeRunConfig } from "../opencode/run-config.ts";
import type { TuiOptions } from "../plugin/plugin.ts";
import { PLUGIN_TEXT } from "../plugin/plugin-text.ts";
import type { ServerOptions } from "../plugin/server.ts";
import type { ProgramFacts } from "../run/program.ts";
import type { RunDir } from "../run/run-dir.ts";

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

/** How long the server may take to start, and then to know our models: it reads its configuration step by step. */
const START_MS = 20_000;
const LEARN_MS = 10_000;
const LOOK_MS = 50;

/**
 * A private server that already knows our models. opencode 2 lists its models without waiting for its configuration, so
 * its own private server would be asked too early.
 */
export async function openServer({ file, env, providers }: ServerParts): Promise<OpenServer> {
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  const login = { OPENCODE_PASSWORD: password };
  // It ends when its stdin closes, that is with us, however we end.
  const server = Bun.spawn([file, "serve", "--stdio", "--port", "0"], {
    env: { ...env, ...login },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  try {
    const url = await urlOf(server.stdout);
    if (url === undefined) throw noServer(file);
    await untilKnown(url, password, providers);
    return { args: ["--server", url], env: login, stop: () => server.kill() };
  } catch (error) {
    server.kill();
    throw error;
  }
}

/** The first line of its output is `{"url":…}`. */
async function urlOf(stdout: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const reader = stdout.getReader();
  const timer = setTimeout(() => void reader.cancel(), START_MS);
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
    const { url } = JSON.parse(text.slice(0, text.indexOf("\n"))) as { url?: unknown };
    return typeof url === "string" ? url : undefined;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until it lists one of our models. After the timeout it is used anyway: it may have none to list. */
async function untilKnown(url: string, password: string, providers: readonly string[]): Promise<void> {
  const place = new URLSearchParams({ "location[directory]": process.cwd() });
  const authorization = `Basic ${btoa(`opencode:${password}`)}`;
  const signal = AbortSignal.timeout(LEARN_MS);
  while (!signal.aborted) {
    try {
      const reply = await fetch(`${url}/api/model?${place}`, { headers: { authorization }, signal });
      const { data } = (await reply.json()) as { data?: { providerID?: unknown }[] };
      if (data?.some(({ providerID }) => providers.includes(String(providerID)))) return;
    } catch {
      // It may need more time.
    }
    await Bun.sleep(LOOK_MS);
  }
}

function noServer(file: string): Problem {
  return new Problem({
    code: "no-private-server",
    what: `${file} started no private server.`,
    fix: `Run it by itself once: ${file} models`,
  });
}

export interface PluginFolderParts {
  runDir: RunDir;
  url: string;
  tokenFile: string;
  settings: { plugin: boolean; toasts: boolean; keyPrefix: string; shellKeys: boolean; tools: boolean };
  /** Variables that this run sets for opencode, with the user's own value or null; shell commands get these. */
  shellEnv: ServerOptions["shellEnv"];
}

const FOLDER = "orouter-plugin";

/**
 * Returns the plugin's path for the `plugin` list of the configuration. The server part is always included: it costs no
 * wait in opencode 2, and it keeps the run's variables out of shell commands.
 */
export function placePlugin({ runDir, url, tokenFile, settings, shellEnv }: PluginFolderParts): string {
  const { plugin, toasts, keyPrefix, shellKeys, tools } = settings;
  const options: TuiOptions & ServerOptions = {
    url,
    tokenFile,
    toasts,
    keyPrefix,
    shellKeys,
    tools,
    shellEnv,
  };
  const server = { ".": "./index.js", "./server": "./index.js" };
  const exports = plugin ? { ...server, "./tui": "./tui.js" } : server;
  const folder = join(runDir.path, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string): void => void runDir.write(join(FOLDER, name), text);
  write("package.json", JSON.stringify({ name: FOLDER, type: "module", exports }));
  write("options.json", JSON.stringify(options));
  write("index.js", PLUGIN_TEXT.server);
  if (plugin) write("tui.js", PLUGIN_TEXT.tui2);
  return folder;
}

/**
 * opencode 2: a client and a server. Without a private server the client uses the user's background service, which
 * keeps the environment it was started with; so only private servers (`--standalone`) get ours.
 */
export const opencode2: Harness = {
  profile: "opencode2",
  versions: { oldest: [2, 0, 0], tried: "2.0.15" },
  plan,
  prepare,
  signals: {
    forwarded: ["SIGTERM", "SIGHUP", "SIGCONT"],
    shared: { SIGINT: "SIGINT", SIGQUIT: "SIGTERM" },
    stopping: ["SIGTSTP"],
    // These signals make it write a heap snapshot or a profile.
    ignored: ["SIGUSR1", "SIGUSR2"],
    terminatedCode: 130,
  },
  printsLines: (words) => findCommand(words).word === "run",
  showsPlugin: hasInterface,
  waitsForList: () => true,
  waitsForNpm: false,
};

/** Without a command, or with a folder, it shows its interface. */
function hasInterface(words: readonly string[]): boolean {
  const { word } = findCommand(words);
  return word === undefined || /^[.~/]/.test(word);
}

async function plan(words: readonly string[], program: ProgramFacts): Promise<StartPlan> {
  const judged = judge(words);
  switch (judged.kind) {
    case "plain":
      return { kind: "plain", args: words };
    case "other-server":
      return { kind: "plain", args: words, note: OTHER_SERVER };
    case "shared-refused":
      throw new Problem({
        code: "shared-server",
        what: `${judged.flag} asks for opencode's background service, whose requests do not go through orouter.`,
        fix: "Leave it out, or start opencode by itself.",
        exit: EXIT.usage,
      });
    case "routed":
      return {
        kind: "routed",
        args: judged.privateAt === undefined ? words : withPrivate(words, judged.privateAt),
      };
    case "listing":
      return { kind: "routed", args: words, openServer };
    case "unknown":
      return planUnknown(words, judged, program);
  }
}

const OTHER_SERVER =
  "--server: the models and keys are those of that server. They go through orouter only if it was started with orouter opencode serve.";

interface Unknown {
  word: string;
  next: string | undefined;
  privateAt: number;
}

/** A command of a newer version, or a folder: its help page decides. Without an answer use the strict way. */
async function planUnknown(
  words: readonly string[],
  { word, next, privateAt }: Unknown,
  { help }: ProgramFacts,
): Promise<StartPlan> {
  const page = await help([word]);
  if (page === undefined || takesPrivate(page))
    return { kind: "routed", args: withPrivate(words, privateAt) };
  if (next === undefined || !hasCommand(page, next)) return { kind: "plain", args: words };
  const inner = await help([word, next]);
  const isPlain = inner !== undefined && !takesPrivate(inner);
  return isPlain
    ? { kind: "plain", args: words }
    : { kind: "routed", args: withPrivate(words, privateAt + 1) };
}

/**
 * Over ACP it may start a session with one of OpenCode's free models before it has read its configuration. With an
 * empty model table it waits for ours.
 */
const NO_TABLE = "{}";

/** If none of our models can be the default, it must not choose one that bypasses us. */
const WITHOUT_FREE = { disabled_providers: ["opencode"] };

function prepare(run: RunParts): PreparedRun {
  const { known, env } = run;
  const configured = configuredModel(run.configs());
  const isLeft = run.model === undefined && isChosen(run, configured);
  const model = run.model ?? (isLeft ? undefined : defaultModel(known.usable, known.settings, known.catalog));
  const config = placeRunConfig({
    ...run,
    plugins: [placePlugin({ ...run, settings: known.settings.opencode, shellEnv: shellEnv(run) })],
    model,
    listing: "all",
    keepsRoom: true,
    tokenHeader: TOKEN_HEADER,
    // It would silently replace a model that it does not know.
    listedToo: [configured, model].filter((one) => one !== undefined),
    more: isLeft || model !== undefined ? {} : WITHOUT_FREE,
  });
  const usesAcp = findCommand(run.words).word === "acp";
  return {
    providers: [CHAIN_PROVIDER, ...known.usable.map(({ id }) => opencodeId(id))],
    env: {
      ...config.env,
      ...(usesAcp ? { OPENCODE_MODELS_PATH: run.runDir.write("models.json", NO_TABLE) } : {}),
      // It would update itself during this run.
      ...(env["OPENCODE_DISABLE_AUTOUPDATE"] === undefined ? { OPENCODE_DISABLE_AUTOUPDATE: "1" } : {}),
    },
    // It prefers a key in the environment to the one in its configuration.
    without: known.usable.flatMap(({ id }) => keyVariables(id)),
    tellModels: config.tellModels,
  };
}

/** Variables of a run with which another opencode would use its proxy. */
const RUN_VARIABLES = [
  "OPENCODE_CONFIG",
  "OPENCODE_CONFIG_CONTENT",
  "OPENCODE_MODELS_PATH",
  "OPENCODE_DISABLE_AUTOUPDATE",
  "OROUTER_RUN_ID",
  "OROUTER_ADDED",
];

/** The user's own values: an opencode in the shell tool may leave its background service running. */
function shellEnv({ env, runRoot }: RunParts): Record<string, string | null> {
  const own = cleanEnv(env, runRoot);
  return Object.fromEntries(RUN_VARIABLES.map((name) => [name, own[name] ?? null]));
}

/** Keep variables that other tools need: opencode knows none of our providers by them. */
function keyVariables(id: string): readonly string[] {
  const preset = findPreset(id);
  return preset === undefined || preset.sharedEnv ? [] : preset.env;
}

/**
 * Whether the user has chosen a model that opencode will use. A choice in its interface counts only there; and
 * OpenCode's own free models, its default, bypass us.
 */
function isChosen(run: RunParts, configured: string | undefined): boolean {
  if (configured !== undefined) return true;
  if (!hasInterface(run.words)) return false;
  const ours = new Set([CHAIN_PROVIDER, ...run.known.usable.map(({ id }) => opencodeId(id))]);
  const [latest, ...others] = recentModels(run).map((ref) => ref.slice(0, ref.indexOf("/")));
  return latest !== undefined && latest !== "opencode" && [latest, ...others].some((id) => ours.has(id));
}
