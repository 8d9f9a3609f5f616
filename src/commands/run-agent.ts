import { isInteractive, say } from "../cli/talk.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { opencodePlace, readOpencodeConfigs } from "../config/opencode-configs.ts";
import { type Paths, resolvePaths } from "../config/paths.ts";
import type { Problem } from "../core/problem.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { Agent, Harness, StartPlan } from "../harness/harness.ts";
import { writePluginMark } from "../harness/opencode/run-config.ts";
import { AGENTS, type AgentName } from "../harness/registry.ts";
import { type ChildEnd, childEnv, runChild } from "../harness/run/child.ts";
import { hideVariables } from "../harness/run/own-memory.ts";
import type { ControlHooks } from "../proxy/control.ts";
import type { Router } from "../proxy/router.ts";
import { loadRunCatalog, providersWithKey } from "./catalog.ts";
import { noKey, readUserFiles, type UserFiles, type UserPlaces } from "./context.ts";
import { agentFacts, checkProject, findAgent, offerStop, requireTerminal } from "./find-agent.ts";
import { launch } from "./launch.ts";
import { startRouting } from "./routing.ts";
import { keepState, type State } from "./state.ts";

export interface PluginHooks {
  hooks: ControlHooks;
  onState: (state: Pick<State, "ledger">) => void;
}

export interface PluginHooksOptions {
  paths: Pick<Paths, "configFile">;
  settings: Settings;
  onListener: () => void;
}

/** Chain edits go to the user's config.toml, benchmarks come from the ledger. */
export function pluginHooks({ paths, settings, onListener }: PluginHooksOptions): PluginHooks {
  let benches: ControlHooks["benches"];
  return {
    hooks: {
      benches: () => benches?.() ?? [],
      moveInChain: async (chain, asked, move) => {
        const { moveInChain } = await import("../config/config-edits.ts");
        return (await moveInChain(paths, { chain, asked }, move)).models;
      },
      onListener,
      givesKeys: settings.opencode.shellKeys,
    },
    onState: ({ ledger }) => {
      benches = () => ledger.benches();
    },
  };
}

export interface PluginWatchOptions {
  /** Whether the agent shows its interface, and with it our plugin. */
  isShown: boolean;
  cacheDir: string;
}

/** Finds out whether the agent has loaded the plugin of this run. */
export interface PluginWatch {
  heard: () => void;
  follow: (router: Router) => void;
  /** Called after the agent has ended; saves the result for `doctor`. */
  settle: () => void;
}

/** If a prompt was answered and no plugin has connected, opencode did not load it. */
export function watchPlugin({ isShown, cacheDir }: PluginWatchOptions): PluginWatch {
  let isHeard = false;
  let isAsked = false;
  const isExpected = process.stdout.isTTY && isShown;
  return {
    heard: () => {
      isHeard = true;
    },
    follow: (router) => {
      router.subscribe(({ kind }) => {
        isAsked ||= kind === "finished";
      });
    },
    settle: () => {
      if (!isExpected || !(isHeard || isAsked)) return;
      writePluginMark(cacheDir, isHeard ? undefined : Date.now());
    },
  };
}

export async function runAgent(name: AgentName, words: readonly string[]): Promise<ChildEnd> {
  // A copy: the variables that hold keys are taken out of the process's own before the agent starts.
  const env = { ...process.env };
  const paths = resolvePaths(env);
  const [agent, config] = await Promise.all([AGENTS[name].load(), loadConfig(paths)]);
  const places = { env, paths };
  const file = await findAgent(agent, { ...places, settings: config.settings });
  const start: AgentStart = { agent, file, words, places, config };
  if (agent.isInfo(words)) return runPlain(start, agent.harnessFor(undefined));
  const { program, harness } = await agentFacts(agent, file, places);
  await offerStop(agent.findLeftService({ ...opencodePlace(env), runRoot: paths.runRoot, program }));
  const plan = await harness.plan(words, program);
  if (plan.kind === "routed") return runRouted(start, harness, plan);
  if (plan.note !== undefined) say(`[orouter] ${plan.note}`);
  return runPlain({ ...start, words: plan.args }, harness);
}

