import { homedir } from "node:os";
import { say } from "../cli/talk.ts";
import type { Catalog } from "../core/catalog/catalog.ts";
import type { ProfileName } from "../core/client/client-profile.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { Harness, OpenServer, PreparedRun, RunParts, StartPlan } from "../harness/harness.ts";
import { type ChildEnd, childEnv, type Env, runChild, withoutAdded } from "../harness/run/child.ts";
import { startGuard } from "../harness/run/guard.ts";
import { createRunDir, RUN_FILES, type RunCard, type RunDir } from "../harness/run/run-dir.ts";
import type { Routing } from "./routing.ts";
import { RunTally } from "./run-tally.ts";

export function announceRun(runDir: RunDir, run: Pick<RunCard, "what" | "url">): void {
  const card: RunCard = { ...run, pid: process.pid, sinceMs: Date.now(), folder: process.cwd() };
  runDir.write(RUN_FILES.card, JSON.stringify(card));
}

export interface LaunchOptions {
  name: string;
  harness: Harness;
  file: string;
  words: readonly string[];
  plan: Extract<StartPlan, { kind: "routed" }>;
  env: Env;
  runRoot: string;
  settings: Settings;
  /** Variables that contain our keys: hidden from the agent. */
  keyVariables: readonly string[];
  /** Models that the agent does not know itself. */
  catalog?: Catalog;
  configs: RunParts["configs"];
  startRouting: (options: { profile: ProfileName | undefined; onBug: (error: unknown) => void }) => Routing;
  /** Joins the run to the disk once the agent has started, and returns the end of that; absent where nothing is kept. */
  joinDisk?: (run: LaunchedRun) => Promise<() => Promise<void>>;
  /** Overrides the model that the user chose elsewhere. */
  model?: string;
  extraEnv?: Record<string, string>;
  isListed: boolean;
}

export interface LaunchedRun {
  routing: Routing;
  tally: RunTally;
  tellModels: PreparedRun["tellModels"];
}

/** Runs a coding agent behind its own proxy and removes everything of the run afterwards. */
export async function launch(options: LaunchOptions): Promise<ChildEnd> {
  const { name, harness } = options;
  const tally = new RunTally();
  const runDir = createRunDir(options.runRoot);
  const removeOnExit = (): void => runDir.remove();
  process.on("exit", removeOnExit);
  let server: OpenServer | undefined;
  try {
    const routing = options.startRouting({
      profile: harness.profile,
      onBug: (error) => tally.noteBug(error),
    });
    routing.router.subscribe((event) => tally.note(event));
    const { args = options.plan.args, env, providers, tellModels } = prepare(options, routing, runDir);
    if (options.isListed) announceRun(runDir, { what: name, url: routing.proxy.url });
    server = await options.plan.openServer?.({ file: options.file, env, providers });
    let guard: ReturnType<typeof startGuard>;
    let kept: Promise<(() => Promise<void>) | undefined> | undefined;
    const end = await runChild({
      file: options.file,
      args: [...args, ...(server?.args ?? [])],
      env: { ...env, ...server?.env },
      signals: harness.signals,
      onStart: (pid) => {
        guard = startGuard(pid, runDir.path, name);
        kept = options.joinDisk?.({ routing, tally, tellModels }).catch((error) => void tally.noteBug(error));
      },
    });
    guard?.dismiss();
    await routing.proxy.stop();
    await (await kept)?.();
    const summary = tally.summary();
    // Separate the report from the agent's output.
    if (summary !== "") say(tally.isExhausted ? `\n${summary}` : summary);
    return end;
  } finally {
    server?.stop();
    runDir.remove();
    process.off("exit", removeOnExit);
  }
}

function prepare(options: LaunchOptions, routing: Routing, runDir: RunDir) {
  const { harness, settings, catalog, words, runRoot, configs, model } = options;
  const env = withoutAdded(options.env);
  // Every project can read the id, so it must not reveal the path of the token.
  const runId = crypto.randomUUID();
  const prepared = harness.prepare({
    file: options.file,
    runDir,
    runRoot,
    runId,
    url: routing.proxy.url,
    tokenFile: runDir.write(RUN_FILES.token, routing.token),
    token: routing.token,
    words,
    args: options.plan.args,
    env,
    home: env["HOME"] ?? homedir(),
    configs,
    known: { settings, usable: routing.usable, catalog },
    model,
  });
  const without = [...options.keyVariables, ...prepared.without];
  const extra = { OROUTER_RUN_ID: runId, ...prepared.env, ...options.extraEnv };
  return { ...prepared, env: childEnv(options.env, { without, extra }) };
}
