import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { orouterBinary } from "./binary.ts";
import { e2eMachine } from "./machine.ts";
import { openTerminal } from "./terminal.ts";

const PROGRAMS = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"];
const missing = PROGRAMS.filter((name) => Bun.which(name) === null);

/** A session bus of its own, with an unlocked keyring behind it, around some words of shell. */
function withKeyring(words: string): string[] {
  const unlock =
    "printf 'a password\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1";
  return ["dbus-run-session", "--", "sh", "-c", `${unlock}\n${words}`];
}

/** True where the test can run; else the reason is printed, so that it is not taken for a test that passed. */
function canRun(): boolean {
  if (missing.length === 0) return true;
  console.log(`not run  the system's keychain: ${missing.join(", ")} not installed`);
  return false;
}

test("a key goes into a real Secret Service, is used from there, and leaves with its entry", async () => {
  if (!canRun()) return;
  using machine = e2eMachine();
  const words = `printf 'secret-in-the-chain\\n' | "$OROUTER" keys add nvidia --stdin --keychain &&
"$OROUTER" keys list --json && secret-tool lookup service orouter account nvidia/key-1 && echo &&
"$OROUTER" keys rename key-1 work && secret-tool lookup service orouter account nvidia/work && echo &&
"$OROUTER" keys remove work --yes; secret-tool lookup service orouter account nvidia/work || echo gone`;
  const run = await machine.run(withKeyring(words), { env: { OROUTER: orouterBinary() } });
  expect(run.stdout).toContain('"from": "keychain"');
  expect(run.stdout).toEndWith("secret-in-the-chain\nsecret-in-the-chain\ngone\n");
  expect(run.stderr).toContain("to the keychain, and its name to");
  expect(readFileSync(`${machine.home}/.config/orouter/keys.toml`, "utf8")).not.toContain(
    "secret-in-the-chain",
  );
});

test("keys add offers the keychain where there is one, and keys.toml comes first", async () => {
  if (!canRun()) return;
  using machine = e2eMachine();
  const terminal = openTerminal(
    withKeyring('"$OROUTER" keys add nvidia; secret-tool lookup service orouter account nvidia/key-1'),
    machine.project,
    {
      ...machine.env,
      OROUTER: orouterBinary(),
    },
  );
  await terminal.sees("Where do you want to store it?");
  await terminal.choose("In the system's keychain");
  await terminal.sees("Key for");
  terminal.type("secret-typed-in\r");
  await terminal.sees("to the keychain");
  await terminal.child.exited;
  expect(readFileSync(`${machine.home}/.config/orouter/keys.toml`, "utf8")).toContain("keychain = true");
});
