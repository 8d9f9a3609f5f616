import { out, outJson, say } from "../../cli/io.ts";
import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import { secretInWords } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { readToml } from "../../config/toml-file.ts";
import { EXIT } from "../../core/problem.ts";
import { redact } from "../../core/redact.ts";
import { isTable } from "../../core/settings/setting-faults.ts";
import { formatSettingPath } from "../../core/settings/setting-path.ts";
import { tomlKey, tomlValue } from "../../core/settings/toml-value.ts";
import { namedSetting, type SettingInForce, settingInForce } from "./setting-in-force.ts";

/** How a setting is named, for the commands that take one. */
export const SETTING_ARG = {
  type: "positional",
  description: "Where it stands in config.toml: routing.strategy, providers.nvidia.rpm, chains.coding",
  offers: { names: ["settings"] },
} as const;

/** `orouter config get`: one setting as it holds now. */
export const configGetVerb: Verb = {
  name: "get",
  about: "One setting as it holds now, and whether config.toml says so",
  examples: [
    { line: "orouter config get routing.strategy", does: "the value alone on stdout" },
    { line: "orouter config get providers.nvidia.rpm", does: "what comes with the provider counts too" },
    { line: "orouter config get routing --json", does: "a whole table, for scripts" },
  ],
  args: {
    path: SETTING_ARG,
    json: { type: "boolean", description: 'Print {"path","value","from"}; from: file, preset or default' },
  },
  run: get,
  children: {},
};

async function get(args: VerbArgs): Promise<number> {
  const asked = textArg(args, "path") ?? "";
  if (looksLikeSecret(asked)) throw secretInWords();
  const found = namedSetting(asked);
  const paths = resolvePaths(process.env);
  const { settings, warnings } = await loadConfig(paths);
  for (const warning of warnings) talk.warn(warning);
  const file = await readToml(paths.configFile);
  const setting = settingInForce(found, { written: file?.value ?? {}, settings });
  const path = formatSettingPath(found.path);
  if (args["json"] === true) {
    outJson({ path, value: JSON.parse(JSON.stringify(setting.value ?? null, clean)), from: setting.from });
    return EXIT.fine;
  }
  say(originText(path, setting, paths.configFile));
  if (setting.value !== undefined) out(valueText(setting.value));
  return EXIT.fine;
}

function originText(path: string, { value, from }: SettingInForce, file: string): string {
  if (value === undefined) return `${path} is not set, and nothing stands in for it.`;
  if (from === "file") return `${path} comes from ${file}:`;
  return from === "preset" ? `${path} comes with the provider:` : `${path} has its default:`;
}

/** A text as it is, for scripts; anything else as TOML, a table line by line. */
function valueText(value: unknown): string {
  if (typeof value === "string") return redactAddress(value);
  if (!isTable(value)) return redactAddress(tomlValue(value));
  return Object.entries(value)
    .map(([key, inner]) => `${tomlKey(key)} = ${redactAddress(tomlValue(inner))}`)
    .join("\n");
}

function clean(_key: string, value: unknown): unknown {
  return typeof value === "string" ? redactAddress(value) : value;
}

/** An address may carry a login; nothing else in config.toml is a secret. */
function redactAddress(text: string): string {
  return text.includes("://") ? redact(text, []) : text;
}
