import type { Catalog } from "../core/catalog/catalog.ts";
import type { ProfileName } from "../core/client/client-profile.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { SignalRules } from "./run/child.ts";
import type { Env } from "./run/child-env.ts";
import type { ProgramFacts } from "./run/program.ts";
import type { RunDir } from "./run/run-dir.ts";

/** Where a coding agent is looked for. */
export interface LocateOptions {
  settings: Settings;
  env: Env;
  home: string;
  /** Our own executable: a link of the agent's name to orouter must not start itself for ever. */
  self: string;
}

/** A way to install a coding agent. */
export interface Install {
  /** What is installed by it, as a person would say it. */
  what: string;
  command: readonly string[];
}

/** A coding agent that is started by its name, in whichever version it is installed. */
export interface Agent {
  name: string;
  /** Best first. */
  installs: readonly Install[];
  /** The program to start; a Problem when it is not there. */
  locate: (options: LocateOptions) => string;
  /** Programs of this name that the first one hides. */
  findOthers: (used: string, options: Omit<LocateOptions, "settings">) => string[];
  /** Names of npm packages whose version is the program's. */
  packages: RegExp;
  /** Words that only make the program tell something of itself, in every version: its version need not be known. */
  isInfo: (words: readonly string[]) => boolean;
  harnessFor: (version: string | undefined) => Harness;
  /** The user's environment without anything of a run of ours that surrounds this one. */
  cleanEnv: (env: Env, runRoot: string) => Record<string, string>;
}

/** How the agent has to be started for some words. */
export type StartPlan =
  /** It asks no model, or not through us: started as it is, with a clean environment. */
  | { kind: "plain"; args: readonly string[]; note?: string }
  /** Behind the proxy. */
  | { kind: "routed"; args: readonly string[] };

/** What the models that an agent is told of come from. */
export interface Known {
  settings: Settings;
  /** The providers with a key. */
  usable: readonly Provider[];
  catalog: Catalog | undefined;
}

/** All that a harness needs to prepare one run. */
export interface RunParts {
  runDir: RunDir;
  runRoot: string;
  /** Names the run; tells nothing of its folder. */
  runId: string;
  /** The proxy, without a slash at its end. */
  url: string;
  tokenFile: string;
  /** The agent's own words. */
  words: readonly string[];
  env: Env;
  home: string;
  /** What the user's own configurations of the agent say, the last one strongest; undefined for an unreadable one. */
  configs: () => readonly { value: Record<string, unknown> | undefined }[];
  known: Known;
  /** The model to start with, whatever the user has chosen elsewhere; absent: a usual one, where they have chosen none. */
  model?: string | undefined;
}

/** A run that is prepared: its files are written. */
export interface PreparedRun {
  env: Record<string, string>;
  /** Variables of the user's that the agent must not have. */
  without: readonly string[];
  /** Tells of the models as they are now; whether that is anything new to an agent that looks again. */
  tellModels: (known: Known) => boolean;
}

/** A range of versions of a coding agent, and all that is particular to starting it. */
export interface Harness {
  profile: ProfileName;
  /** The first version that can be used, and the one that everything was measured with. */
  versions: { oldest: readonly number[]; tried: string };
  plan: (words: readonly string[], program: ProgramFacts) => Promise<StartPlan>;
  prepare: (run: RunParts) => PreparedRun;
  signals: SignalRules;
  /** Whether these words make it print line by line: then others may print lines too. */
  printsLines: (words: readonly string[]) => boolean;
  /** Whether our plugin is bound to be at work in a terminal with these words. */
  showsPlugin: (words: readonly string[], env: Env) => boolean;
  /** Whether a provider's list of models has to be there when it starts, since it knows none of its own. */
  waitsForList: (provider: Provider) => boolean;
  /** Whether a server plugin makes it install a package from npm before the first prompt. */
  waitsForNpm: boolean;
}
