import { expect, test } from "bun:test";
import { PLAIN_PAINT, paintOf } from "../../src/cli/colour.ts";
import { folderFix } from "../../src/commands/doctor/check-files.ts";
import { checkChains, checkKeys } from "../../src/commands/doctor/check-keys.ts";
import { checkOpencodeConfig } from "../../src/commands/doctor/check-opencode.ts";
import {
  checkAddresses,
  checkClock,
  checkEnvironment,
  checkProvider,
  type Probed,
} from "../../src/commands/doctor/check-providers.ts";
import { doctorText } from "../../src/commands/doctor/doctor.ts";
import type { Finding } from "../../src/commands/doctor/doctor-context.ts";
import { findSeedPlugins } from "../../src/config/older-tools.ts";
import { fingerprint, type Key } from "../../src/core/key.ts";
import { NEVER_MS } from "../../src/core/routing/cooldown.ts";
import { parseSettings, providerOf, type Settings } from "../../src/core/settings/settings.ts";
import { askVersion } from "../../src/harness/run/program.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { cooldownOf } from "../store/samples.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

type Level = Finding["level"];

function settingsOf(file: Record<string, unknown>): Settings {
  const parsed = parseSettings(file);
  if ("faults" in parsed) throw new Error(`the settings of this test are wrong: ${parsed.faults[0]?.what}`);
  return parsed.settings;
}

function keyOf(provider: string, name: string, parts: Partial<Key> = {}): Key {
  const secret = `secret-of-${name}`;
  return {
    provider,
    name,
    secret,
    fingerprint: fingerprint(secret),
    enabled: true,
    source: "environment",
    from: name,
    ...parts,
  };
}

const faults = (findings: readonly Finding[]): string[] =>
  findings.filter(({ level }) => level === "wrong").map(({ what }) => what);

test.each<[name: string, keys: Key[] | undefined, levels: Level[]]>([
  ["unread keys are told of elsewhere", undefined, []],
  ["no key is wrong", [], ["wrong"]],
  ["only disabled keys are wrong", [keyOf("groq", "a", { enabled: false })], ["wrong"]],
  ["a ready key is enough", [keyOf("groq", "a"), keyOf("groq", "b")], ["ok", "note"]],
  ["a key at rest alone is wrong", [keyOf("groq", "b")], ["wrong", "note"]],
  ["a dead key is wrong even beside a good one", [keyOf("groq", "a"), keyOf("groq", "c")], ["ok", "wrong"]],
])("%s", (_name, keys, levels) => {
  const rests = [
    cooldownOf(`key ${fingerprint("secret-of-b")}`, NOW),
    cooldownOf(`key ${fingerprint("secret-of-c")}`, NOW, { kind: "auth", untilMs: NEVER_MS }),
  ];
  expect(checkKeys({ keys }, rests, NOW).map(({ level }) => level)).toEqual(levels);
});

test.each<[baseUrl: string, levels: Level[], fix: string]>([
  ["https://x.example/v1", ["ok"], ""],
  ["https://x.example/v1/v1", ["wrong"], 'base_url = "https://x.example/v1"'],
  ["http://localhost:1/v1/v1/", ["wrong"], 'base_url = "http://localhost:1/v1"'],
  ["http://127.0.0.1:8000/v1", ["ok"], ""],
  ["http://gpu-box:8000/v1", ["note"], "https"],
  ["http://192.168.1.9/v1", ["note"], "https"],
  ["http://api.x.example/v1", ["wrong"], "https"],
])("the address %s is %p", (baseUrl, levels, fix) => {
  const written = { providers: { own: { base_url: baseUrl } } };
  const provider = settingsOf(written).providers["own"];
  const findings = checkAddresses({ written }, provider === undefined ? [] : [provider]);
  expect(findings.map(({ level }) => level)).toEqual(levels);
  expect(findings[0]?.fix ?? "").toContain(fix);
});

test.each<[env: Record<string, string>, levels: Level[]]>([
  [{}, ["ok"]],
  [{ HTTP_PROXY: "http://user:secret@proxy:1" }, ["note"]],
  [{ https_proxy: "http://proxy:1", NO_PROXY: "localhost, 127.0.0.1" }, ["ok"]],
  [{ HTTP_PROXY: "http://proxy:1", no_proxy: "*" }, ["ok"]],
  [{ HTTP_PROXY: "http://proxy:1", NO_PROXY: "intranet" }, ["note"]],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: "0" }, ["ok", "wrong"]],
])("the environment %p is %p", (env, levels) => {
  const findings = checkEnvironment({ env });
  expect(findings.map(({ level }) => level)).toEqual(levels);
  expect(JSON.stringify(findings)).not.toContain("secret");
});

