import { basename } from "node:path";
import { say } from "../cli/io.ts";
import type { Catalog } from "../core/catalog/catalog.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import { type ChildEnd, runChild } from "../opencode/child.ts";
import { childEnv } from "../opencode/child-env.ts";
import { startGuard } from "../opencode/guard.ts";
import { placePlugins } from "../opencode/place-plugins.ts";
import { RUN_FILES } from "../opencode/run-card.ts";
import { createRunDir, type RunDir } from "../opencode/run-dir.ts";
import { announceRun } from "./announce-run.ts";
import type { Routing } from "./routing.ts";
import { placeRunConfig, type RunConfig } from "./run-config.ts";
import { RunTally } from "./run-tally.ts";

export interface LaunchOptions {
  file: string;
  args: readonly string[];
  env: Record<string, string | undefined>;
  runRoot: string;
  settings: Settings;
  /** Variables whose keys we hold: opencode must not see them. */
  keyVariables: readonly string[];
  /** What opencode is told of models it does not know itself. */
  catalog?: Catalog;
  startRouting: (onBug: (error: unknown) => void) => Routing;
  /** Joins the run to the disk once opencode has started, and returns the end of that; absent where nothing is kept. */
  joinDisk?: (run: LaunchedRun) => Promise<() => void>;
  /** The model to start with, where there is a reason to choose one. */
  chooseModel?: (usable: readonly Provider[]) => string | undefined;
  extraEnv?: Record<string, string>;
  /** How `status` names the run; absent for one that it should not show. */
  runName?: string;
}

/** A run under way. */
export interface LaunchedRun {
  routing: Routing;
  tally: RunTally;
  tellModels: RunConfig["tell"];
}

/** Runs opencode behind a proxy of its own, and leaves nothing of the run behind. */
export async function launch(options: LaunchOptions): Promise<ChildEnd> {
  const tally = new RunTally();
  const runDir = createRunDir(options.runRoot);
  const removeOnExit = (): void => runDir.remove();
  process.on("exit", removeOnExit);
  try {
    const routing = options.startRouting((error) => tally.noteBug(error));
    routing.router.subscribe((event) => tally.note(event));
    const { env, tell } = environment(options, routing, runDir);
    if (options.runName !== undefined) announceRun(runDir, { what: options.runName, url: routing.proxy.url });
    let guard: ReturnType<typeof startGuard>;
    let kept: Promise<(() => void) | undefined> | undefined;
    const end = await runChild({
      file: options.file,
      args: options.args,
      env,
      onStart: (pid) => {
        guard = startGuard(pid, runDir.path);
        kept = options
          .joinDisk?.({ routing, tally, tellModels: tell })
          .catch((error) => void tally.noteBug(error));
      },
    });
    guard?.dismiss();
    await routing.proxy.stop();
    (await kept)?.();
    const summary = tally.summary();
    // A report stands apart from what opencode has said.
    if (summary !== "") say(tally.isExhausted ? `\n${summary}` : summary);
    return end;
  } finally {
    runDir.remove();
    process.off("exit", removeOnExit);
  }
}

interface Environment {
  env: Record<string, string>;
  tell: RunConfig["tell"];
}

function environment(options: LaunchOptions, routing: Routing, runDir: RunDir): Environment {
  const { settings, catalog, env, args, runRoot } = options;
  const { usable } = routing;
  const tokenFile = runDir.write(RUN_FILES.token, routing.token);
  const runId = basename(runDir.path);
  const baseUrl = routing.proxy.url;
  const plugins = placePlugins({ runDir, url: baseUrl, tokenFile, env, args, settings: settings.opencode });
  const model = options.chooseModel?.(usable);
  const config = placeRunConfig(
    { baseUrl, tokenFile, runId, runDir, runRoot, args, env, plugins: plugins.entries, model },
    { settings, usable, catalog },
  );
  const extra = { OROUTER_RUN_ID: runId, ...plugins.env, ...config.env, ...options.extraEnv };
  return { env: childEnv(env, { keyVariables: options.keyVariables, extra }), tell: config.tell };
}
