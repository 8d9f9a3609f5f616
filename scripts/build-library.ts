import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { BunPlugin } from "bun";

const ROOT = join(import.meta.dir, "..");
const ENTRY = join(ROOT, "src", "library", "orouter.ts");

/**
 * Standard functions that came after Node 20, as functions of the bundle's own: what is imported must not change the
 * globals of its host. A test runs the bundle in Node.
 */
const YOUNG: Readonly<Record<string, { name: string; code: string }>> = {
  "URL.parse": {
    name: "parseUrl",
    code: "(text, base) => { try { return new URL(text, base); } catch { return null; } }",
  },
  "Promise.withResolvers": {
    name: "withResolvers",
    code: "() => { const parts = {}; parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject })); return parts; }",
  },
  "Map.groupBy": {
    name: "groupToMap",
    code: "(items, keyOf) => { const groups = new Map(); for (const item of items) { const key = keyOf(item); groups.has(key) ? groups.get(key).push(item) : groups.set(key, [item]); } return groups; }",
  },
};

/** jsonc-parser's file for Node finds its parts while it runs, which no bundle survives. */
const ESM_PARSER: BunPlugin = {
  name: "esm-parser",
  setup: (build) => {
    const path = join(ROOT, "node_modules", "jsonc-parser", "lib", "esm", "main.js");
    build.onResolve({ filter: /^jsonc-parser$/ }, () => ({ path }));
  },
};

/** Makes what `import … from "orouter"` finds: one file of code that needs no other package, and its types. */
export async function buildLibrary(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all([buildCode(folder), buildTypes(folder)]);
}

async function buildCode(folder: string): Promise<void> {
  const locals = Object.values(YOUNG).map(({ name, code }) => `const $${name} = ${code};`);
  const built = await Bun.build({
    entrypoints: [ENTRY],
    outdir: folder,
    naming: "index.js",
    target: "node",
    format: "esm",
    plugins: [ESM_PARSER],
    define: Object.fromEntries(Object.entries(YOUNG).map(([call, { name }]) => [call, `$${name}`])),
    banner: locals.join("\n"),
  });
  if (!built.success) throw new AggregateError(built.logs, "bundling the library failed");
}

/** Types of everything are made, and those are kept that the entry leads to. */
async function buildTypes(folder: string): Promise<void> {
  const all = await mkdtemp(join(tmpdir(), "orouter-types-"));
  try {
    await emitTypes(all);
    const entry = join(all, "library", "orouter.d.ts");
    for (const file of await reachable(entry)) {
      const target = join(folder, "types", relative(all, file));
      await mkdir(dirname(target), { recursive: true });
      // Those who use them may not allow imports that end in .ts.
      const text = await readFile(file, "utf8");
      await writeFile(target, text.replaceAll(/(from "\.[^"]*)\.ts"/g, '$1.js"'));
    }
    await writeFile(join(folder, "index.d.ts"), 'export * from "./types/library/orouter.js";\n');
  } finally {
    await rm(all, { recursive: true, force: true });
  }
}

async function emitTypes(folder: string): Promise<void> {
  const config = join(folder, "tsconfig.json");
  await writeFile(
    config,
    JSON.stringify({
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        // Internal declarations would lead to types of packages that the library does not depend on.
        stripInternal: true,
        outDir: folder,
        rootDir: join(ROOT, "src"),
        typeRoots: [join(ROOT, "node_modules")],
      },
      files: [ENTRY],
      include: [],
    }),
  );
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  const run = Bun.spawnSync([tsc, "--project", config], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  if (run.exitCode !== 0) throw new Error(`the library's types failed:\n${run.stdout.toString()}`);
}

async function reachable(entry: string): Promise<Set<string>> {
  const files = new Set([entry]);
  // What is added on the way is visited too.
  for (const file of files) {
    const text = await readFile(file, "utf8");
    for (const [, to = ""] of text.matchAll(/from "(\.[^"]*)\.ts"/g))
      files.add(join(dirname(file), `${to}.d.ts`));
  }
  return files;
}

if (import.meta.main) {
  const folder = join(ROOT, "dist", "lib");
  await buildLibrary(folder);
  console.log(folder);
}
