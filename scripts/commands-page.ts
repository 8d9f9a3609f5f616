import type { Verb } from "../src/cli/command.ts";
import { helpSections, usageLines } from "../src/cli/run-command.ts";
import { rootVerb } from "../src/commands/root.ts";

const INTRO = `# Commands

Made from the commands themselves (\`bun run docs\`); a test fails when it is out of date.

\`--help\` prints the same, but for \`orouter opencode\`, where it is opencode's own. Data goes to stdout and everything else to
stderr, so that output can be piped; what \`--json\` prints is in [JSON.md](JSON.md). Exit codes: opencode's own once it ran;
before that 0 fine, 1 failed, 2 wrong usage, 3 wrong configuration, 4 no usable key. A key is never taken as an argument.
`;

/** docs/COMMANDS.md as it should be. */
export async function commandsPage(): Promise<string> {
  const chapters = await Promise.all(
    Object.entries(rootVerb.children).map(async ([name, entry]) =>
      chapter(await entry.load(), [rootVerb.name, name]),
    ),
  );
  return [INTRO, ...chapters.flat()].join("\n");
}

/** A command, and below it those that it groups. */
async function chapter(verb: Verb, path: readonly string[]): Promise<string[]> {
  const below = await Promise.all(
    Object.entries(verb.children).map(async ([name, entry]) => chapter(await entry.load(), [...path, name])),
  );
  return [page(verb, path), ...below.flat()];
}

function page(verb: Verb, path: readonly string[]): string {
  const head = `${"#".repeat(path.length)} ${path.join(" ")}`;
  const usage = fenced("text", usageLines(verb, path));
  const parts = helpSections(verb).flatMap(([title, lines]) => {
    if (title === "Examples") return [fenced("sh", aligned(lines))];
    // Every command has this one flag, which needs no table of its own.
    const told = lines.filter(([left]) => left !== "-h, --help");
    return told.length === 0 ? [] : [table(title, told)];
  });
  return `${[head, `${verb.about}.`, usage, ...parts].join("\n\n")}\n`;
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
