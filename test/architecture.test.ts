import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { DIALECT_NAMES } from "../src/core/dialect/registry.ts";

const SRC = join(import.meta.dir, "..", "src");

/** Lowest layer first. A folder may import itself and lower layers, not its neighbours in the same layer. */
const FLOORS = [
  ["core"],
  ["sqlite"],
  ["proxy", "store", "ledger", "config", "catalog", "harness", "quota", "bench", "demo"],
  ["cli", "library"],
  ["commands"],
  ["main.ts"],
];

interface Import {
  from: string;
  to: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

async function importsOf(file: string): Promise<string[]> {
  const text = await Bun.file(join(SRC, file)).text();
  // Type imports count too, so read the text and not the compiled program.
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

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<![:"'`])\/\/.*/g, "");
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
    const text = await Bun.file(join(SRC, file)).text();
    const code = withoutComments(text);
    if (forbidden.test(code)) wrong.push(`${file}: ${forbidden.exec(code)?.[0]}`);
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

test("only the dialects' own folders and their registry know a dialect by its name", async () => {
  const names = DIALECT_NAMES.join("|");
  const known = new RegExp(
    `(?:[!=]==?|\\bcase)\\s*["'](?:${names})["']|["'](?:${names})["']\\s*(?:[!=]==|\\|)`,
  );
  const wrong: string[] = [];
  for (const file of files) {
    const name = file.split(sep).join("/");
    if (/^core\/dialect\/(?:registry\.ts$|\w+\/)/.test(name)) continue;
    const found = known.exec(withoutComments(await Bun.file(join(SRC, file)).text()))?.[0];
    if (found !== undefined) wrong.push(`${name}: ${found}`);
  }
  expect(wrong).toEqual([]);
});

test("a dialect's folder is imported by the registry alone", () => {
  const folder = new RegExp(`^core/dialect/(?:${DIALECT_NAMES.join("|")})/`);
  const wrong = imports.filter(({ from, to }) => {
    const own = folder.exec(to.split(sep).join("/"))?.[0];
    if (own === undefined || from.split(sep).join("/").startsWith(own)) return false;
    return from !== join("core", "dialect", "registry.ts");
  });
  expect(wrong).toEqual([]);
});

const AGENT = /opencode|claude|codex|kilo(?!\s*byte|-?byte)/i;

/**
 * Files that may name agents: what starts them, speaks to them, writes their configuration, imports from them, and the
 * commands.
 */
const NAMES_AGENTS = [
  /^harness\//,
  /^commands\//,
  /^main\.ts$/,
  /^core\/client\//,
  /^core\/(?:overlay|opencode-config|imports)\//,
  /^config\/(?:older-tools|opencode-)/,
  /^library\//,
];

/** Files in which these words name something else, or a path of the user's. */
const OTHER_NAMES = [
  // Providers and models: OpenCode Zen, the Claude models.
  /^core\/catalog\/(?:catalog|model-kinds|models-dev)\.ts$/,
  /^core\/settings\/presets\.ts$/,
  /^core\/quota\//,
  /^core\/verdict\/declared-wait\.ts$/,
  // The family of models, and headers that only one service is for.
  /^core\/dialect\/(?:model-traits|messages\/messages)\.ts$/,
  // Where a refusal was seen.
  /^core\/verdict\/error-rules(?:-\w+)?\.ts$/,
  // The table [opencode] of config.toml, its comments there, and its key source.
  /^core\/settings\/(?:settings|schema|checks)\.ts$/,
  /^config\/(?:config-edits|keys|paths)\.ts$/,
  /^core\/key\.ts$/,
  // The theme of that name.
  /^core\/theme\/palette\.ts$/,
  /^cli\/colour\.ts$/,
  // What the demo tells the user to look for.
  /^demo\/(?:story|scenes)\.ts$/,
];

test("coding agents are named only by what starts them, speaks to them or imports from them", async () => {
  const allowed = [...NAMES_AGENTS, ...OTHER_NAMES];
  const wrong: string[] = [];
  for (const file of files) {
    const name = file.split(sep).join("/");
    if (allowed.some((pattern) => pattern.test(name))) continue;
    const code = withoutComments(await Bun.file(join(SRC, file)).text());
    const found = AGENT.exec(code)?.[0];
    if (found !== undefined) wrong.push(`${name}: ${found}`);
  }
  expect(wrong).toEqual([]);
});

test("every exception for the names of agents is still needed", async () => {
  const named = new Set<string>();
  for (const file of files) {
    if (AGENT.test(withoutComments(await Bun.file(join(SRC, file)).text())))
      named.add(file.split(sep).join("/"));
  }
  const idle = OTHER_NAMES.filter((pattern) => ![...named].some((file) => pattern.test(file)));
  expect(idle).toEqual([]);
});
