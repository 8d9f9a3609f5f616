import { homedir } from "node:os";
import { say } from "../cli/io.ts";
import { loadKeys } from "../config/keys.ts";
import { loadConfig } from "../config/load.ts";
import { resolvePaths } from "../config/paths.ts";
import { defaultModel } from "../core/overlay/default-model.ts";
import { EXIT, Problem } from "../core/problem.ts";
import { type ChildEnd, runChild } from "../opencode/child.ts";
import { hasChosenModel } from "../opencode/chosen-model.ts";
import { locateOpencode } from "../opencode/locate.ts";
import { isPlainCommand } from "../opencode/plain-command.ts";
import { keepState } from "./keep-state.ts";
import { launch } from "./launch.ts";
import { findOrOfferOpencode } from "./offer-opencode.ts";
import { startRouting } from "./routing.ts";
import { loadRunCatalog } from "./run-catalog.ts";

/** `orouter opencode …`: opencode behind the router. Every word is opencode's own. */
export async function runOpencode(words: readonly string[]): Promise<ChildEnd> {
  const { env } = process;
  const paths = resolvePaths(env);
  const { settings, warnings } = await loadConfig(paths);
  const where = { configured: settings.opencode.path, env, home: homedir(), self: process.execPath };
  const file = await findOrOfferOpencode(() => locateOpencode(where));
  if (isPlainCommand(words)) return runChild({ file, args: words, env: definedOnly(env) });

  const { keys, notes, variables } = await loadKeys({ paths, settings, env });
  for (const note of [...warnings, ...notes]) say(`[orouter] ${note}`);
  if (!keys.some((key) => key.enabled)) throw noKey(keys.length);
  const { catalog, stop } = await loadRunCatalog({ settings, keys, paths });
  const end = await launch({
    file,
    args: words,
    env,
    runRoot: paths.runRoot,
    settings,
    keyVariables: variables,
    catalog,
    startRouting: (onBug) => startRouting({ settings, keys, catalog, onBug }),
    chooseModel: (usable) => {
      const isChosen = hasChosenModel({ env, home: homedir(), cwd: process.cwd() });
      return isChosen ? undefined : defaultModel(usable, settings);
    },
    keepState: (router, onTrouble) => keepState({ paths, settings, keys, router, onTrouble }),
  });
  stop();
  return end;
}

/** Without a key there is nothing to route; the way to the first one is named. */
export function noKey(disabled: number): Problem {
  const what = disabled === 0 ? "There is no key anywhere." : `All ${disabled} keys are disabled.`;
  return new Problem({
    code: "no-key",
    what,
    fix:
      disabled === 0
        ? "Add one: orouter keys add ollama-cloud (or nvidia, openrouter, …), or set OLLAMA_API_KEY. To see it work without any account: orouter demo"
        : "See them with: orouter keys list; and take one back with: orouter keys enable NAME",
    exit: EXIT.noKey,
  });
}

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}
