import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import { secretInWords, usageProblem } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { editConfig } from "../../config/edit-config.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { EXIT } from "../../core/problem.ts";
import type { FoundSetting } from "../../core/settings/find-setting.ts";
import { formatSettingPath } from "../../core/settings/setting-path.ts";
import { valueAt, withValueAt } from "../../core/settings/setting-value.ts";
import { tomlValue } from "../../core/settings/toml-value.ts";
import { SETTING_ARG } from "./config-get.ts";
import { readSettingValue } from "./read-setting-value.ts";
import { namedSetting } from "./setting-in-force.ts";

/** `orouter config set`: one setting changed, everything around it as it was. */
export const configSetVerb: Verb = {
  name: "set",
  about: "Change one setting in config.toml; comments and order stay",
  examples: [
    { line: "orouter config set routing.strategy round-robin", does: "a word needs no quotes" },
    { line: "orouter config set providers.nvidia.rpm 30", does: "makes the table where there is none" },
    {
      line: "orouter config set chains.coding ollama-cloud/gpt-oss:120b nvidia/openai/gpt-oss-120b",
      does: "a list as several words, or as TOML in quotes",
    },
    { line: "orouter config set routing.strategy --unset", does: "takes it out: the default holds again" },
  ],
  args: {
    path: SETTING_ARG,
    value: {
      type: "positional",
      required: false,
      valueHint: "VALUE…",
      description: "A word, a number, true or false, or any TOML value; several words make a list",
    },
    unset: { type: "boolean", description: "Take the setting out of config.toml" },
  },
  run: set,
  children: {},
  rest: true,
};

const PATH = ["orouter", "config", "set"];

async function set(args: VerbArgs): Promise<number> {
  const words = args._.slice(1);
  const asked = textArg(args, "path") ?? "";
  if ([asked, ...words].some(looksLikeSecret)) throw secretInWords();
  const found = namedSetting(asked);
  const isUnset = args["unset"] === true;
  if (isUnset && words.length > 0) throw usageProblem("--unset takes no value.", PATH);
  if (!isUnset && words.length === 0) throw usageProblem(`${PATH.join(" ")} needs VALUE or --unset.`, PATH);
  return isUnset ? await unset(found) : await setTo(found, await readSettingValue(found, words));
}

async function setTo({ path }: FoundSetting, value: unknown): Promise<number> {
  const paths = resolvePaths(process.env);
  const isNew = await editConfig(paths, (file) => withValueAt(file, path, value));
  const line = `${formatSettingPath(path)} = ${tomlValue(value)}`;
  if (isNew) talk.success(`Set ${line} in ${paths.configFile}.`);
  else talk.info(`It is so already: ${line}`);
  for (const warning of (await loadConfig(paths)).warnings) talk.warn(warning);
  return EXIT.fine;
}

async function unset({ path }: FoundSetting): Promise<number> {
  const paths = resolvePaths(process.env);
  const isNew = await editConfig(paths, (file) =>
    valueAt(file, path) === undefined ? file : withValueAt(file, path, undefined),
  );
  const name = formatSettingPath(path);
  if (isNew) talk.success(`Took ${name} out of ${paths.configFile}.`);
  else talk.info(`${name} is not in ${paths.configFile}.`);
  return EXIT.fine;
}
