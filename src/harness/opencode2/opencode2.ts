import { TOKEN_HEADER } from "../../core/client/token-header.ts";
import { CHAIN_PROVIDER } from "../../core/model-ref.ts";
import { defaultModel } from "../../core/overlay/default-model.ts";
import { opencodeId } from "../../core/overlay/opencode-providers.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { findPreset } from "../../core/settings/presets.ts";
import type { Harness, PreparedRun, RunParts, StartPlan } from "../harness.ts";
import { configuredModel, recentModels } from "../opencode/chosen-model.ts";
import { cleanEnv } from "../opencode/clean-env.ts";
import { placeRunConfig } from "../opencode/run-config.ts";
import type { ProgramFacts } from "../run/program.ts";
import { placePlugin } from "./plugin-folder.ts";
import { openServer } from "./private-server.ts";
import { findCommand, hasCommand, judge, takesPrivate, withPrivate } from "./words.ts";

/**
 * opencode 2: a client and a server. Without a private server its client uses the user's background service, which
 * keeps the environment of whoever started it; so none is started with ours but behind `--standalone`.
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
    // By these it would write a snapshot of its memory, or a profile.
    ignored: ["SIGUSR1", "SIGUSR2"],
    terminatedCode: 130,
  },
  printsLines: (words) => findCommand(words).word === "run",
  showsPlugin: hasInterface,
  waitsForList: () => true,
  waitsForNpm: false,
};

/** Without a word, or with a folder, it shows its interface. */
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

/** A command of a newer version, or a folder: its page of help tells. Without an answer the strict way is taken. */
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
 * Over ACP it starts a session with any model that it knows before it has read its configuration: one of OpenCode's free
 * ones. With an empty table in place of its own it waits for ours.
 */
const NO_TABLE = "{}";

/** Where no model of ours is known to start with, it must not take one of its own that does not go through us. */
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
    // It would take another model in place of one that it does not know, without a word.
    listedToo: [configured, model].filter((one) => one !== undefined),
    more: isLeft || model !== undefined ? {} : WITHOUT_FREE,
  });
  const usesAcp = findCommand(run.words).word === "acp";
  return {
    providers: [CHAIN_PROVIDER, ...known.usable.map(({ id }) => opencodeId(id))],
    env: {
      ...config.env,
      ...(usesAcp ? { OPENCODE_MODELS_PATH: run.runDir.write("models.json", NO_TABLE) } : {}),
      // It would put another version in its own place, under this run.
      ...(env["OPENCODE_DISABLE_AUTOUPDATE"] === undefined ? { OPENCODE_DISABLE_AUTOUPDATE: "1" } : {}),
    },
    // It prefers a key in the environment to the one of its configuration.
    without: known.usable.flatMap(({ id }) => keyVariables(id)),
    tellModels: config.tellModels,
  };
}

/** Variables of a run by which another opencode would use its proxy. */
const RUN_VARIABLES = [
  "OPENCODE_CONFIG",
  "OPENCODE_CONFIG_CONTENT",
  "OPENCODE_MODELS_PATH",
  "OPENCODE_DISABLE_AUTOUPDATE",
  "OROUTER_RUN_ID",
  "OROUTER_ADDED",
];

/** The user's own values for them: an opencode that the shell tool starts may leave its background service running. */
function shellEnv({ env, runRoot }: RunParts): Record<string, string | null> {
  const own = cleanEnv(env, runRoot);
  return Object.fromEntries(RUN_VARIABLES.map((name) => [name, own[name] ?? null]));
}

/** Variables that other tools live on stay: opencode knows no provider of ours by them. */
function keyVariables(id: string): readonly string[] {
  const preset = findPreset(id);
  return preset === undefined || preset.sharedEnv ? [] : preset.env;
}

/**
 * Whether the user has chosen a model that opencode will take. What was picked in its interface counts only there; and
 * OpenCode's own free models, which it takes by itself where nothing is chosen, do not go through us.
 */
function isChosen(run: RunParts, configured: string | undefined): boolean {
  if (configured !== undefined) return true;
  if (!hasInterface(run.words)) return false;
  const ours = new Set([CHAIN_PROVIDER, ...run.known.usable.map(({ id }) => opencodeId(id))]);
  const [latest, ...others] = recentModels(run).map((ref) => ref.slice(0, ref.indexOf("/")));
  return latest !== undefined && latest !== "opencode" && [latest, ...others].some((id) => ours.has(id));
}
