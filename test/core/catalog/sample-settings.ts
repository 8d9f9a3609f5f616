import { parseSettings, type Settings } from "../../../src/core/settings/settings.ts";

export function settingsOf(value: object): Settings {
  const parsed = parseSettings(value);
  if ("faults" in parsed) throw new Error(`the sample is wrong: ${parsed.faults[0]?.what}`);
  return parsed.settings;
}
