import { usageFault } from "../../cli/usage-problem.ts";
import type { FoundSetting } from "../../core/settings/find-setting.ts";
import { bare, metaOf } from "../../core/settings/schema-walk.ts";
import type { SettingKind } from "../../core/settings/setting-kinds.ts";
import { formatSettingPath } from "../../core/settings/setting-path.ts";

/** Kinds whose value is a number, true or false, or a table; all others are texts, quoted or not. */
const PLAIN: ReadonlySet<SettingKind> = new Set(["count", "number", "flag", "table"]);

/** The value that the words on a command line mean for a setting. Whether it is allowed there is not asked here. */
export async function readSettingValue(
  { path, node }: FoundSetting,
  words: readonly string[],
): Promise<unknown> {
  const [word = "", ...more] = words;
  const { item } = bare(node);
  const isListOfTexts = item !== undefined && bare(item).type === "string";
  if (isListOfTexts) {
    const list = more.length === 0 ? await tomlOf(word) : undefined;
    return Array.isArray(list) ? list : await Promise.all(words.map(textOf));
  }
  if (more.length > 0) {
    throw usageFault(
      `${formatSettingPath(path)} takes one value, not ${words.length}.`,
      "Put it in quotes where it has blanks.",
    );
  }
  const kind = metaOf(node)?.kind;
  if (kind !== undefined && !PLAIN.has(kind)) return textOf(word);
  return (await tomlOf(word)) ?? word;
}

async function textOf(word: string): Promise<string> {
  const value = await tomlOf(word);
  return typeof value === "string" ? value : word;
}

/** The value that a text is in TOML; undefined where it is none, or more than one. */
async function tomlOf(word: string): Promise<unknown> {
  const { parseForEdit } = await import("../../config/toml-document.ts");
  try {
    const { value, ...others } = parseForEdit(`value = ${word}`);
    return Object.keys(others).length === 0 ? value : undefined;
  } catch {
    return undefined;
  }
}
