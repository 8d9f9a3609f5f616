import { expect, test } from "bun:test";
import { answer, overloaded } from "../../src/demo/replies.ts";
import type { Scene } from "../../src/demo/scene.ts";
import { sceneOf, withUpstream } from "../demo/ask.ts";
import { e2eMachine } from "./machine.ts";

type Listed = { id: string; limit: { context: number; output: number }; capabilities: { toolcall: boolean } };

/** What `opencode models --verbose` says: each model's name on a line, its JSON below. */
function readModels(text: string): Map<string, Listed> {
  const models = new Map<string, Listed>();
  for (const [, name = "", json = ""] of text.matchAll(/^(\S+\/\S+)\n(\{[\s\S]*?^\})/gm))
    models.set(name, JSON.parse(json));
  return models;
}

test("opencode lists a provider's discovered models with their windows, and a chain with the smallest of them", async () => {
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
  using machine = e2eMachine();
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
  // What opencode knows by itself it keeps.
  expect(models.get("ollama-cloud/gpt-oss:120b")?.limit.context).toBe(131_072);
});

/** A model of the Responses dialect that thinks, calls a tool, and then is gone; a chat model that takes over. */
const MIXED: Scene = {
  ...sceneOf((call) => {
    const hasResult = /"function_call_output"|"role":"tool"/.test(call.body);
    if (call.isTitle) return answer(call, "A title");
    if (call.model === "thinker" && !hasResult) {
      const toolCalls = [
        { name: "bash", arguments: '{"command":"echo from-the-tool","description":"Say it"}' },
      ];
      return { kind: "answer", text: "", reasoning: "I should ask the shell.", toolCalls };
    }
    return call.model === "thinker" ? overloaded() : answer(call, "The tool said it.");
  }),
  models: ["thinker", "talker"],
};

test("a conversation with thoughts and a tool call survives falling from one dialect to the other", async () => {
  await withUpstream(MIXED, async (upstream) => {
    using machine = e2eMachine();
    machine.write(
      "home/.config/orouter/config.toml",
      `[models_dev]\nenabled = false\n[providers.a]\nbase_url = "${upstream.baseUrl}"\napi = "responses"\nmodels = ["thinker"]\n` +
        `[providers.b]\nbase_url = "${upstream.baseUrl}"\nmodels = ["talker"]\n[chains]\nmixed = ["a/thinker", "b/talker"]\n`,
    );
    const keys = ["a", "b"].map(
      (provider) => `[[keys]]\nprovider = "${provider}"\nname = "only"\nvalue = "secret-only"\n`,
    );
    machine.write("home/.config/orouter/keys.toml", keys.join("\n"));
    const run = await machine.orouter([
      "opencode",
      "run",
      "-m",
      "orouter/mixed",
      "--thinking",
      "ask the shell",
    ]);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("The tool said it.");
    expect(run.stdout + run.stderr).toContain("I should ask the shell.");
    const asked = upstream.calls.filter((call) => call.dialect !== undefined && !call.isTitle);
    expect(asked[0]).toMatchObject({ model: "thinker", dialect: "responses" });
    expect(asked.at(-1)).toMatchObject({ model: "talker", dialect: "chat" });
    expect(asked.at(-1)?.body).toContain("from-the-tool");
  });
});

test("a provider of the Responses dialect alone is spoken to in it", async () => {
  await withUpstream(
    { ...sceneOf((call) => answer(call, "In my own words.")), models: ["thinker"] },
    async (upstream) => {
      using machine = e2eMachine();
      machine.write(
        "home/.config/orouter/config.toml",
        `[models_dev]\nenabled = false\n[providers.a]\nbase_url = "${upstream.baseUrl}"\napi = "responses"\nmodels = ["thinker"]\n`,
      );
      machine.write(
        "home/.config/orouter/keys.toml",
        '[[keys]]\nprovider = "a"\nname = "only"\nvalue = "secret-only"\n',
      );
      const run = await machine.orouter(["opencode", "run", "-m", "a/thinker", "hi"]);
      expect(run.stdout).toContain("In my own words.");
      expect(
        upstream.calls
          .filter((call) => call.dialect !== undefined)
          .every((call) => call.dialect === "responses"),
      ).toBe(true);
    },
  );
});

test("a model that no list can name is asked for all the same, and one whose window is tiny does not loop", async () => {
  const scene: Scene = { ...sceneOf((call) => answer(call, "Here I am.")), models: ["hidden"] };
  await withUpstream(scene, async (upstream) => {
    // A provider with a list that cannot be had.
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
    using machine = e2eMachine();
    machine.write(
      "home/.config/orouter/config.toml",
      `[models_dev]\nenabled = false\n[providers.work]\nbase_url = "http://127.0.0.1:${server.port}"\n` +
        '[[models]]\nid = "work/hidden"\ncontext = 4096\n',
    );
    machine.write(
      "home/.config/orouter/keys.toml",
      '[[keys]]\nprovider = "work"\nname = "only"\nvalue = "secret-only"\n',
    );
    const run = await machine.orouter(["opencode", "run", "-m", "work/hidden", "say hello"]);
    await server.stop(true);
    expect([run.stdout, run.exitCode]).toEqual(["Here I am.\n", 0]);
    expect(upstream.calls.filter((call) => call.dialect !== undefined && !call.isTitle)).toHaveLength(1);
    expect(run.stderr).toContain("4096 tokens");
  });
});
