import { expect } from "bun:test";
import type { JsonObject } from "../../src/core/json.ts";
import { answer, overloaded } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { sceneOf, withUpstream } from "../demo/ask.ts";
import { boundedRun } from "./bounded-run.ts";
import { e2eMachine } from "./machine.ts";
import { type OpencodeProgram, wordsOf } from "./opencode-program.ts";
import { count, LIMIT_MS, type Machine, scenario } from "./scenario.ts";
import { dialectServer, SAID } from "./three-dialects.ts";

function machineWith(program: OpencodeProgram, tables: string): Machine {
  const machine = e2eMachine(program);
  machine.write("home/.config/orouter/config.toml", `[models_dev]\nenabled = false\n${tables}`);
  const names = [...tables.matchAll(/^\[providers\.(\w+)\]/gm)].map(([, name]) => name);
  const keys = names.map((name) => `[[keys]]\nprovider = "${name}"\nname = "only"\nvalue = "secret-only"\n`);
  machine.write("home/.config/orouter/keys.toml", keys.join("\n"));
  return machine;
}

function expectTidy(machine: Machine): void {
  expect(machine.leftovers()).toEqual([]);
  expect(machine.services()).toEqual([]);
}

scenario(
  "a conversation with thoughts and a tool call survives falling from one dialect to the other",
  (program) => {
    // A Responses model that thinks, calls a tool, and then fails; a chat model that takes over.
    const scene: Scene = {
      ...sceneOf((call) => {
        const hasResult = /"function_call_output"|"role":"tool"/.test(call.body);
        if (call.isTitle) return answer(call, "A title");
        if (call.model !== "thinker") return answer(call, "The tool said it.");
        if (hasResult) return overloaded();
        const toolCalls = [wordsOf(program).shell("echo from-the-tool")];
        return { kind: "answer", text: "", reasoning: "I should ask the shell.", toolCalls };
      }),
      models: ["thinker", "talker"],
    };
    return withUpstream(scene, async (upstream) => {
      using machine = machineWith(
        program,
        `[providers.a]\nbase_url = "${upstream.baseUrl}"\napi = "responses"\nmodels = ["thinker"]\n` +
          `[providers.b]\nbase_url = "${upstream.baseUrl}"\nmodels = ["talker"]\n[chains]\nmixed = ["a/thinker", "b/talker"]\n`,
      );
      const words = ["opencode", "run", "-m", "orouter/mixed", "--thinking", "ask the shell"];
      const run = await boundedRun(machine, words, { limitMs: LIMIT_MS });
      expect(run.exitCode).toBe(0);
      expect(run.stdout).toContain("The tool said it.");
      expect(run.stdout + run.stderr).toContain("I should ask the shell.");
      const asked = upstream.calls.filter((call) => call.dialect !== undefined && !call.isTitle);
      expect(asked[0]).toMatchObject({ model: "thinker", dialect: "responses" });
      expect(asked.at(-1)).toMatchObject({ model: "talker", dialect: "chat" });
      expect(asked.at(-1)?.body).toContain("from-the-tool");
      expectTidy(machine);
    });
  },
);

scenario(
  "one session goes over providers of all three dialects, with thoughts and tools",
  async (program) => {
    const shell = wordsOf(program).shell("echo from-the-tool");
    await using upstream = dialectServer([
      { id: "a", name: shell.name, input: JSON.parse(shell.arguments) as JsonObject },
    ]);
    const provider = (id: string, api: string): string =>
      `[providers.${id}]\nbase_url = "${upstream.url}/v1"\napi = "${api}"\nmodels = ["m"]\n`;
    using machine = machineWith(
      program,
      [provider("a", "messages"), provider("b", "chat"), provider("c", "responses")].join(""),
    );
    const turns: [model: string, path: string, more: string[]][] = [
      ["a/m", "messages", []],
      ["b/m", "chat/completions", ["-c"]],
      ["c/m", "responses", ["-c"]],
      ["a/m", "messages", ["-c"]],
    ];
    for (const [model, path, more] of turns) {
      const before = upstream.calls.length;
      const words = ["opencode", "run", ...more, "-m", model, "--thinking", "ask the shell"];
      const run = await boundedRun(machine, words, { limitMs: LIMIT_MS });
      expect({ model, exitCode: run.exitCode, says: run.stdout.includes(SAID.text) }).toEqual({
        model,
        exitCode: 0,
        says: true,
      });
      const asked = upstream.calls.slice(before).filter(({ body }) => body["tools"] !== undefined);
      // The question, and once more with the result of the tool.
      expect(asked.map((call) => call.path)).toEqual([path, path]);
      expect(JSON.stringify(asked.at(-1)?.body)).toContain("from-the-tool");
    }
    expectTidy(machine);
  },
);

const RESPONSES = (baseUrl: string): string =>
  `[providers.a]\nbase_url = "${baseUrl}"\napi = "responses"\nmodels = ["thinker"]\n`;

