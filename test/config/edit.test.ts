import { expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { editToml } from "../../src/config/toml-edit.ts";
import { parseSettings } from "../../src/core/settings/settings.ts";
import { modeOf, namesIn, problemOf, tempFolder } from "./temp-folder.ts";

const check = (value: unknown) => {
  const parsed = parseSettings(value);
  return "faults" in parsed ? parsed.faults : [];
};

test("an edit changes its value and nothing else", async () => {
  using folder = tempFolder();
  const file = folder.in("config.toml");
  writeFileSync(file, '# mine\ntheme = "nord" # dark\n\n[chains]\n# best first\nc = ["a/b"]\n');
  const isWritten = await editToml(file, (value) => ({ ...value, theme: "dracula" }), { check });
  expect(isWritten).toBe(true);
  expect(readFileSync(file, "utf8")).toBe(
    '# mine\ntheme = "dracula" # dark\n\n[chains]\n# best first\nc = ["a/b"]\n',
  );
  expect(namesIn(folder.path)).toEqual(["config.toml"]);
});

test("a file that is not there yet is made, in a folder for its owner alone", async () => {
  using folder = tempFolder();
  const file = folder.in("orouter/config.toml");
  await editToml(file, () => ({ chains: { c: ["a/b"] } }), { opening: "# begun\n" });
  expect(readFileSync(file, "utf8")).toBe('# begun\n\n[chains]\nc = ["a/b"]\n');
  expect([modeOf(file), modeOf(folder.in("orouter"))]).toEqual([0o600, 0o700]);
});

test("an edit that changes nothing writes nothing", async () => {
  using folder = tempFolder();
  const file = folder.in("config.toml");
  writeFileSync(file, 'theme =   "nord"');
  const before = statSync(file).ino;
  expect(await editToml(file, (value) => ({ ...value }))).toBe(false);
  expect(statSync(file).ino).toBe(before);
});

test("edits at the same time all arrive", async () => {
  using folder = tempFolder();
  const file = folder.in("config.toml");
  const names = ["a", "b", "c", "d", "e"];
  const add = (name: string) =>
    editToml(file, (value) => ({ chains: { ...(value["chains"] as object | undefined), [name]: ["x/y"] } }));
  await Promise.all(names.map(add));
  const chains = Bun.TOML.parse(readFileSync(file, "utf8"));
  expect(Object.keys((chains as { chains: object }).chains).sort()).toEqual(names);
});

test.each<[name: string, text: string, said: RegExp]>([
  ["does not parse", "[routing\n", /config\.toml:1:\d+: /],
  ["has a wrong value", '\ntheme = "x"\n', /config\.toml:2:1: theme cannot be "x"/],
])("a file that %s is never touched", async (_name, text, said) => {
  using folder = tempFolder();
  const file = folder.in("config.toml");
  writeFileSync(file, text);
  const problem = await problemOf(editToml(file, (value) => ({ ...value, theme: "nord" }), { check }));
  expect(problem.code).toBe("config-invalid");
  expect(problem.message).toMatch(said);
  expect(readFileSync(file, "utf8")).toBe(text);
  expect(namesIn(folder.path)).toEqual(["config.toml"]);
});

test("a change to a wrong value is refused", async () => {
  using folder = tempFolder();
  const file = folder.in("config.toml");
  writeFileSync(file, 'theme = "nord"\n');
  const problem = await problemOf(editToml(file, (value) => ({ ...value, theme: "x" }), { check }));
  expect(problem.message).toStartWith('theme cannot be "x"; allowed: one of opencode, ');
  expect(readFileSync(file, "utf8")).toBe('theme = "nord"\n');
});
