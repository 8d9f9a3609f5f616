import type { Catalog } from "../core/catalog/catalog.ts";
import type { ProfileName } from "../core/client/client-profile.ts";
import type { OpencodeNames } from "../core/opencode-config/opencode-config.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { Env, SignalRules } from "./run/child.ts";
import type { PrivateMachine } from "./run/private-places.ts";
import type { ProgramFacts } from "./run/program.ts";
import type { RunDir } from "./run/run-dir.ts";

export interface LocateOptions {
  settings: Settings;
  env: Env;
  home: string;
  /** Our own executable: a link of the agent's name to orouter must not start itself for ever. */
  self: string;
}

export interface Install {
  /** What is installed by it, as a person would say it. */
  what: string;
  command: readonly string[];
}

/** Where a project is looked at before an agent starts in it. */
export interface ProjectCheck extends PrivateMachine {
  /** The agent's own arguments: one of them may name the folder to work in. */
  args: readonly string[];
  /** Secrets of keys: a variable that holds one is not for a project to read. */
  secrets: readonly string[];
}

/** Where a background service is looked for, and the program that could stop it. */
export interface ServicePlaces {
  env: Env;
  home: string;
  runRoot: string;
  program: Pick<ProgramFacts, "file" | "version"> | undefined;
}

/** A background service with the settings of a run of ours: every client of the user's would be sent to that run's proxy. */
export interface LeftService {
  what: string;
  fix: string;
  pid: number;
  /** Stops it, and tells whether it is gone; undefined where its program is not there. */
  stop: (() => Promise<boolean>) | undefined;
}

/** A coding agent that is started by its name, in whichever version it is installed. */
export interface Agent {
  name: string;
  /** The table of config.toml with its settings. */
  table: string;
  /** The command that sends one prompt; undefined if the program itself notices that it has no terminal. */
  promptLine: string | undefined;
  /** Best first. */
  installs: readonly Install[];
  /** The program to start; a Problem when it is not there. */
  locate: (options: LocateOptions) => string;
  /** Whether the user has said where the program is. */
  isNamed: (options: Pick<LocateOptions, "settings" | "env">) => boolean;
  /** Programs of this name that the first one hides. */
  findOthers: (used: string, options: Omit<LocateOptions, "settings">) => string[];
  /** Names of npm packages whose version is the program's. */
  packages: RegExp;
  /** Words that only make the program tell something of itself, in every version: its version need not be known. */
  isInfo: (words: readonly string[]) => boolean;
  harnessFor: (version: string | undefined) => Harness;
  /** Stops with a Problem where the project's own files would have the agent give away private data. */
  checkProject: (check: ProjectCheck) => void;
  /** A background service that has kept the settings of a run of ours; undefined where there is none. */
  findLeftService: (at: ServicePlaces) => LeftService | undefined;
  /** The user's environment without anything of a run of ours that surrounds this one. */
  cleanEnv: (env: Env, runRoot: string) => Record<string, string>;
}

/** How the agent has to be started for some words. */
export type StartPlan =
  /** It asks no model, or not through us: started as it is, with a clean environment. */
  | { kind: "plain"; args: readonly string[]; note?: string }
  /** Behind the proxy; `openServer` for a command that needs a server which is ready. */
  | {
      kind: "routed";
      args: readonly string[];
      openServer?: (parts: ServerParts) => Promise<OpenServer>;
    };

export interface ServerParts {
  file: string;
  /** As for the agent itself. */
  env: Record<string, string>;
  /** The providers of ours, as the agent names them. */
  providers: readonly string[];
}

/** A server of the agent for one command, which is told of it in its words and environment. */
export interface OpenServer {
  args: readonly string[];
  env: Record<string, string>;
  stop: () => void;
}

/** What the models that an agent is told of come from. */
export interface Known {
  settings: Settings;
  /** The providers with a key. */
  usable: readonly Provider[];
  catalog: Catalog | undefined;
}

/** Where a fork of opencode has its configuration: its variables have opencode's names here. */
export interface ConfigPlace {
  env: Env;
  names: OpencodeNames;
}

/** All that a harness needs to prepare one run. */
export interface RunParts {
  file: string;
  runDir: RunDir;
  runRoot: string;
  /** Names the run; tells nothing of its folder. */
  runId: string;
  /** The proxy, without a slash at its end. */
  url: string;
  tokenFile: string;
  /** What the file holds. */
  token: string;
  /** What people typed, and the words of the plan for it. */
  words: readonly string[];
  args: readonly string[];
  env: Env;
  home: string;
  /**
   * What the user's own configurations of opencode, or of a fork of it, say, the last one strongest; undefined for an
   * unreadable one.
   */
  configs: (place?: ConfigPlace) => readonly { value: Record<string, unknown> | undefined }[];
  known: Known;
  /** The model to start with, whatever the user has chosen elsewhere; absent: a usual one, where they have chosen none. */
  model?: string | undefined;
}

/** A run that is prepared: its files are written. */
export interface PreparedRun {
  env: Record<string, string>;
  /** The words to start with, where they depend on the run; absent: those of the plan. */
  args?: readonly string[];
  /** The providers of ours, as the agent names them. */
  providers: readonly string[];
  /** Variables of the user's that the agent must not have. */
  without: readonly string[];
  /** Tells of the models as they are now; whether that is anything new to an agent that looks again. */
  tellModels: (known: Known) => boolean;
}

/** A range of versions of a coding agent, and all that is particular to starting it. */
export interface Harness {
  /** Undefined: the user-agent of each request decides. */
  profile: ProfileName | undefined;
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
