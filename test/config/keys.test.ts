import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { keyVariables, type LoadedKeys, loadKeys } from "../../src/config/keys.ts";
import type { Env } from "../../src/config/paths.ts";
import { fingerprint } from "../../src/core/key.ts";
import { parseSettings, type Settings } from "../../src/core/settings/settings.ts";
import { memoryKeychain } from "./memory-keychain.ts";
import { tempFolder } from "./temp-folder.ts";

interface World {
  keysToml?: string;
  auth?: string;
  env?: Env;
  config?: Record<string, unknown>;
  keychain?: Record<string, string>;
}

function settingsOf(config: Record<string, unknown> = {}): Settings {
  const parsed = parseSettings(config);
  if ("faults" in parsed) throw new Error(parsed.faults[0]?.what);
  return parsed.settings;
}

async function load(world: World): Promise<LoadedKeys & { files: { keys: string; auth: string } }> {
  using folder = tempFolder();
  const files = { keys: folder.in("keys.toml"), auth: folder.in("auth.json") };
  if (world.keysToml !== undefined) writeFileSync(files.keys, world.keysToml, { mode: 0o600 });
  if (world.auth !== undefined) writeFileSync(files.auth, world.auth);
  const keychain = memoryKeychain();
  for (const [name, secret] of Object.entries(world.keychain ?? {})) await keychain.set(name, secret);
  const loaded = await loadKeys({
    paths: { keysFile: files.keys, opencodeAuthFile: files.auth, opencodeDatabase: folder.in("opencode.db") },
    settings: settingsOf(world.config),
    env: world.env ?? {},
    keychain,
  });
  if (world.auth !== undefined) expect(readFileSync(files.auth, "utf8")).toBe(world.auth);
  return { ...loaded, files };
}

const shown = ({ keys }: LoadedKeys) =>
  keys.map((key) => `${key.provider}/${key.name} ${key.secret} ${key.source}`);

test("keys come from the file, then the environment, then opencode, the same secret once", async () => {
  const loaded = await load({
    keysToml: '[[keys]]\nprovider = "nvidia"\nname = "work"\nvalue = "n-1"\n',
    env: { NVIDIA_API_KEY: "n-1", NVIDIA_API_KEY_2: " n-3 ", NVIDIA_API_KEY_1: "n-2", OLLAMA_API_KEY: "o-1" },
    auth: JSON.stringify({ nvidia: { type: "api", key: "n-2" }, groq: { type: "api", key: "g-1" } }),
  });
  expect(shown(loaded)).toEqual([
    "nvidia/work n-1 keys.toml",
    "ollama-cloud/OLLAMA_API_KEY o-1 environment",
    "nvidia/NVIDIA_API_KEY_1 n-2 environment",
    "nvidia/NVIDIA_API_KEY_2 n-3 environment",
    "groq/opencode g-1 auth.json",
  ]);
  const [first, , third] = loaded.keys;
  expect([first?.from, third?.from, loaded.keys[4]?.from]).toEqual([
    loaded.files.keys,
    "NVIDIA_API_KEY_1",
    loaded.files.auth,
  ]);
  expect(first?.fingerprint).toBe(fingerprint("n-1"));
  expect(loaded.notes).toEqual([]);
  expect(loaded.variables.sort()).toEqual([
    "NVIDIA_API_KEY",
    "NVIDIA_API_KEY_1",
    "NVIDIA_API_KEY_2",
    "OLLAMA_API_KEY",
  ]);
});

test("a key switched off in the file stays off, though the environment has it too", async () => {
  const keysToml = '[[keys]]\nprovider = "nvidia"\nvalue = "n-1"\nenabled = false\n';
  const { keys } = await load({ keysToml, env: { NVIDIA_API_KEY: "n-1" } });
  expect(keys.map((key) => key.enabled)).toEqual([false]);
});

test("an entry may name a variable or lie in the keychain; one that has nothing is left out with a note", async () => {
  const loaded = await load({
    keysToml: [
      '[[keys]]\nprovider = "nvidia"\nname = "v"\nenv = "MINE"',
      '[[keys]]\nprovider = "nvidia"\nname = "gone"\nenv = "ABSENT"',
      '[[keys]]\nprovider = "nvidia"\nname = "k"\nkeychain = true',
      '[[keys]]\nprovider = "nvidia"\nname = "lost"\nkeychain = true',
      '[[keys]]\nprovider = "nowhere"\nname = "far"\nvalue = "HIDDEN"',
    ].join("\n"),
    env: { MINE: "n-1" },
    keychain: { "nvidia/k": "n-2" },
  });
  expect(shown(loaded)).toEqual(["nvidia/v n-1 keys.toml", "nvidia/k n-2 keys.toml"]);
  expect(loaded.notes).toEqual([
    "The key gone of nvidia is left out: the variable ABSENT is not set.",
    "The key lost of nvidia is left out: the keychain has none.",
    "The key far of nowhere is left out: its provider nowhere is not in config.toml.",
  ]);
  expect(loaded.variables).toEqual(["MINE"]);
});

