import { existsSync } from "node:fs";
import { out, outJson } from "../../cli/io.ts";
import { talk } from "../../cli/talk.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { loadKeys } from "../../config/keys.ts";
import { loadKeyEntries } from "../../config/keys-file.ts";
import { loadConfig } from "../../config/load.ts";
import { type Paths, resolvePaths } from "../../config/paths.ts";
import { EXIT, Problem } from "../../core/problem.ts";

/** `orouter config check`: both files, so that one mistake does not hide the other. */
export const configCheckVerb: Verb = {
  name: "check",
  about: "Whether config.toml and keys.toml are right; exit 3 and the place if not",
  examples: [{ line: "orouter config check", does: "says what is wrong, where, and what is allowed" }],
  args: { json: { type: "boolean", description: 'Print {"ok":true,"warnings":[…]}' } },
  run: check,
  children: {},
};

async function check(args: VerbArgs): Promise<number> {
  const { env } = process;
  const paths = resolvePaths(env);
  const [config, entries] = await Promise.allSettled([loadConfig(paths), loadKeyEntries(paths)]);
  if (config.status === "rejected" && entries.status === "rejected")
    throw both(config.reason, entries.reason);
  if (config.status === "rejected") throw config.reason;
  if (entries.status === "rejected") throw entries.reason;
  const { settings, warnings } = config.value;
  // Reading the entries has tightened the file, if need be; the rest of what is odd shows when the keys are gathered.
  const { notes } = await loadKeys({ paths, settings, env });
  const all = [...warnings, ...entries.value.notes, ...notes];
  if (args["json"] === true) outJson({ ok: true, warnings: all });
  else tell(paths, all);
  return EXIT.fine;
}

function tell(paths: Paths, warnings: readonly string[]): void {
  for (const warning of warnings) talk.warn(warning);
  out(
    existsSync(paths.configFile)
      ? "config.toml is fine"
      : "There is no config.toml; the defaults are in force",
  );
  out(existsSync(paths.keysFile) ? "keys.toml is fine" : "There is no keys.toml");
}

function both(first: unknown, second: unknown): unknown {
  if (!(first instanceof Problem) || !(second instanceof Problem))
    return first instanceof Problem ? second : first;
  return new Problem({
    code: first.code,
    what: `${first.message}\n${second.message}`,
    ...(first.fix === undefined ? {} : { fix: first.fix }),
    exit: EXIT.config,
  });
}
