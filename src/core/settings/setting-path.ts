/** Where in a file a value stands: keys of tables and places in lists. */
export type SettingPath = readonly (string | number)[];

const BARE = /^[A-Za-z0-9_-]+$/;

/** Writes a path the way TOML does: `chains.coding[1]`, `fallbacks."a/b"`. */
export function formatSettingPath(path: SettingPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${BARE.test(step) ? step : JSON.stringify(step)}`;
  }
  return text;
}
