import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { addKeys, loadKeyEntries } from "../../src/config/keys-file.ts";
import { loadConfig } from "../../src/config/load.ts";
import { type Accounts, requireTrusted } from "../../src/config/trusted-path.ts";
import { problemOf, tempFolder } from "./temp-folder.ts";

const UID = process.getuid?.() ?? 0;
/** Root can give a file any group; root's own has rules of its own. */
const GROUP = UID === 0 ? 4242 : (process.getgid?.() ?? 0);

/** A machine on which the group of the test's file has these members, and is the first group of these users. */
function accounts(members: string, first: readonly string[], uid = 4711): Accounts {
  return {
    uid,
    user: "me",
    passwd: () => first.map((name) => `${name}:x:1:${GROUP}::/:/bin/sh\n`).join(""),
    group: () => (members === "unlisted" ? "" : `team:x:${GROUP}:${members}\n`),
  };
}

function whyNot(file: string, machine?: Accounts): string {
  try {
    requireTrusted(file, machine);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test("a folder that everybody can write to, however far above, is rejected with the command that corrects it", async () => {
  using temp = tempFolder();
  const folder = temp.in("open folder/orouter");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(temp.in("open folder"), 0o777);
  const paths = { configFile: `${folder}/config.toml`, keysFile: `${folder}/keys.toml` };
  const works = [
    loadConfig(paths),
    loadKeyEntries(paths),
    addKeys({ paths }, "nvidia", [{ place: { kind: "value", secret: "nvapi-1" } }]),
  ];
  for (const work of works) {
    const problem = await problemOf(work);
    expect(problem.message).toContain(
      `can be replaced by everybody, who can write to ${temp.in("open folder")}`,
    );
    expect(problem.fix).toEndWith(`chmod o-w '${temp.in("open folder")}'`);
    expect(problem.exit).toBe(3);
  }
  chmodSync(temp.in("open folder"), 0o1777);
  expect((await loadConfig(paths)).warnings).toEqual([]);
});

test.each(["config.toml", "keys.toml"])("%s that everybody can change is rejected", async (name) => {
  using temp = tempFolder();
  const file = temp.in(name);
  writeFileSync(file, "");
  chmodSync(file, 0o666);
  const paths = { configFile: file, keysFile: file };
  const problem = await problemOf(name === "keys.toml" ? loadKeyEntries(paths) : loadConfig(paths));
  expect(problem.message).toStartWith(`${file} can be changed by everybody`);
  expect(problem.exit).toBe(3);
});

test("a link leads through folders of its own: those count, and the link's mode does not", () => {
  using temp = tempFolder();
  mkdirSync(temp.in("open/dotfiles"), { recursive: true });
  writeFileSync(temp.in("open/dotfiles/config.toml"), "", { mode: 0o600 });
  symlinkSync("open/dotfiles", temp.in("orouter"));
  expect(whyNot(temp.in("orouter/config.toml"))).toBe("");
  chmodSync(temp.in("open"), 0o777);
  expect(whyNot(temp.in("orouter/config.toml"))).toContain(`can write to ${temp.in("open")}`);
});

test.each<[what: string, machine: Accounts, why: string | undefined]>([
  ["only the user in it", accounts("me", []), undefined],
  ["the user and root in it", accounts("root,me", ["me"]), undefined],
  ["a named member", accounts("me,alice", []), "the group team (alice)"],
  ["a user whose first group it is", accounts("", ["me", "bob"]), "the group team (bob)"],
  ["many members", accounts("a,b,c,d", []), "the group team (a, b, c, …)"],
  ["unknown members", accounts("unlisted", []), `the group ${GROUP}, whose members are not known`],
  ["no entry, as in a container, but the user's own number", accounts("unlisted", [], GROUP), undefined],
])("a file that a group can change, with %s", (_what, machine, why) => {
  using temp = tempFolder();
  const file = temp.in("config.toml");
  writeFileSync(file, "");
  chownSync(file, UID, GROUP);
  chmodSync(file, 0o660);
  if (why === undefined) expect(whyNot(file, machine)).toBe("");
  else expect(whyNot(file, machine)).toStartWith(`${file} can be changed by ${why}`);
});
