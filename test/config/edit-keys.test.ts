import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import {
  addKeys,
  type KeyStore,
  loadKeyEntries,
  removeKey,
  renameKey,
  setKeyEnabled,
} from "../../src/config/keys-file.ts";
import { memoryKeychain } from "./memory-keychain.ts";
import { modeOf, problemOf, tempFolder } from "./temp-folder.ts";

const TWO = `# my keys

# from the office
[[keys]]
provider = "a"
name = "work" # paid
value = "s-1"

[[keys]]
provider = "a"
value = "s-2"
`;

function storeIn(folder: { in: (name: string) => string }, text?: string): KeyStore & { file: string } {
  const file = folder.in("keys.toml");
  if (text !== undefined) writeFileSync(file, text, { mode: 0o600 });
  return { file, paths: { keysFile: file }, keychain: memoryKeychain() };
}

async function summary(store: KeyStore): Promise<string[]> {
  const { entries } = await loadKeyEntries(store.paths);
  return entries.map(({ provider, name, enabled, place }) => {
    const where = place.kind === "value" ? place.secret : place.kind === "env" ? place.variable : "keychain";
    return `${provider}/${name} ${where} ${enabled ? "on" : "off"}`;
  });
}

const value = (secret: string) => ({ place: { kind: "value", secret } }) as const;

test("the first keys make the file, mode 0600 in a 0700 folder", async () => {
  using folder = tempFolder();
  const store = { paths: { keysFile: folder.in("orouter/keys.toml") } };
  const added = await addKeys(store, "a", [value(" s-1\n"), { name: "work", ...value("s-2") }, value("s-3")]);
  expect(added).toEqual({ added: ["key-1", "work", "key-2"], known: [] });
  expect(await summary(store)).toEqual(["a/key-1 s-1 on", "a/work s-2 on", "a/key-2 s-3 on"]);
  expect([modeOf(store.paths.keysFile), modeOf(folder.in("orouter"))]).toEqual([0o600, 0o700]);
});

test("a secret that is there is not added again, unless it is another provider's", async () => {
  using folder = tempFolder();
  const store = storeIn(folder, TWO);
  const variable = { place: { kind: "env", variable: "A_KEY" } } as const;
  expect(await addKeys(store, "a", [value("s-1"), value("s-3"), value("s-3"), variable, variable])).toEqual({
    added: ["key-2", "key-3"],
    known: ["work", "key-2", "key-3"],
  });
  expect((await addKeys(store, "b", [value("s-1")])).added).toEqual(["key-1"]);
  expect(await summary(store)).toEqual([
    "a/work s-1 on",
    "a/key-1 s-2 on",
    "a/key-2 s-3 on",
    "a/key-3 A_KEY on",
    "b/key-1 s-1 on",
  ]);
});

test("renaming and switching off change one line each and keep the comments", async () => {
  using folder = tempFolder();
  const store = storeIn(folder, TWO);
  await renameKey(store, "a", "work", "office");
  await setKeyEnabled(store, "a", "office", false);
  expect(readFileSync(store.file, "utf8")).toBe(
    TWO.replace('"work"', '"office"').replace('value = "s-1"\n', 'value = "s-1"\nenabled = false\n'),
  );
  await setKeyEnabled(store, "a", "office", true);
  expect(await summary(store)).toEqual(["a/office s-1 on", "a/key-1 s-2 on"]);
});

test("a removed key is gone with its own comments, the rest stays", async () => {
  using folder = tempFolder();
  const store = storeIn(folder, TWO);
  await removeKey(store, "a", "key-1");
  expect(readFileSync(store.file, "utf8")).toBe(TWO.slice(0, TWO.lastIndexOf("\n[[keys]]")));
  await removeKey(store, "a", "work");
  expect(readFileSync(store.file, "utf8")).toStartWith("# my keys\n");
  expect(await summary(store)).toEqual([]);
  await addKeys(store, "a", [value("s-9")]);
  expect(await summary(store)).toEqual(["a/key-1 s-9 on"]);
});

test("a key in the keychain leaves nothing in the file, follows its name and goes when removed", async () => {
  using folder = tempFolder();
  const keychain = memoryKeychain();
  const store = { ...storeIn(folder), keychain };
  await addKeys(store, "a", [{ name: "work", place: { kind: "keychain", secret: "s-1" } }]);
  expect(readFileSync(store.file, "utf8")).not.toContain("s-1");
  expect([...keychain.secrets]).toEqual([["a/work", "s-1"]]);
  await renameKey(store, "a", "work", "office");
  expect([...keychain.secrets]).toEqual([["a/office", "s-1"]]);
  await removeKey(store, "a", "office");
  expect([...keychain.secrets]).toEqual([]);
});

test("where the keychain is gone a key of it can be removed, but not renamed", async () => {
  using folder = tempFolder();
  const gone = async () => {
    throw new Error("libsecret not available");
  };
  const text = '[[keys]]\nprovider = "a"\nname = "work"\nkeychain = true\n';
  const store = { ...storeIn(folder, text), keychain: { get: gone, set: gone, remove: gone } };
  const problem = await problemOf(renameKey(store, "a", "work", "office"));
  expect(problem.message).toContain("cannot be reached");
  expect(readFileSync(store.file, "utf8")).toBe(text);
  expect(await removeKey(store, "a", "work")).toBe(false);
  expect(await summary(store)).toEqual([]);
});

test.each<[name: string, act: (store: KeyStore) => Promise<unknown>, code: string]>([
  ["a key that is not there", (store) => removeKey(store, "a", "none"), "key-not-found"],
  ["another provider's key", (store) => setKeyEnabled(store, "b", "work", false), "key-not-found"],
  ["a name that is taken", (store) => renameKey(store, "a", "work", "key-1"), "key-name-taken"],
  [
    "a name that is taken, on adding",
    (store) => addKeys(store, "a", [{ name: "work", ...value("z") }]),
    "key-name-taken",
  ],
  ["a name that is none", (store) => renameKey(store, "a", "work", "a/b"), "bad-key-name"],
  ["a key with a blank inside", (store) => addKeys(store, "a", [value("HID DEN")]), "bad-key"],
  [
    "a secret for a variable",
    (store) => addKeys(store, "a", [{ place: { kind: "env", variable: "HID-DEN" } }]),
    "config-invalid",
  ],
])("%s is a problem and changes nothing", async (_name, act, code) => {
  using folder = tempFolder();
  const store = storeIn(folder, TWO);
  const problem = await problemOf(act(store));
  expect(problem.code).toBe(code);
  expect(`${problem.message} ${problem.fix}`).not.toMatch(/HID|DEN|s-1|s-2/);
  expect(readFileSync(store.file, "utf8")).toBe(TWO);
});
