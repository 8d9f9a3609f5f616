import { expect, test } from "bun:test";
import { namesIn } from "../config/temp-folder.ts";
import { tempMachine } from "./orouter.ts";

const CONFIG = '[models_dev]\nenabled = false\n[providers.work]\nbase_url = "http://127.0.0.1:9/v1"\n';

/** Adds the keys at the same time, each in its own process. */
async function addAtOnce(count: number, command: readonly string[]): Promise<void> {
  using machine = tempMachine();
  await machine.write("config.toml", CONFIG);
  const children = Array.from({ length: count }, (_, i) => {
    const words = machine.command(["keys", "add", "work", "--name", `key-of-${i}`, "--stdin"]);
    const stdin = new Blob([`fake-secret-of-${i}\n`]);
    return Bun.spawn([...command, ...words], { env: machine.env, stdin, stdout: "ignore", stderr: "pipe" });
  });
  const ended = await Promise.all(
    children.map(async (child) => ((await child.exited) === 0 ? "" : await child.stderr.text())),
  );
  expect(ended).toEqual(children.map(() => ""));
  const keys = await machine.read("keys.toml");
  const names = [...keys.matchAll(/^name = "(key-of-\d+)"$/gm)].map(([, name]) => name ?? "");
  expect(names.sort()).toEqual(children.map((_, i) => `key-of-${i}`).sort());
  expect(namesIn(machine.file("."))).toEqual(["config.toml", "keys.toml"]);
}

test("twelve processes that add a key at once lose none", () => addAtOnce(12, []));

test("nor do twelve that cannot see each other, as in containers with a shared home", async () => {
  const unshare = ["unshare", "--pid", "--fork"];
  if (Bun.which("unshare") === null || Bun.spawnSync([...unshare, "true"]).exitCode !== 0) {
    console.log("PID namespaces: not tried, unshare is missing or needs root.");
    return;
  }
  await addAtOnce(12, unshare);
});
