import { basename } from "node:path";
import { say } from "../cli/io.ts";
import type { Catalog } from "../core/catalog/catalog.ts";
import { withAskedModel } from "../core/overlay/asked-model.ts";
import { overlayProviders } from "../core/overlay/opencode-providers.ts";
import { buildOverlay, type JsonObject, layOver } from "../core/overlay/overlay.ts";
import { EXIT, Problem } from "../core/problem.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import { type ChildEnd, runChild } from "../opencode/child.ts";
import { childEnv, MAX_ENV_BYTES } from "../opencode/child-env.ts";
import { startGuard } from "../opencode/guard.ts";
import { placePlugins } from "../opencode/place-plugins.ts";
import { RUN_FILES } from "../opencode/run-card.ts";
import { createRunDir, type RunDir } from "../opencode/run-dir.ts";
import { announceRun } from "./announce-run.ts";
import type { Routing } from "./routing.ts";
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
  joinDisk?: (routing: Routing, tally: RunTally) => Promise<() => void>;
  /** The model to start with, where there is a reason to choose one. */
  chooseModel?: (usable: readonly Provider[]) => string | undefined;
  extraEnv?: Record<string, string>;
  /** How `status` names the run; absent for one that it should not show. */
  runName?: string;
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
    const env = environment(options, routing, runDir);
    if (options.runName !== undefined) announceRun(runDir, { what: options.runName, url: routing.proxy.url });
    let guard: ReturnType<typeof startGuard>;
    let kept: Promise<(() => void) | undefined> | undefined;
    const end = await runChild({
      file: options.file,
      args: options.args,
      env,
      onStart: (pid) => {
        guard = startGuard(pid, runDir.path);
        kept = options.joinDisk?.(routing, tally).catch((error) => void tally.noteBug(error));
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

function environment(options: LaunchOptions, routing: Routing, runDir: RunDir): Record<string, string> {
  const tokenFile = runDir.write(RUN_FILES.token, routing.token);
  const runId = basename(runDir.path);
  const model = options.chooseModel?.(routing.usable);
  const ours = buildOverlay({
    baseUrl: routing.proxy.url,
    tokenFile,
    runId,
    providers: withAskedModel(
      overlayProviders(routing.usable, options.settings, options.catalog),
      options.args,
      { settings: options.settings, catalog: options.catalog },
    ),
    ...(model === undefined ? {} : { model }),
  });
  const plugins = placePlugins({
    runDir,
    url: routing.proxy.url,
    tokenFile,
    env: options.env,
    args: options.args,
    settings: options.settings.opencode,
  });
  if (plugins.entries.length > 0) ours["plugin"] = plugins.entries;
  const extra: Record<string, string> = { OROUTER_RUN_ID: runId, ...plugins.env, ...options.extraEnv };
  const theirs = parseTheirs(options.env["OPENCODE_CONFIG_CONTENT"]);
  const content = JSON.stringify(theirs === undefined ? ours : layOver(theirs, ours));
  if (Buffer.byteLength(content) <= MAX_ENV_BYTES) extra["OPENCODE_CONFIG_CONTENT"] = content;
  else placeInFile(content, options, runDir, extra);
  return childEnv(options.env, { keyVariables: options.keyVariables, extra });
}

/** Too large for one variable: a file does it too, if the user has no such file already. */
function placeInFile(
  content: string,
  options: LaunchOptions,
  runDir: RunDir,
  extra: Record<string, string>,
): void {
  if (options.env["OPENCODE_CONFIG"] !== undefined) {
    throw new Problem({
      code: "overlay-too-large",
      what: "The list of models is too long to hand to opencode beside your own OPENCODE_CONFIG.",
      fix: "Name fewer models under [providers.*] models, or unset OPENCODE_CONFIG.",
      exit: EXIT.config,
    });
  }
  extra["OPENCODE_CONFIG"] = runDir.write("opencode.json", content);
}

function parseTheirs(text: string | undefined): JsonObject | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  try {
    const value: unknown = Bun.JSONC.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Said below: opencode itself would print the whole value, keys in it included.
  }
  throw new Problem({
    code: "config-content",
    what: "OPENCODE_CONFIG_CONTENT is set, but it is no JSON object.",
    fix: "Correct it or unset it; orouter lays its own settings over yours.",
    exit: EXIT.config,
  });
}
