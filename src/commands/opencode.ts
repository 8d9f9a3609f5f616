import { homedir } from "node:os";
import { isInteractive, say } from "../cli/io.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { readOpencodeConfigs } from "../config/opencode-configs.ts";
import { opencodePlace } from "../config/opencode-place.ts";
import { resolvePaths } from "../config/paths.ts";
import { defaultModel } from "../core/overlay/default-model.ts";
import type { Problem } from "../core/problem.ts";
import { type ChildEnd, runChild } from "../opencode/child.ts";
import { hasChosenModel } from "../opencode/chosen-model.ts";
import { locateOpencode } from "../opencode/locate.ts";
import { isPlainCommand } from "../opencode/plain-command.ts";
import { keepState } from "./keep-state.ts";
import { launch } from "./launch.ts";
import { providersWithKey } from "./models/open-catalog.ts";
import { noKey } from "./no-key.ts";
import { findOrOfferOpencode } from "./offer-opencode.ts";
import { pluginPowers } from "./plugin-powers.ts";
import { readUserFiles, type UserFiles, type UserPlaces } from "./read-user-files.ts";
import { startRouting } from "./routing.ts";
import { loadRunCatalog } from "./run-catalog.ts";
import { watchPlugin } from "./watch-plugin.ts";

/** `orouter opencode …`: opencode behind the router. Every word is opencode's own. */
export async function runOpencode(words: readonly string[]): Promise<ChildEnd> {
  const { env } = process;
  const paths = resolvePaths(env);
  const config = await loadConfig(paths);
  const where = { configured: config.settings.opencode.path, env, home: homedir(), self: process.execPath };
  const file = await findOrOfferOpencode(() => locateOpencode(where));
  if (isPlainCommand(words)) return runChild({ file, args: words, env: definedOnly(env) });

  const places = { env, paths };
  const here = opencodePlace(env);
  const files = await usableFiles(places, config);
  const { settings, keys, variables } = files;
  const run = await loadRunCatalog({ settings, keys, paths });
  const { catalog } = run;
  const watch = watchPlugin({ settings, args: words, env, cacheDir: paths.cacheDir });
  const { powers, onState } = pluginPowers({ paths, settings, onListener: watch.heard });
  const end = await launch({
    file,
    args: words,
    env,
    runRoot: paths.runRoot,
    settings,
    keyVariables: variables,
    catalog,
    startRouting: (onBug) => startRouting({ settings, keys, catalog, control: powers, onBug }),
    chooseModel: (usable) => {
      const isChosen = hasChosenModel({ ...here, configs: readOpencodeConfigs(here) });
      return isChosen ? undefined : defaultModel(usable, settings);
    },
    runName: "opencode",
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
      const forget = await keepState({ paths, settings, keys, router, onOpen: onState, onTrouble });
      return () => {
        unfollow();
        forget();
      };
    },
  });
  run.stop();
  watch.settle();
  return end;
}

/** The user's files. Where there is no key in them and somebody to ask, keys are asked for first. */
async function usableFiles(places: UserPlaces, config: LoadedConfig): Promise<UserFiles> {
  const files = await readUserFiles(places, config);
  for (const note of files.notes) say(`[orouter] ${note}`);
  if (files.keys.some((key) => key.enabled)) return files;
  if (files.keys.length > 0 || !isInteractive()) throw noKey(files.keys.length);
  const { runSetup } = await import("./setup/run-setup.ts");
  const guide = await runSetup({ ...places, settings: files.settings, keys: [] });
  guide.end("opencode starts.");
  return readUserFiles(places);
}

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}
