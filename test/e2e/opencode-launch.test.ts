import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { answer } from "../../src/demo/reply.ts";
import { findScene } from "../../src/demo/scenes.ts";
import { boundedRun } from "./bounded-run.ts";
import { contentsOf } from "./machine.ts";
import { wordsOf } from "./opencode-program.ts";
import { LIMIT_MS, MODEL, onStage, RUN, scenario, sceneWithKeys } from "./scenario.ts";

/** Our variables in the environment of a process. */
function oursIn(pid: number): string[] {
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  return entries.filter((entry) => /^(?:OROUTER_|OPENCODE_CONFIG)/.test(entry));
}

const always = (text: string) => sceneWithKeys(["only"], (call) => answer(call, text));

scenario("run gives through orouter what it gives by itself", (program) =>
  onStage(program, always("Good day to you."), "", async (machine, upstream) => {
    const options = { baseURL: upstream.baseUrl, apiKey: "scripted-only" };
    const models = { [MODEL]: {} };
    const config = { provider: { "ollama-cloud": { options, models } } };
    const bare = [...wordsOf(program).bareRun, "-m", `ollama-cloud/${MODEL}`, "hi"];
    const plain = await machine.opencode(bare, { env: { OPENCODE_CONFIG_CONTENT: JSON.stringify(config) } });
    const routed = await machine.orouter([...RUN, "hi"]);
    expect(plain.stdout).toContain("Good day to you.");
    expect({ ...routed, stderr: Bun.stripANSI(routed.stderr) }).toEqual({
      ...plain,
      stderr: Bun.stripANSI(plain.stderr),
    });
  }),
);

scenario("a prompt from a pipe arrives, and stdout has nothing of the key that was refused", (program) => {
  const scene = findScene("rotation");
  if (scene === undefined) throw new Error("the scene is missing");
  return onStage(program, scene, "", async (machine, upstream) => {
    const run = await machine.orouter(RUN, { stdin: "say hello" });
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("Hello!");
    expect(run.stdout).not.toContain("[orouter]");
    expect(run.stderr).toMatch(/\[orouter\] \d+ requests, [1-9]\d* rotations?, 0 fallbacks/);
    expect(upstream.calls.some((call) => call.body.includes("say hello"))).toBe(true);
  });
});

scenario("the user's files are the same to the byte after a run, plugins and keys included", (program) =>
  onStage(program, always("Done."), "", async (machine) => {
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
    expect((await machine.orouter([...RUN, "hi"])).exitCode).toBe(0);
    expect(ofUser()).toEqual(before);
  }),
);

scenario("a dead HTTP proxy in the environment keeps nothing from loopback", (program) =>
  onStage(program, always("Still here."), "", async (machine) => {
    const dead = "http://127.0.0.1:9";
    const env = { HTTP_PROXY: dead, http_proxy: dead, HTTPS_PROXY: dead, https_proxy: dead };
    const run = await boundedRun(machine, [...RUN, "hi"], { limitMs: LIMIT_MS, env });
    expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: "Still here.\n", exitCode: 0 });
  }),
);

scenario("what the shell tool sees holds no key and no token", (program) => {
  const scene = sceneWithKeys(["only"], (call) => {
    const asks = call.hasTools && !call.body.includes('"role":"tool"');
    if (!asks) return answer(call, "That was the environment.");
    return { kind: "answer", text: "", toolCalls: [wordsOf(program).shell("env")] };
  });
  return onStage(program, scene, "", async (machine, upstream) => {
    const env = { OLLAMA_API_KEY: "secret-in-env", NVIDIA_API_KEY: "secret-elsewhere" };
    const run = await machine.orouter([...RUN, "show the environment"], { env });
    expect(run.exitCode).toBe(0);
    const seen = upstream.calls.find((call) => call.body.includes("XDG_RUNTIME_DIR="))?.body ?? "";
    expect(seen).toContain("NO_PROXY=");
    for (const secret of ["scripted-only", "secret-in-env", "secret-elsewhere"])
      expect(seen).not.toContain(secret);
    expect(/Bearer ([\w-]{20,})/.exec(seen)).toBeNull();
  });
});

scenario(
  "commands that need no model hand nothing of ours to the background service that they start",
  (program) =>
    onStage(program, always("Not asked."), "", async (machine, upstream) => {
      for (const words of [
        ["service", "start"],
        ["auth", "list"],
        ["debug", "config"],
        ["mcp", "list"],
      ]) {
        const run = await boundedRun(machine, ["opencode", ...words], { limitMs: LIMIT_MS });
        expect([words, run.exitCode]).toEqual([words, 0]);
        for (const pid of machine.services()) expect([words, oursIn(pid)]).toEqual([words, []]);
        // Without a service the command has ended by itself.
        await machine.opencode(["service", "stop"]);
        for (let tries = 0; tries < 500 && machine.services().length > 0; tries++) await Bun.sleep(20);
      }
      expect(upstream.calls.filter((call) => call.dialect !== undefined)).toEqual([]);
    }),
  { majors: [2] },
);
