import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { tempFolder } from "../config/temp-folder.ts";
import { linksOf } from "../docs/links.ts";
import { opencodeBinary } from "../e2e/binary.ts";
import { serveRegistry } from "./registry.ts";

const ROOT = join(import.meta.dir, "../..");
const PLATFORM = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;

const folder = tempFolder();
const release = folder.in("release");
let files: ReturnType<typeof Bun.serve>;
let registry: Awaited<ReturnType<typeof serveRegistry>>;

/** A machine with as little as a first installation finds. */
function machine(name: string) {
  const home = folder.in(name);
  mkdirSync(home, { recursive: true });
  const env = {
    PATH: `${dirname(Bun.which("node") ?? "")}:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    TMPDIR: home,
    npm_config_registry: registry.url,
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
  };
  const run = async (command: readonly string[], more: Record<string, string> = {}) => {
    const child = Bun.spawn([...command], {
      cwd: home,
      env: { ...env, ...more },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { stdout, stderr, exitCode: child.exitCode, signal: child.signalCode };
  };
  const install = (...flags: string[]) =>
    run(["npm", "install", "--global", "--prefix", join(home, "prefix"), ...flags, "orouter"]);
  return { home, env, run, install, program: join(home, "prefix", "bin", "orouter") };
}

beforeAll(async () => {
  files = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => new Response(Bun.file(join(release, new URL(request.url).pathname))),
    error: () => new Response("", { status: 404 }),
  });
  const pack = ["bun", "scripts/release-pack.ts", "--only", PLATFORM, "--out", release];
  const run = Bun.spawnSync([...pack, "--base-url", files.url.origin], { cwd: ROOT, stderr: "pipe" });
  if (run.exitCode !== 0) throw new Error(run.stderr.toString());
  registry = await serveRegistry(join(release, "npm"));
});

afterAll(async () => {
  await files.stop(true);
  await registry.stop();
  folder[Symbol.dispose]();
});

test("with install scripts off, npm's launcher starts the program and the demo runs", async () => {
  const { install, run, program, home } = machine("no-scripts");
  expect(await install("--ignore-scripts")).toMatchObject({ exitCode: 0 });
  expect(readFileSync(program).subarray(0, 2).toString()).toBe("#!");
  expect((await run([program, "--version"])).stdout).toStartWith(`orouter ${manifest.version}`);
  expect(await run([program, "keys", "nonsense"])).toMatchObject({ exitCode: 2 });

  const demo = await run([program, "demo", "--", "run", "say hello"], {
    OROUTER_OPENCODE: opencodeBinary(),
    XDG_RUNTIME_DIR: home,
  });
  expect(demo).toMatchObject({ exitCode: 0 });
  expect(demo.stdout).toContain("Hello!");
});

test("what the README links to is in the package", async () => {
  const { install, home } = machine("links");
  await install("--ignore-scripts");
  const root = join(home, "prefix", "lib", "node_modules", "orouter");
  const pages = linksOf("README.md").map(({ file }) => file);
  expect(pages.length).toBeGreaterThan(10);
  expect(pages.filter((page) => !existsSync(join(root, page)))).toEqual([]);
});

test("the launcher passes signals on and ends as the program ended", async () => {
  const { install, env, program } = machine("signals");
  await install("--ignore-scripts");
  const child = Bun.spawn([program, "demo", "--serve"], { env, stdout: "ignore", stderr: "pipe" });
  // It prints its address once it serves.
  await child.stderr.getReader().read();
  child.kill("SIGTERM");
  await child.exited;
  expect(child.exitCode).toBe(0);
});

test("with install scripts on, the program itself stands where the launcher stood", async () => {
  const { install, run, program } = machine("scripts");
  expect(await install("--foreground-scripts")).toMatchObject({ exitCode: 0 });
  expect(readFileSync(program).subarray(0, 2).toString()).not.toBe("#!");
  expect((await run([program, "--version"])).stdout).toStartWith(`orouter ${manifest.version}`);
});

test("without the optional package the launcher says how to get it", async () => {
  const { install, run, program, home } = machine("no-optional");
  await install("--ignore-scripts");
  rmSync(join(home, "prefix/lib/node_modules/orouter/node_modules"), { recursive: true });
  const { exitCode, stderr } = await run([program, "--version"]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`orouter-${PLATFORM}`);
  expect(stderr).toContain("npm install -g orouter");
});

test("bunx runs it without installing", async () => {
  const { run } = machine("bunx");
  const { stdout, stderr } = await run([process.execPath, "x", "orouter", "--version"], {
    BUN_CONFIG_REGISTRY: registry.url,
    BUN_INSTALL_CACHE_DIR: folder.in("bunx-cache"),
  });
  expect(stdout, stderr).toStartWith(`orouter ${manifest.version}`);
});

test("the library is imported from the installed package", async () => {
  const { home, run } = machine("library");
  await run(["npm", "install", "--ignore-scripts", "orouter"]);
  writeFileSync(
    join(home, "try.mjs"),
    'import { normalizeBaseURL } from "orouter"; console.log(normalizeBaseURL("http://localhost:8000"));',
  );
  expect((await run(["node", "try.mjs"])).stdout).toBe("http://localhost:8000/v1\n");
});

test("install.sh checks the sum, installs the program, and says how to begin", async () => {
  const { run, home } = machine("script");
  const into = join(home, "bin");
  const installed = await run(["sh", join(release, "install.sh")], { OROUTER_INSTALL: into });
  expect(installed).toMatchObject({ exitCode: 0 });
  expect(installed.stdout).toContain("is not on your PATH");
  expect((await run([join(into, "orouter"), "--version"])).stdout).toStartWith(`orouter ${manifest.version}`);
});

test("install.sh leaves everything alone when the sum is another one", async () => {
  const { run, home } = machine("script-refused");
  const into = join(home, "bin");
  const sums = join(release, "SHA256SUMS");
  const right = readFileSync(sums, "utf8");
  writeFileSync(sums, right.replaceAll(/^[0-9a-f]{64}/gm, "0".repeat(64)));
  const refused = await run(["sh", join(release, "install.sh")], { OROUTER_INSTALL: into });
  writeFileSync(sums, right);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain("is not what SHA256SUMS says");
  expect(existsSync(into)).toBe(false);
  expect(readdirSync(home)).toEqual([]);
});