scenario("a provider of the Responses dialect alone is spoken to in it", (program) => {
  const scene = { ...sceneOf((call) => answer(call, "In my own words.")), models: ["thinker"] };
  return withUpstream(scene, async (upstream) => {
    using machine = machineWith(program, RESPONSES(upstream.baseUrl));
    const words = ["opencode", "run", "-m", "a/thinker", "hi"];
    const run = await boundedRun(machine, words, { limitMs: LIMIT_MS });
    expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({
      stdout: "In my own words.\n",
      exitCode: 0,
    });
    const dialects = upstream.calls.flatMap(({ dialect }) => dialect ?? []);
    expect(dialects.length).toBeGreaterThan(0);
    expect(new Set(dialects)).toEqual(new Set(["responses"]));
    expectTidy(machine);
  });
});

scenario("a Responses answer that breaks behind its first words ends in one error", (program) => {
  const text = "One two three four five six.";
  const cut = { cut: { afterTokens: 4, how: "reset" } } as const;
  const scene = { ...sceneOf((call) => answer(call, text, call.isTitle ? {} : cut)), models: ["thinker"] };
  return withUpstream(scene, async (upstream) => {
    using machine = machineWith(program, `${RESPONSES(upstream.baseUrl)}[routing]\nmax_wait = "3s"\n`);
    const words = ["opencode", "run", "-m", "a/thinker", "hi"];
    const run = await boundedRun(machine, words, { limitMs: LIMIT_MS });
    expect([run.wasStopped, run.exitCode]).toEqual([false, 1]);
    expect(count(run.stderr, "Error: ")).toBe(1);
    expect(run.stderr).toMatch(/broke off in the middle of its answer|ALL KEYS EXHAUSTED|Cannot reach/);
    expect(count(run.stdout, "One two")).toBeLessThanOrEqual(1);
    const asked = upstream.calls.filter((call) => call.dialect !== undefined && !call.isTitle);
    expect(asked.length).toBeLessThanOrEqual((program.major === 1 ? 4 : 1) * 8);
    expectTidy(machine);
  });
});

scenario(
  "a model that no list can name is asked for all the same, and one whose window is tiny does not loop",
  (program) => {
    const scene: Scene = { ...sceneOf((call) => answer(call, "Here I am.")), models: ["hidden"] };
    return withUpstream(scene, async (upstream) => {
      // A provider whose list of models fails.
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: (req) =>
          new URL(req.url).pathname.endsWith("/models")
            ? new Response("no", { status: 500 })
            : fetch(`${upstream.baseUrl}/chat/completions`, {
                method: "POST",
                headers: req.headers,
                body: req.body,
              }),
      });
      using machine = machineWith(
        program,
        `[providers.work]\nbase_url = "http://127.0.0.1:${server.port}"\n` +
          '[[models]]\nid = "work/hidden"\ncontext = 4096\n',
      );
      const words = ["opencode", "run", "-m", "work/hidden", "say hello"];
      const run = await boundedRun(machine, words, { limitMs: LIMIT_MS });
      await server.stop(true);
      expect([run.stdout, run.exitCode]).toEqual(["Here I am.\n", 0]);
      expect(upstream.calls.filter((call) => call.dialect !== undefined && !call.isTitle)).toHaveLength(1);
      expect(run.stderr).toContain("4096 tokens");
      expectTidy(machine);
    });
  },
);

type Listed = { id: string; limit: { context: number; output: number }; capabilities: { toolcall: boolean } };

/** The output of `opencode models --verbose`: each model's name on a line, its JSON below. */
function readModels(text: string): Map<string, Listed> {
  const models = new Map<string, Listed>();
  for (const [, name = "", json = ""] of text.matchAll(/^(\S+\/\S+)\n(\{[\s\S]*?^\})/gm))
    models.set(name, JSON.parse(json));
  return models;
}

scenario(
  "models lists a provider's discovered models with their windows, and a chain with the smallest of them",
  async (program) => {
    const list = {
      object: "list",
      data: [
        {
          id: "wide",
          object: "model",
          context_length: 200_000,
          max_output_tokens: 30_000,
          capabilities: { tool_calling: true },
        },
        {
          id: "narrow",
          object: "model",
          context_length: 90_000,
          max_output_tokens: 9_000,
          capabilities: { tool_calling: true },
        },
      ],
    };
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json(list) });
    using machine = e2eMachine(program);
    machine.write(
      "home/.config/orouter/config.toml",
      `[models_dev]\nenabled = false\n[providers.work]\nbase_url = "http://127.0.0.1:${server.port}"\n` +
        '[providers.ollama-cloud]\nbase_url = "http://127.0.0.1:9"\n[chains]\nboth = ["work/wide", "work/narrow"]\n',
    );
    const run = await machine.orouter(["opencode", "models", "--verbose"]);
    await server.stop(true);
    const models = readModels(run.stdout);
    expect(models.get("work/wide")?.limit).toMatchObject({ context: 200_000, output: 30_000 });
    expect(models.get("work/narrow")?.limit).toMatchObject({ context: 90_000, output: 9_000 });
    expect(models.get("orouter/both")?.limit).toMatchObject({ context: 90_000, output: 9_000 });
    // opencode keeps its own data.
    expect(models.get("ollama-cloud/gpt-oss:120b")?.limit.context).toBe(131_072);
  },
  // opencode 2 cannot list the models of a private server.
  { majors: [1] },
);
