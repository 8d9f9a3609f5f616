import { basename } from "node:path";
import { say } from "../cli/io.ts";
import type { Catalog } from "../core/catalog/catalog.ts";
import { overlayProviders } from "../core/overlay/opencode-providers.ts";
import { buildOverlay, type JsonObject, layOver } from "../core/overlay/overlay.ts";
import { EXIT, Problem } from "../core/problem.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import { type ChildEnd, runChild } from "../opencode/child.ts";
import { childEnv, MAX_ENV_BYTES } from "../opencode/child-env.ts";
import { startGuard } from "../opencode/guard.ts";
import { createRunDir, type RunDir } from "../opencode/run-dir.ts";
import type { Router } from "../proxy/router.ts";
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
  /** Joins the run to what is kept on disk; absent where nothing is to be kept. */
  keepState?: (router: Router, onTrouble: (problem: Problem) => void) => Promise<() => void>;
  /** The model to start with, where there is a reason to choose one. */
  chooseModel?: (usable: readonly Provider[]) => string | undefined;
  extraEnv?: Record<string, string>;
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
    let guard: ReturnType<typeof startGuard>;
    let kept: Promise<(() => void) | undefined> | undefined;
    const end = await runChild({
      file: options.file,
      args: options.args,
      env,
      onStart: (pid) => {
        guard = startGuard(pid, runDir.path);
        kept = options
          .keepState?.(routing.router, (problem) => tally.noteTrouble(problem))
          .catch((error) => void tally.noteBug(error));
      },
    });
    guard?.dismiss();
    await routing.proxy.stop();
    (await kept)?.();
    const summary = tally.summary();
    if (summary !== "") say(summary);
    return end;
  } finally {
    runDir.remove();
    process.off("exit", removeOnExit);
  }
}

function environment(options: LaunchOptions, routing: Routing, runDir: RunDir): Record<string, string> {
  const tokenFile = runDir.write("token", routing.token);
  const runId = basename(runDir.path);
  const model = options.chooseModel?.(routing.usable);
  const ours = buildOverlay({
    baseUrl: routing.proxy.url,
    tokenFile,
    runId,
    providers: overlayProviders(routing.usable, options.settings, options.catalog),
    ...(model === undefined ? {} : { model }),
  });
  const extra: Record<string, string> = { OROUTER_RUN_ID: runId, ...options.extraEnv };
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
