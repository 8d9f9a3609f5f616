import { JSON_SHAPES, type JsonShape } from "./json-shapes/json-shapes.ts";
import { type NamedType, typeText } from "./json-shapes/type-text.ts";

const INTRO = `# JSON

Made from the shapes that the tests hold every command to (\`bun run docs\`); a test fails when it is out of date.

Every command that reads has \`--json\`: data on stdout, everything else on stderr. No secret is in it unless it was asked
for. The names below stay; new ones may be added beside them. Names end in their unit: \`Ms\` are milliseconds, moments
count from 1970. What is not known, or does not apply, is \`null\`; a \`?\` stands behind what may be left out.
`;

/** docs/JSON.md as it should be. */
export function jsonPage(): string {
  const names = new Map<string, NamedType>();
  const commands = JSON_SHAPES.map((shape) => section(shape, names));
  const shared = [...names].map(([name, { type, says }]) => `### ${name}\n${code(type, says)}`);
  return `${[INTRO, "## Commands\n", ...commands, "## Shapes of more than one command\n", ...shared].join("\n")}`;
}

function section({ calls, schema, note }: JsonShape, names: Map<string, NamedType>): string {
  const title = `### \`orouter ${calls.join("`, `orouter ")}\``;
  const text = note === undefined ? "" : `\n${note}\n`;
  return `${title}\n${text}${code(typeText(schema, names))}`;
}

function code(type: string, says?: string): string {
  const text = says === undefined ? "" : `\n${says[0]?.toUpperCase()}${says.slice(1)}.\n`;
  return `${text}\n\`\`\`ts\n${type}\n\`\`\`\n`;
}
