import { out, outJson, say } from "../../cli/io.ts";
import { talk } from "../../cli/talk.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { readToml } from "../../config/toml-file.ts";
import { EXIT } from "../../core/problem.ts";
import { redact } from "../../core/redact.ts";
import { settingsText } from "./settings-text.ts";

/** `orouter config show`: what holds, defaults included. */
export const configShowVerb: Verb = {
  name: "show",
  about: "The settings in force, and which of them come from config.toml",
  examples: [
    { line: "orouter config show", does: "as a config.toml that says everything" },
    { line: "orouter config show --json", does: "as one object, durations in milliseconds" },
  ],
  args: { json: { type: "boolean", description: "Print the settings as one object" } },
  run: show,
  children: {},
};

async function show(args: VerbArgs): Promise<number> {
  const paths = resolvePaths(process.env);
  const { settings, warnings } = await loadConfig(paths);
  for (const warning of warnings) talk.warn(warning);
  if (args["json"] === true) {
    outJson(JSON.parse(JSON.stringify(settings, plain)));
    return EXIT.fine;
  }
  const file = await readToml(paths.configFile);
  say(
    file === undefined
      ? `There is no ${paths.configFile}: these are the defaults.`
      : `What is marked comes from ${paths.configFile}; the rest are defaults.`,
  );
  out(settingsText(file?.value ?? {}, settings));
  return EXIT.fine;
}

/** Patterns as they are written; the login that an address may carry stays out. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof RegExp) return String(value);
  return typeof value === "string" && value.includes("://") ? redact(value, []) : value;
}
