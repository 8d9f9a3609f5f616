import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answer } from "../../src/demo/replies.ts";
import type { Scene } from "../../src/demo/scene.ts";
import { findScene } from "../../src/demo/scenes.ts";
import { sceneOf, withUpstream } from "../demo/ask.ts";
import { contentsOf, e2eMachine, standIn } from "./machine.ts";

const MODEL = "ollama-cloud/gpt-oss:120b";
const KEYS = [{ name: "only", secret: "secret-only" }];

function always(text: string): Scene {
  return { ...sceneOf((call) => answer(call, text)), models: ["gpt-oss:120b"] };
}

test("opencode run gives through orouter what it gives by itself", async () => {
  await withUpstream(always("Good day to you."), async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, KEYS);
    const config = {
      provider: { "ollama-cloud": { options: { baseURL: upstream.baseUrl, apiKey: "secret-only" } } },
    };
    const plain = await machine.opencode(["run", "-m", MODEL, "hi"], {
      env: { OPENCODE_CONFIG_CONTENT: JSON.stringify(config) },
    });
    const routed = await machine.orouter(["opencode", "run", "-m", MODEL, "hi"]);
    expect(plain.stdout).toContain("Good day to you.");
    expect(routed).toEqual(plain);
    expect(machine.leftovers()).toEqual([]);
  });
});

test("a prompt from a pipe arrives, and a refused key is no news to the reader of stdout", async () => {
  const scene = findScene("rotation");
  if (scene === undefined) throw new Error("the scene is missing");
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, scene.keys);
    const run = await machine.orouter(["opencode", "run", "-m", MODEL], { stdin: "say hello" });
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("Hello!");
    expect(run.stdout).not.toContain("[orouter]");
    expect(run.stderr).toMatch(/\[orouter\] \d+ requests, [1-9]\d* rotations?, 0 fallbacks/);
    expect(upstream.calls.some((call) => call.body.includes("say hello"))).toBe(true);
  });
});

test("when every key is refused, opencode shows the reason once and the report follows", async () => {
  const scene = findScene("exhausted");
  if (scene === undefined) throw new Error("the scene is missing");
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, scene.keys);
    const run = await machine.orouter(["opencode", "run", "-m", `ollama-cloud/${scene.models[0]}`, "hi"]);
    expect(run.exitCode).toBe(1);
    expect(run.stderr.match(/ALL KEYS EXHAUSTED!/g)).toHaveLength(1);
    expect(run.stderr.match(/Error: /g)).toHaveLength(1);
    // One walk over the keys for the prompt and one for the title, and no more: nothing was retried.
    expect(upstream.calls.length).toBeLessThanOrEqual(2 * scene.keys.length * scene.models.length);
    for (const { secret } of scene.keys) expect(run.stderr).not.toContain(secret);
  });
});

test("the user's files are the same to the byte after a run, plugins and keys included", async () => {
  await withUpstream(always("Done."), async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, KEYS);
    machine.write(
      "home/.config/opencode/opencode.jsonc",
      '{\n  // mine\n  "$schema": "https://opencode.ai/config.json",\n  "username": "me",\n}\n',
    );
    machine.write("home/.local/share/opencode/auth.json", '{"nvidia":{"type":"api","key":"secret-of-mine"}}');
    const watched = [join(machine.home, ".config/orouter"), join(machine.home, ".config/opencode")];
    const auth = join(machine.home, ".local/share/opencode/auth.json");
    const ofUser = (): unknown => {
      const { "opencode.jsonc": mine } = contentsOf(watched[1] ?? "");
      return [contentsOf(watched[0] ?? ""), mine, readFileSync(auth, "utf8"), contentsOf(machine.project)];
    };
    const before = ofUser();
    const run = await machine.orouter(["opencode", "run", "-m", MODEL, "hi"]);
    expect(run.exitCode).toBe(0);
    expect(ofUser()).toEqual(before);
    expect(machine.leftovers()).toEqual([]);
  });
});

test("a dead HTTP proxy in the environment does not keep opencode from ours, nor ours from a local provider", async () => {
  await withUpstream(always("Still here."), async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, KEYS);
    const dead = "http://127.0.0.1:9";
    const run = await machine.orouter(["opencode", "run", "-m", MODEL, "hi"], {
      env: { HTTP_PROXY: dead, http_proxy: dead, HTTPS_PROXY: dead, https_proxy: dead },
    });
    expect(run.stdout).toContain("Still here.");
    expect(run.exitCode).toBe(0);
  });
});

test("what opencode's shell tool sees holds no key and no token", async () => {
  const scene: Scene = {
    ...sceneOf((call) => {
      const asks = call.hasTools && !call.body.includes('"role":"tool"');
      if (!asks) return answer(call, "That was the environment.");
      const toolCalls = [
        { name: "bash", arguments: '{"command":"env","description":"List the environment"}' },
      ];
      return { kind: "answer", text: "", toolCalls };
    }),
    models: ["gpt-oss:120b"],
  };
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, KEYS);
    const run = await machine.orouter(["opencode", "run", "-m", MODEL, "show the environment"], {
      env: { OLLAMA_API_KEY: "secret-in-env", NVIDIA_API_KEY: "secret-elsewhere" },
    });
    expect(run.exitCode).toBe(0);
    const seen = upstream.calls.find((call) => call.body.includes("OROUTER_RUN_ID"))?.body ?? "";
    expect(seen).toContain("OPENCODE_CONFIG_CONTENT");
    for (const secret of ["secret-only", "secret-in-env", "secret-elsewhere"])
      expect(seen).not.toContain(secret);
    const token = /Bearer ([\w-]{20,})/.exec(seen)?.[1];
    expect(token).toBeUndefined();
  });
});

test("a project's bunfig.toml and .env mean nothing to orouter", async () => {
  using machine = e2eMachine();
  machine.write("home/.config/orouter/config.toml", "");
  const marker = machine.folder.in("preloaded");
  machine.write("project/bunfig.toml", 'preload = ["./preload.ts"]\n');
  machine.write("project/preload.ts", `await Bun.write(${JSON.stringify(marker)}, "x");\n`);
  machine.write("project/.env", "OLLAMA_API_KEY=secret-of-a-project\n");
  const run = await machine.orouter(["keys", "list", "--json"]);
  expect(run.exitCode).toBe(0);
  expect(JSON.parse(run.stdout)).toEqual({ keys: [] });
  expect(existsSync(marker)).toBe(false);
});

test("without a key and without a terminal it ends with 4 and the ways to a key", async () => {
  using machine = e2eMachine();
  machine.write("home/.config/orouter/config.toml", "");
  const run = await machine.orouter(["opencode", "run", "hi"], { env: standIn(machine, "echo ran") });
  expect(run.exitCode).toBe(4);
  expect(run.stdout).toBe("");
  expect(run.stderr).toContain("orouter keys add");
});

test("a missing opencode is said with the way to get it", async () => {
  using machine = e2eMachine();
  const run = await machine.orouter(["opencode"], {
    env: { PATH: "/usr/bin:/bin", OLLAMA_API_KEY: "a-secret" },
  });
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain("npm install -g @opencode/cli");
  expect(run.stderr).toContain("npm install -g opencode-ai");
});
