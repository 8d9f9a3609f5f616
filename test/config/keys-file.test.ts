import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { loadKeyEntries } from "../../src/config/keys-file.ts";
import { modeOf, problemOf, tempFolder } from "./temp-folder.ts";

test("no file means no keys", async () => {
  using folder = tempFolder();
  expect(await loadKeyEntries({ keysFile: folder.in("keys.toml") })).toEqual({ entries: [], notes: [] });
});

test("a file that others can read is tightened, and that is said once", async () => {
  using folder = tempFolder();
  const keysFile = folder.in("keys.toml");
  writeFileSync(keysFile, '[[keys]]\nprovider = "a"\nvalue = "s"\n', { mode: 0o644 });
  const first = await loadKeyEntries({ keysFile });
  expect(first.entries).toHaveLength(1);
  expect(first.notes).toEqual([`${keysFile} could be read by others; now only you can (mode 0600).`]);
  expect(modeOf(keysFile)).toBe(0o600);
  expect((await loadKeyEntries({ keysFile })).notes).toEqual([]);
});

test.each<[name: string, toml: string, place: string]>([
  ["a line that is no TOML", '[[keys]]\nprovider = "a"\nvalue = HIDDEN\n', ":3:9: "],
  ["text without its end", '[[keys]]\nvalue = "HIDDEN\n', ":2:"],
  [
    "a wrong value",
    '[[keys]]\nprovider = "a"\nvalue = "HID DEN"\n',
    ":3:1: keys[0].value cannot be this text",
  ],
  [
    "an unknown setting",
    '[[keys]]\nprovider = "a"\nvalue = "HIDDEN"\nkeychian = true\n',
    ":4:1: keys[0].keychian",
  ],
])("%s is named with its place and without the secret", async (_name, toml, place) => {
  using folder = tempFolder();
  const keysFile = folder.in("keys.toml");
  writeFileSync(keysFile, toml, { mode: 0o600 });
  const problem = await problemOf(loadKeyEntries({ keysFile }));
  expect(problem.message).toStartWith(`${keysFile}${place}`);
  expect(`${problem.message} ${problem.fix} ${problem.stack}`).not.toMatch(/HID|DEN/);
});
