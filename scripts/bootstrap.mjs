// What `npm start` and `npm test` run first, on a machine that has nothing but Node and npm: plain JavaScript, so that
// it needs nothing that it has yet to fetch. Bun's version and everything else come from package.json and bun.lock.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const marker = join(modules, ".installed-from");
const bun = join(modules, ".bin", process.platform === "win32" ? "bun.exe" : "bun");

function lockHash() {
  const hash = createHash("sha256");
  for (const file of ["bun.lock", "package.json"]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function isInstalled() {
  return existsSync(bun) && existsSync(marker) && readFileSync(marker, "utf8") === lockHash();
}

function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  return signal ? 128 : (status ?? 1);
}

function install() {
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  process.stderr.write("Installing what bun.lock names (once) …\n");
  // Bun's own package needs its install script to put the program in place, even where scripts are off by default.
  const npx = [
    "--yes",
    "--ignore-scripts=false",
    `bun@${devDependencies.bun}`,
    "install",
    "--frozen-lockfile",
  ];
  const code = run("npx", npx, {
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (code !== 0 || !existsSync(bun)) {
    process.stderr.write(
      "The installation failed; npm's own words are above. Try again with a working network.\n",
    );
    process.exit(code || 1);
  }
  writeFileSync(marker, lockHash());
}

if (!isInstalled()) install();
const PATH = `${join(modules, ".bin")}${delimiter}${process.env.PATH ?? ""}`;
process.exit(run(bun, process.argv.slice(2), { env: { ...process.env, PATH } }));
