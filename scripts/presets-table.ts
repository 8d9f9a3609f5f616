import { PRESETS, type Preset } from "../src/core/settings/presets.ts";

const BEGIN = "<!-- made by: bun run docs -->";
const END = "<!-- end -->";

/** The text of docs/PROVIDERS.md with a current presets table; the rest of the page is written by hand. */
export function withPresets(page: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`the page has no place for the table: ${BEGIN} … ${END}`);
  return `${page.slice(0, from)}${BEGIN}\n${presetsTable()}\n${page.slice(to)}`;
}

function presetsTable(): string {
  return [
    "| provider | name | address | variable | calls per minute and key | keys |",
    "|---|---|---|---|---|---|",
    ...PRESETS.map(row),
  ].join("\n");
}

function row({ id, name, baseUrl, env, rpm, placeholderKey, keysUrl }: Preset): string {
  const variables = env.map((variable) => `\`${variable}\``).join(", ");
  const keys =
    placeholderKey === undefined ? `<${keysUrl}>` : `<${keysUrl}>; without one: \`${placeholderKey}\``;
  return `| \`${id}\` | ${name} | \`${baseUrl}\` | ${variables} | ${rpm ?? ""} | ${keys} |`;
}
