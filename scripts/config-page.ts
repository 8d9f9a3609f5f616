import { type SettingRow, settingRows } from "../src/core/settings/setting-names.ts";

const INTRO = `# config.toml

Generated from the settings schema by \`bun run docs\`. A test fails if this page is out of date.

The file is \`$XDG_CONFIG_HOME/orouter/config.toml\` (\`~/.config/orouter/config.toml\`), or \`$OROUTER_HOME/config.toml\`.
Every setting is optional.

- \`orouter config check\` validates the file and names the line, the column and the allowed values of each fault.
- \`orouter config show\` prints the current settings, \`orouter config get SETTING\` prints one of them.
- \`orouter config set SETTING VALUE\` changes one setting and keeps comments and order.

orouter never changes a file that it cannot parse.

| setting | default | allowed | what it does |
|---|---|---|---|
`;

/** The text of docs/CONFIG.md. */
export function configPage(): string {
  const all = settingRows();
  // A table is the settings in it; one whose names are free is a setting itself.
  const isFree = ({ path }: SettingRow) => !all.some((row) => /^[.[]/.test(row.path.replace(path, "")));
  const rows = all
    .filter((row) => row.kind !== "table" || isFree(row))
    .map(({ path, defaultText, allowed, help }) => {
      const value = defaultText === "" ? "" : `\`${defaultText}\``;
      return `| \`${path}\` | ${value} | ${cell(allowed)} | ${cell(help)} |`;
    });
  return `${INTRO}${rows.join("\n")}\n`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