const OWN = settingsOf({ providers: { own: { base_url: "http://localhost:1" } } }).providers["own"];
const NAMED = settingsOf({ providers: { own: { base_url: "http://localhost:1", models: ["m"] } } }).providers[
  "own"
];

function probed(probe: Probed["probe"], parts: Partial<Probed> = {}): Probed {
  if (OWN === undefined) throw new Error("the provider of this test is missing");
  return { provider: OWN, key: keyOf("own", "a"), probe, ...parts };
}

const answer = (status: number, models: string[] = [], skewMs?: number): Probed["probe"] => ({
  kind: "answer",
  status,
  models,
  skewMs,
});
const named = NAMED === undefined ? {} : { provider: NAMED };
const placeholder = { key: keyOf("own", "placeholder", { source: "embedded" }) };

test.each<[name: string, probed: Probed, level: Level, fix: string]>([
  ["a list", probed(answer(200, ["m"])), "ok", ""],
  ["an empty list", probed(answer(200)), "wrong", "models = "],
  ["an empty list where models are named", probed(answer(200), named), "ok", ""],
  ["a refused key", probed(answer(401)), "wrong", "orouter keys test --provider own"],
  ["a missing key", probed(answer(401), placeholder), "wrong", "orouter keys add own"],
  ["no list", probed(answer(404)), "wrong", "models = "],
  ["no list where models are named", probed(answer(404), named), "ok", ""],
  ["a redirect", probed(answer(302)), "wrong", "base_url"],
  ["a limit that is reached", probed(answer(429)), "note", ""],
  ["a failure of the service", probed(answer(503)), "wrong", "orouter doctor"],
  ["no answer", probed({ kind: "none", why: "refused" }), "wrong", "base_url"],
])("%s of a provider", (_name, one, level, fix) => {
  const finding = checkProvider(one);
  expect(finding.level).toBe(level);
  expect(finding.fix ?? "").toContain(fix);
});

test.each<[skewsMs: (number | undefined)[], expected: string | undefined]>([
  [[undefined], undefined],
  [[1000], "matches the providers' clocks"],
  [[600_000, 2000], "matches the providers' clocks"],
  [[600_000], "10 m behind"],
  [[-7_200_000], "2 h ahead of"],
])("clocks that differ by %p", (skewsMs, expected) => {
  const [clock] = checkClock(skewsMs.map((skewMs) => probed(answer(200, ["m"], skewMs))));
  if (expected === undefined) expect(clock).toBeUndefined();
  else expect(clock?.what).toContain(expected);
});

test("chains are held against keys, retirements and live lists", () => {
  const settings = settingsOf({
    chains: { a: ["ollama-cloud/good", "ollama-cloud/glm-4.7"], b: ["groq/x", "groq/y", "ollama-cloud/odd"] },
  });
  const keys = [keyOf("ollama-cloud", "a")];
  const live = new Map([["ollama-cloud", new Set(["good"])]]);
  const findings = checkChains({ settings, keys }, live);
  expect(faults(findings)).toEqual([
    "groq/x, groq/y cannot be used: groq has no key.",
    "ollama-cloud/glm-4.7 has been retired by its provider.",
  ]);
  expect(findings.find(({ level }) => level === "note")?.what).toBe("ollama-cloud does not list odd.");
  // A model that is listed again is not gone.
  const back = new Map([["ollama-cloud", new Set(["good", "odd", "glm-4.7"])]]);
  expect(checkChains({ settings, keys: [...keys, keyOf("groq", "b")] }, back)).toMatchObject([
    { level: "ok" },
  ]);
});

function opencodeFindings(...values: (Record<string, unknown> | undefined)[]): string[] {
  const configs = values.map((value, at) => ({ from: `config-${at}.json`, value }));
  const keys = [keyOf("nvidia", "a"), keyOf("openai", "b")];
  using folder = tempFolder();
  return faults(
    checkOpencodeConfig({ keys, settings: settingsOf({}) }, configs, findSeedPlugins(configs, folder.path)),
  );
}

