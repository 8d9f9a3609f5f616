import { PRESETS } from "../settings/presets.ts";

/** What people write where a server asks for no key. */
const PLACEHOLDERS = new Set([
  ...PRESETS.flatMap((preset) => preset.placeholderKey ?? []),
  ..."none dummy empty EMPTY local ollama lm-studio not-needed no-key sk-no-key-required placeholder x".split(
    " ",
  ),
]);

const VARIABLE = /^\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;
const FILE = /^\{file:[^{}\r\n]+\}$/;

/** Whether an `apiKey` of a config is for all to see: a placeholder, or where opencode is to find the key. */
export function isOpenApiKey(text: string): boolean {
  return PLACEHOLDERS.has(text) || VARIABLE.test(text) || FILE.test(text);
}

/** The variable that an `apiKey` names; undefined where it is of another form. */
export function variableOf(apiKey: string): string | undefined {
  return VARIABLE.exec(apiKey)?.[1];
}
