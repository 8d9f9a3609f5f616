import type { Command } from "../src/cli/command.ts";
import { helpSections, usageLines } from "../src/cli/run-command.ts";
import { rootCommand } from "../src/commands/root.ts";

const INTRO = `# Commands

Generated from the commands by \`bun run docs\`. A test fails if this page is out of date.

\`--help\` prints the same text, except for \`orouter opencode --help\`, which prints opencode's own help. Data goes to stdout,
everything else to stderr, so that output can be piped. [JSON.md](JSON.md) describes the output of \`--json\`. Exit codes: that of
opencode once it has started; before that 0 success, 1 failure, 2 wrong usage, 3 invalid configuration, 4 no usable key.
Keys are not accepted as arguments.
`;

/** The text of docs/COMMANDS.md. */
export async function commandsPage(): Promise<string> {
  const chapters = await Promise.all(
    Object.entries(rootCommand.children).map(async ([name, entry]) =>
      chapter(await entry.load(), [rootCommand.name, name]),
    ),
  );
  return [INTRO, ...chapters.flat()].join("\n");
}

/** A command and its subcommands. */
async function chapter(command: Command, path: readonly string[]): Promise<string[]> {
  const below = await Promise.all(
    Object.entries(command.children).map(async ([name, entry]) =>
      chapter(await entry.load(), [...path, name]),
    ),
  );
  return [page(command, path), ...below.flat()];
}

function page(command: Command, path: readonly string[]): string {
  const head = `${"#".repeat(path.length)} ${path.join(" ")}`;
  const usage = fenced("text", usageLines(command, path));
  const parts = helpSections(command).flatMap(([title, lines]) => {
    if (title === "Examples") return [fenced("sh", aligned(lines))];
    // Every command has this flag, so the page omits it.
    const told = lines.filter(([left]) => left !== "-h, --help");
    return told.length === 0 ? [] : [table(title, told)];
  });
  return `${[head, `${command.about}.`, usage, ...parts].join("\n\n")}\n`;
}

function table(title: string, lines: readonly (readonly [string, string])[]): string {
  const rows = lines.map(([left, right]) => `| \`${cell(left)}\` | ${cell(right)} |`);
  return [`| ${title.toLowerCase()} | |`, "|---|---|", ...rows].join("\n");
}

function aligned(lines: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...lines.map(([left]) => left.length));
  return lines.map(([left, right]) => `${left.padEnd(width)}  # ${right}`);
}

function fenced(language: string, lines: readonly string[]): string {
  return `\`\`\`${language}\n${lines.join("\n")}\n\`\`\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
