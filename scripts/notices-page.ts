import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };

const ROOT = join(import.meta.dir, "..");

interface Package {
  name: string;
  version: string;
  license: string;
  /** The texts that the package brings: its licence and notices. */
  texts: readonly string[];
}

/** What Bun puts into every program that it compiles; the text is on the page of the version in package.json. */
const RUNTIME = `## Bun ${manifest.devDependencies.bun}

Licence: MIT. The compiled programs contain Bun, and Bun contains JavaScriptCore (LGPL-2.1) and other libraries. Their
licences are listed on https://bun.com/docs/project/licensing. The source of orouter is enough to build the programs with
another version of Bun: \`bun run build\`.
`;

/** THIRD-PARTY-NOTICES.md: every package that the programs or the library may contain, with its licence's own text. */
export function noticesPage(): string {
  const packages = bundledPackages();
  const sections = packages.map(
    ({ name, version, license, texts }) =>
      `## ${name} ${version}\n\nLicence: ${license}\n\n${texts.map((text) => `${fence(text)}\n`).join("\n")}`,
  );
  return `# Third-party notices

orouter contains the following software. \`bun run docs\` writes this page from the installed packages.

${[RUNTIME, ...sections].join("\n")}`;
}

/** The dependencies of package.json and theirs, sorted by name. */
function bundledPackages(): Package[] {
  const found = new Map<string, Package>();
  const open = Object.keys(manifest.dependencies).map((name) => ({ name, from: ROOT }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const folder = folderOf(next.name, next.from);
    const own = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      version: string;
      license?: string;
      dependencies?: Record<string, string>;
    };
    if (found.has(`${next.name} ${own.version}`)) continue;
    const texts = readdirSync(folder)
      .filter((name) => /^(?:licen[cs]e|notice|copying)/i.test(name))
      .sort()
      .map((name) => readFileSync(join(folder, name), "utf8").trim());
    found.set(`${next.name} ${own.version}`, {
      name: next.name,
      version: own.version,
      license: own.license ?? "see its text",
      texts: texts.length > 0 ? texts : ["The package brings no text of its licence."],
    });
    open.push(...Object.keys(own.dependencies ?? {}).map((name) => ({ name, from: folder })));
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name, "en"));
}

/** As Node looks a package up: next to the one that needs it, then in the folders above. */
function folderOf(name: string, from: string): string {
  const folder = join(from, "node_modules", name);
  if (existsSync(folder)) return folder;
  const above = join(from, "..");
  if (above === from) throw new Error(`${name} is not installed`);
  return folderOf(name, above);
}

function fence(text: string): string {
  return `\`\`\`text\n${text.replaceAll("\r\n", "\n").replaceAll("```", "'''")}\n\`\`\``;
}
