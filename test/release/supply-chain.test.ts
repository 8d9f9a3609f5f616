import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noticesPage } from "../../scripts/notices-page.ts";
import { tempFolder } from "../config/temp-folder.ts";

const ROOT = join(import.meta.dir, "../..");
const FOLDER = join(ROOT, ".github/workflows");

interface Job {
  uses?: string;
  "runs-on"?: string;
  permissions?: Record<string, string>;
  steps?: { uses?: string; run?: string }[];
}

interface Workflow {
  permissions?: Record<string, string>;
  jobs: Record<string, Job>;
}

const WORKFLOWS = readdirSync(FOLDER).map((name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");
  return { name, text, value: Bun.YAML.parse(text) as Workflow };
});

test("every action is pinned by its commit, with its version beside it", () => {
  const used = WORKFLOWS.flatMap(({ text }) =>
    [...text.matchAll(/uses: *(.+)$/gm)].map(([, what = ""]) => what),
  );
  expect(used.length).toBeGreaterThan(5);
  const loose = used.filter(
    (what) => !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what) && !what.startsWith("./"),
  );
  expect(loose).toEqual([]);
});

test("only jobs that attest or publish with provenance may ask for an identity", () => {
  for (const { value } of WORKFLOWS) {
    expect(value.permissions).toEqual({ contents: "read" });
    for (const { permissions, steps = [] } of Object.values(value.jobs)) {
      const needsIdentity = steps.some(
        ({ uses, run }) => uses?.includes("attest") === true || run?.includes("--provenance") === true,
      );
      expect(permissions?.["id-token"]).toBe(needsIdentity ? "write" : undefined);
      if (needsIdentity) expect(permissions?.["contents"]).toBeUndefined();
    }
  }
});

test("no job asks for a runner that is gone", () => {
  const all = WORKFLOWS.map(({ text }) => text).join("\n");
  expect(all.match(/macos-1[1-4]\b|ubuntu-2[02]\.04|windows-20(?:19|22)/g)).toBeNull();
});

test("THIRD-PARTY-NOTICES.md has what is bundled (bun run docs)", () => {
  expect(readFileSync(join(ROOT, "THIRD-PARTY-NOTICES.md"), "utf8")).toBe(noticesPage());
});

const RELEASE = "https://github.com/someone/orouter/releases/download/v1.2.3";

/** A machine on which curl, instead of the network, has a release and writes down how it was called. */
function machine(base: string, gh: string | undefined) {
  const folder = tempFolder();
  const bin = folder.in("bin");
  mkdirSync(bin);
  const tool = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  writeFileSync(folder.in("orouter"), "#!/bin/sh\necho orouter 1.2.3\n", { mode: 0o755 });
  const pack = `cd ${folder.path} && for cpu in x64 arm64; do for musl in "" -musl; do for os in linux darwin; do
tar -czf orouter-$os-$cpu$musl.tar.gz orouter; done; done; done; sha256sum *.tar.gz > SHA256SUMS`;
  expect(Bun.spawnSync(["sh", "-c", pack]).exitCode).toBe(0);
  tool(
    "curl",
    `echo "$*" >> ${folder.in("calls")}\nfor last; do :; done\ncp "${folder.path}/$(basename "$last")" "$last" 2>/dev/null || exit 22`,
  );
  if (gh !== undefined) tool("gh", gh);
  const script = readFileSync(join(ROOT, "scripts/release/install.sh"), "utf8");
  writeFileSync(folder.in("install.sh"), script.replaceAll("@BASE@", base).replaceAll("@VERSION@", "1.2.3"));
  const run = Bun.spawnSync(["sh", folder.in("install.sh")], {
    env: { PATH: `${bin}:/usr/bin:/bin`, HOME: folder.path, OROUTER_INSTALL: folder.in("into") },
  });
  return {
    exitCode: run.exitCode,
    stdout: run.stdout.toString(),
    stderr: run.stderr.toString(),
    isInstalled: existsSync(folder.in("into/orouter")),
    calls: existsSync(folder.in("calls")) ? readFileSync(folder.in("calls"), "utf8").trim().split("\n") : [],
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

test("install.sh follows nothing but HTTPS, and says that it could not check who built the program", () => {
  using here = machine(RELEASE, "exit 1");
  expect(here).toMatchObject({ exitCode: 0, isInstalled: true });
  expect(here.calls).toHaveLength(2);
  for (const call of here.calls) expect(call).toStartWith("--proto =https ");
  expect(here.stdout).toContain("Attestation: not checked: gh is not logged in.");
});

test("install.sh checks the attestation against the repository of the release", () => {
  const verify = `[ "$1 $2 $4 $5" = "attestation verify --repo someone/orouter" ] || [ "$1" = auth ]`;
  using good = machine(RELEASE, verify);
  expect(good.stdout).toContain("Attestation: built by the release workflow of someone/orouter.");
  using bad = machine(RELEASE, `[ "$1" = auth ]`);
  expect(bad).toMatchObject({ exitCode: 1, isInstalled: false });
  expect(bad.stderr).toContain("has no valid attestation of someone/orouter. Nothing was installed.");
});

test("install.sh fetches nothing without HTTPS from another machine", () => {
  using here = machine("http://example.com/releases", undefined);
  expect(here).toMatchObject({ exitCode: 1, isInstalled: false, calls: [] });
  expect(here.stderr).toContain("is not an https:// address");
});

test("the audit says what it could not check", () => {
  const run = Bun.spawnSync([process.execPath, join(ROOT, "scripts/audit.ts")], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: "/nonexistent",
      npm_config_registry: "http://127.0.0.1:9/",
    },
  });
  const text = run.stdout.toString();
  expect(run.exitCode).toBe(0);
  expect(text).toMatch(/Hashes: (\d+) of \1 packages have one\./);
  expect(text).toMatch(/Not checked: known weaknesses of \d+ packages \(.+\)\./);
});