test("a text that no header can carry is left out with a note that does not repeat it", async () => {
  const auth = JSON.stringify({ groq: { type: "api", key: "HID DEN" } });
  const loaded = await load({ env: { NVIDIA_API_KEY: "HID\nDEN" }, auth });
  expect(loaded.keys).toEqual([]);
  expect(loaded.notes).toHaveLength(2);
  expect(loaded.notes.join()).not.toMatch(/HID|DEN/);
});

test.each<[name: string, auth: string, notes: number]>([
  ["no JSON", "{ HIDDEN", 1],
  ["a list", "[]", 1],
  ["an entry of another kind", '{"nvidia":{"type":"oauth","access":"x"},"groq":7}', 0],
  ["a provider nobody knows", '{"nowhere":{"type":"api","key":"x"}}', 0],
])("%s in opencode's file stops nothing", async (_name, auth, notes) => {
  const loaded = await load({ auth, env: { NVIDIA_API_KEY: "n-1" } });
  expect(shown(loaded)).toEqual(["nvidia/NVIDIA_API_KEY n-1 environment"]);
  expect(loaded.notes).toHaveLength(notes);
  expect(loaded.notes.join()).not.toContain("HIDDEN");
});

test("a folder in the place of opencode's file is a note", async () => {
  using folder = tempFolder();
  mkdirSync(folder.in("auth.json"));
  const paths = {
    keysFile: folder.in("keys.toml"),
    opencodeAuthFile: folder.in("auth.json"),
    opencodeDatabase: folder.in("opencode.db"),
  };
  const loaded = await loadKeys({ paths, settings: settingsOf(), env: {} });
  expect(loaded.notes).toEqual([`${folder.in("auth.json")} could not be read (EISDIR).`]);
});

test("opencode's own variable stands in for its file", async () => {
  const loaded = await load({
    auth: '{"groq":{"type":"api","key":"from-file"}}',
    env: { OPENCODE_AUTH_CONTENT: '{"groq":{"type":"api","key":"from-variable"}}' },
  });
  expect(shown(loaded)).toEqual(["groq/opencode from-variable auth.json"]);
  expect(loaded.keys[0]?.from).toBe("OPENCODE_AUTH_CONTENT");
});

test("a provider of one's own has its variable, and opencode's entry under its id", async () => {
  const config = { providers: { work: { base_url: "https://work.example", env: "WORK_KEY" } } };
  const auth = '{"work":{"type":"api","key":"w-2"}}';
  expect(shown(await load({ config, auth, env: { WORK_KEY_1: "w-1" } }))).toEqual([
    "work/WORK_KEY_1 w-1 environment",
    "work/opencode w-2 auth.json",
  ]);
});

test("a configured server that asks for no key gets a placeholder while there is none", async () => {
  const config = { providers: { omniroute: {}, here: { base_url: "http://127.0.0.1:8000" }, groq: {} } };
  expect(shown(await load({ config }))).toEqual([
    "omniroute/placeholder sk_omniroute embedded",
    "here/placeholder none embedded",
  ]);
  expect(shown(await load({ config, env: { OMNIROUTE_API_KEY: "real" } }))).toEqual([
    "omniroute/OMNIROUTE_API_KEY real environment",
    "here/placeholder none embedded",
  ]);
  expect(shown(await load({}))).toEqual([]);
});

test("a variable that other tools live on is used when asked for, but never kept from a child", async () => {
  const env = { GITHUB_TOKEN: "gh-1", NVIDIA_API_KEY: "n-1" };
  expect(shown(await load({ env }))).toEqual(["nvidia/NVIDIA_API_KEY n-1 environment"]);
  const config = { providers: { "github-models": {} } };
  const loaded = await load({ env, config });
  expect(shown(loaded)).toContain("github-models/GITHUB_TOKEN gh-1 environment");
  expect(loaded.variables).toEqual(["NVIDIA_API_KEY"]);
  expect(keyVariables(env, settingsOf(config))).toEqual(["NVIDIA_API_KEY"]);
});
