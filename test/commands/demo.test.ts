import { expect, test } from "bun:test";
import { SCENES } from "../../src/demo/scenes.ts";
import { tempMachine } from "./orouter.ts";

test("--list names every scene and what it is about", async () => {
  using machine = tempMachine();
  const { stdout, exitCode } = await machine.run(["demo", "--list"]);
  expect(exitCode).toBe(0);
  for (const { name, title, about } of SCENES)
    expect(stdout).toMatch(new RegExp(`^${name} +${title}\\. ${about.slice(0, 20)}`, "m"));
});

test.each<[words: string[], says: string]>([
  [["--scene", "rotaton"], "Did you mean rotation?"],
  [["--scene", "nothing-like-it"], "Scenes: rotation, plan"],
  [["plan"], "--scene plan"],
  [["--port", "99999", "--serve"], "--port 99999 is not a port"],
  [["--port", "8080"], "--port needs --serve"],
  [["--json"], "--json needs --list or --serve"],
])("demo %p is a usage error that helps", async (words, says) => {
  using machine = tempMachine();
  const run = await machine.run(["demo", ...words]);
  expect(run).toMatchObject({ exitCode: 2, stdout: "" });
  expect(run.stderr).toContain(says);
});

async function readUntil(stream: ReadableStream<Uint8Array>, cue: string): Promise<string> {
  let shown = "";
  for await (const bytes of stream) {
    shown += new TextDecoder().decode(bytes);
    if (shown.includes(cue)) return shown;
  }
  throw new Error(`${cue} was never shown, but: ${shown}`);
}

test("--serve tells how to ask it, and the question that it shows is answered", async () => {
  using machine = tempMachine();
  const child = Bun.spawn(machine.command(["demo", "--serve", "--scene", "plan"]), {
    env: machine.env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const shown = await readUntil(child.stderr, "Stop with Ctrl-C");
  const curl = /^ +(curl .*)$/m.exec(shown)?.[1] ?? "";
  expect(curl).toContain("/v1/chat/completions");
  const asked = Bun.spawn(["/bin/sh", "-c", curl], { stdout: "pipe", stderr: "ignore" });
  // In this scene the first key for this model gets the provider's own refusal.
  expect(await asked.stdout.text()).toContain("requires a subscription");
  const config = shown.slice(shown.indexOf("  [providers.demo]"), shown.indexOf("\n\nEach call"));
  expect(Bun.TOML.parse(config)).toEqual({
    providers: {
      demo: { base_url: expect.stringContaining("127.0.0.1"), models: ["glm-5.2", "gpt-oss:120b"] },
    },
  });
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
});