/** An agent, or another program, about to be started behind the proxy. */
export interface RoutedStart {
  agent: Pick<Agent, "name" | "promptLine" | "cleanEnv" | "checkProject">;
  file: string;
  words: readonly string[];
  places: UserPlaces;
  config: LoadedConfig;
}

interface AgentStart extends RoutedStart {
  agent: Agent;
}

function runPlain({ agent, file, words, places }: AgentStart, { signals }: Harness): Promise<ChildEnd> {
  const env = agent.cleanEnv(places.env, places.paths.runRoot);
  // `--help` and `--version` read no configuration.
  if (!agent.isInfo(words)) checkProject(agent, places, { env, args: words, secrets: [] });
  return runChild({ file, args: words, env, signals });
}

export async function runRouted(
  start: RoutedStart,
  harness: Harness,
  plan: Extract<StartPlan, { kind: "routed" }>,
): Promise<ChildEnd> {
  const { agent, file, words, places } = start;
  const { env, paths } = places;
  const here = opencodePlace(agent.cleanEnv(env, paths.runRoot));
  const files = await usableFiles(start);
  if (words.length === 0) requireTerminal(agent);
  const { settings, keys, variables } = files;
  const seen = childEnv(env, { without: variables, extra: {} });
  checkProject(agent, places, { env: seen, args: words, secrets: keys.map(({ secret }) => secret) });
  await hideVariables(variables);
  const run = await loadRunCatalog({ settings, keys, paths, isWaitedFor: harness.waitsForList });
  const { catalog } = run;
  const isPluginShown = settings.opencode.plugin && harness.showsPlugin(words, env);
  const watch = watchPlugin({ isShown: isPluginShown, cacheDir: paths.cacheDir });
  const { hooks, onState } = pluginHooks({ paths, settings, onListener: watch.heard });
  const end = await launch({
    name: agent.name,
    harness,
    file,
    words,
    plan,
    env,
    runRoot: paths.runRoot,
    settings,
    keyVariables: variables,
    catalog,
    configs: (place) => readOpencodeConfigs({ ...here, env: place?.env ?? here.env }, place?.names),
    startRouting: (more) => startRouting({ settings, keys, catalog, control: hooks, ...more }),
    isListed: true,
    joinDisk: async ({ routing, tally, tellModels }) => {
      const { followFiles } = await import("./follow-files.ts");
      const { router } = routing;
      const unfollow = followFiles({
        places,
        routing,
        begun: { ...files, run },
        learn: (now, models) => {
          routing.know(models);
          const known = { settings: now.settings, usable: providersWithKey(now), catalog: models };
          if (tellModels(known)) router.emit({ kind: "models-changed" });
        },
        onNote: (note) => tally.noteWord(note),
        onBug: (error) => tally.noteBug(error),
      });
      watch.follow(router);
      const onTrouble = (problem: Problem): void => tally.noteTrouble(problem);
      const forget = await keepState({
        ...{ paths, settings, router, what: agent.name, onOpen: onState, onTrouble },
      });
      return async () => {
        unfollow();
        await forget();
      };
    },
  });
  run.stop();
  watch.settle();
  return end;
}

/** The user's files. Where there is no key in them and a person to ask, keys are asked for first. */
async function usableFiles({ agent, places, config }: RoutedStart): Promise<UserFiles> {
  const files = await readUserFiles(places, config);
  for (const note of files.notes) say(`[orouter] ${note}`);
  if (files.keys.some((key) => key.enabled)) return files;
  if (files.keys.length > 0 || !isInteractive()) throw noKey(files.keys.length);
  const { runSetup } = await import("./setup/setup.ts");
  const guide = await runSetup({ ...places, settings: files.settings, keys: [] });
  guide.end(`Starting ${agent.name}.`);
  return readUserFiles(places);
}