test.each<[name: string, values: (Record<string, unknown> | undefined)[], wrong: string[]]>([
  ["nothing odd", [{ plugin: ["some-theme"], disabled_providers: ["groq"] }], []],
  ["no JSON", [undefined], ["config-0.json is not a JSON object"]],
  ["our provider switched off", [{ disabled_providers: ["nvidia"] }], ["turns off nvidia"]],
  [
    "a later list in place of the first",
    [{ disabled_providers: ["nvidia"] }, { disabled_providers: [] }],
    [],
  ],
  [
    "our provider left out, under the id that opencode knows",
    [{ enabled_providers: ["nvidia"] }],
    ["leaves out orouter-openai"],
  ],
  [
    "plugins that bring keys of their own",
    [{ plugin: ["@hallaxius/opencode-nim-rotator/server", ["opencode-ollama-multi-auth", {}]] }],
    ["opencode-nim-rotator is loaded", "opencode-ollama-multi-auth is loaded"],
  ],
  [
    "an old address",
    [{ provider: { omniroute: { options: { baseURL: "http://localhost:20128/v1/v1" } } } }],
    ["baseURL of omniroute"],
  ],
])("opencode's config with %s", (_name, values, expected) => {
  const found = opencodeFindings(...values);
  expect(found).toHaveLength(expected.length);
  for (const [at, what] of expected.entries()) expect(found[at]).toContain(what);
});

test("a program is asked for its version for a bounded time", async () => {
  using folder = tempFolder();
  const program = async (name: string, script: string) => {
    await Bun.write(folder.in(name), `#!/bin/sh\n${script}\n`);
    await Bun.$`chmod 755 ${folder.in(name)}`;
    return folder.in(name);
  };
  const env = { PATH: "/usr/bin:/bin" };
  expect(await askVersion(await program("good", "echo opencode v1.2.3"), env)).toEqual({
    kind: "version",
    text: "1.2.3",
  });
  expect(await askVersion(await program("mute", "exit 0"), env)).toMatchObject({ kind: "none" });
  expect(await askVersion(await program("sick", "echo 1.2.3; exit 7"), env)).toMatchObject({
    why: "it ended with code 7",
  });
  expect(await askVersion(folder.in("absent"), env)).toMatchObject({ kind: "none" });
  // The program's own child keeps the pipe open after the program was killed.
  const stuck = await program("stuck", `sleep 60 &\necho $! > ${folder.in("pid")}\nwait`);
  expect(await askVersion(stuck, env, 300)).toEqual({ kind: "none", why: "it did not answer in time" });
  // The child is still alive: doctor did not wait for it.
  process.kill(Number(await Bun.file(folder.in("pid")).text()));
});

test("the report keeps to the width, and never breaks a word", () => {
  const path = `/a/${"long-folder/".repeat(8)}file`;
  const findings: Finding[] = [
    { check: "one", level: "ok", what: "fine", fix: undefined },
    { check: "another", level: "wrong", what: `${"many words ".repeat(12)}end`, fix: `chmod 600 ${path}` },
  ];
  const lines = doctorText(findings, { width: 60, paint: PLAIN_PAINT }).split("\n");
  expect(lines[0]).toBe("ok     one      fine");
  // A command is never wrapped, so that it can be copied.
  expect(lines.at(-1)).toEndWith(`→ chmod 600 ${path}`);
  for (const line of lines.slice(0, -1)) expect(line.length).toBeLessThanOrEqual(60);
  expect(Bun.stripANSI(doctorText(findings, { width: 60, paint: paintOf(undefined, 16) }))).toBe(
    lines.join("\n"),
  );
});

test("in a narrow terminal the report's sentences stand below what was looked at", () => {
  const findings: Finding[] = [
    { check: "opencode's config", level: "ok", what: "nothing in it stands in the way", fix: undefined },
  ];
  expect(doctorText(findings, { width: 30, paint: PLAIN_PAINT }).split("\n")).toEqual([
    "ok  opencode's config",
    "  nothing in it stands in the",
    "  way",
  ]);
});

test("a preset that cannot be reached is a matter of the network, not of its address", () => {
  const provider = providerOf(settingsOf({}), "groq");
  if (provider === undefined) throw new Error("groq is no preset any more");
  const finding = checkProvider(probed({ kind: "none", why: "no name" }, { provider }));
  expect(finding.fix).toContain("HTTPS_PROXY");
});

const home = "/home/me";

test.each<[name: string, path: string, isOwn: boolean, begin: string]>([
  ["a folder of one's own", "/home/me/.local", true, "chmod u+rwX /home/me/.local, or put"],
  ["what a sudo has left", "/home/me/.local", false, 'sudo chown "$(id -un)" /home/me/.local, or put'],
  ["the home itself", home, false, 'sudo chown "$(id -un)" /home/me, or put'],
  ["a folder above the home", "/", false, "Put orouter's files elsewhere"],
  ["a neighbour's home", "/home/me2", false, "Put orouter's files elsewhere"],
])("the way out of %s", (_name, path, isOwn, begin) => {
  expect(folderFix({ path, isOwn, home })).toStartWith(begin);
});
