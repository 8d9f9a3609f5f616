import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

const SRC = join(import.meta.dir, "..", "src");

/** The floors, lowest first. A folder may import itself and what lies below it; those on one floor do not know each other. */
const FLOORS = [
  ["core"],
  ["proxy", "state", "config", "catalog", "harness", "bench", "demo"],
  ["cli", "library"],
  ["commands"],
  ["main.ts"],
];

interface Import {
  from: string;
  to: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

/** A file without its comments. */
async function codeOf(file: string): Promise<string> {
  const text = await Bun.file(join(SRC, file)).text();
  return text.replace(/\/\*[\s\S]*?\*\/|(?<![:"'`])\/\/.*/g, "");
}

async function importsOf(file: string): Promise<string[]> {
  const text = await Bun.file(join(SRC, file)).text();
  // Type imports count too, so the text is read and not the compiled program.
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']/g);
  return [...found].flatMap((match) => match[1] ?? []);
}

const imports: Import[] = [];
const packages: Import[] = [];
for (const file of files) {
  for (const to of await importsOf(file)) {
    if (!to.startsWith(".")) packages.push({ from: file, to });
    else imports.push({ from: file, to: relative(SRC, join(SRC, dirname(file), to)) });
  }
}

function floorOf(file: string): number {
  const [room] = file.split(sep);
  return FLOORS.findIndex((rooms) => rooms.includes(room ?? ""));
}

test("every file of src stands on a floor", () => {
  expect(files.filter((file) => floorOf(file) < 0)).toEqual([]);
});

test("a file imports its own folder and the floors below, never one above or beside", () => {
  const wrong = imports.filter(({ from, to }) => {
    if (to.startsWith("..")) return false;
    const sameRoom = from.split(sep)[0] === to.split(sep)[0];
    return !sameRoom && floorOf(to) >= floorOf(from);
  });
  expect(wrong).toEqual([]);
});

test("core touches no file, socket, process, clock or dice", async () => {
  const forbidden =
    /\bDate\.now\(|\bnew Date\(\)|Math\.random\(|\bperformance\.|\bprocess\.|\bfetch\(|\bBun\.(?!CryptoHasher|stringWidth|JSONC|deflateSync|inflateSync)\w+|setTimeout\(|setInterval\(/;
  const wrong: string[] = [];
  for (const file of files.filter((one) => one.startsWith(`core${sep}`))) {
    const code = await codeOf(file);
    if (forbidden.test(code)) wrong.push(`${file}: ${forbidden.exec(code)?.[0]}`);
  }
  expect(wrong).toEqual([]);
});

/** Where coding agents may be named: the proxy and its decisions serve any client, by its profile. */
const NAMES_AGENTS = [
  "harness/",
  "commands/",
  "config/",
  "library/",
  "demo/",
  "cli/paint.ts",
  "core/client/",
  "core/imports/",
  "core/key.ts",
  "core/opencode-config/",
  "core/overlay/",
  "core/settings/",
  "core/theme/",
  // Services of such names, and the sources of the rules.
  "core/catalog/",
  "core/verdict/",
];

test("agents are named only where they are started, configured or spoken to", async () => {
  const wrong: string[] = [];
  for (const file of files) {
    if (NAMES_AGENTS.some((place) => file.split(sep).join("/").startsWith(place))) continue;
    const named = /opencode|claude[ -]?code|codex|\bkilo\b/i.exec(await codeOf(file));
    if (named !== null) wrong.push(`${file}: ${named[0]}`);
  }
  expect(wrong).toEqual([]);
});

test("core imports nothing of Node's but what only computes", () => {
  const wrong = packages.filter(({ from, to }) => from.startsWith(`core${sep}`) && /^(?:node:|bun)/.test(to));
  expect(wrong).toEqual([]);
});

test("there is no circle of imports, types included", () => {
  const graph = new Map<string, string[]>();
  for (const { from, to } of imports) graph.set(from, [...(graph.get(from) ?? []), to]);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) {
      circles.push([...way.slice(way.indexOf(file)), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

test("only main.ts ends the process", async () => {
  const wrong: string[] = [];
  for (const file of files.filter((one) => one !== "main.ts")) {
    if (/process\.exit\(/.test(await Bun.file(join(SRC, file)).text())) wrong.push(file);
  }
  expect(wrong).toEqual([]);
});
