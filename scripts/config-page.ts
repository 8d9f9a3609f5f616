import { type SettingRow, settingRows } from "../src/core/settings/setting-names.ts";

const INTRO = `# config.toml

Made from the program's own table of settings (\`bun run docs\`); a test fails when it is out of date.

The file is \`$XDG_CONFIG_HOME/orouter/config.toml\` (\`~/.config/orouter/config.toml\`), or \`$OROUTER_HOME/config.toml\`.
Everything in it is optional. \`orouter config check\` says whether it is in order and, if not, the line, the column and
what is allowed there; \`orouter config show\` prints the settings in force, \`orouter config get SETTING\` one of them, and
\`orouter config set SETTING VALUE\` changes one with every comment kept. orouter never rewrites a file it cannot read.

| setting | default | allowed | what it does |
|---|---|---|---|
`;

/** docs/CONFIG.md as it should be. */
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
