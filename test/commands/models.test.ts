import { expect, test } from "bun:test";
import { modelList, NOT_FOUND, type SeenCall, serveJson } from "../catalog/providers.ts";
import { modeOf, namesIn } from "../config/temp-folder.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const SECRET = "secret-of-work";

const API = {
  maker: {
    models: {
      "wonder-2": {
        name: "Wonder 2",
        limit: { context: 262_144, output: 65_536 },
        tool_call: true,
        reasoning: true,
        modalities: { input: ["text", "image"], output: ["text"] },
        cost: { input: 0.5, output: 3 },
      },
    },
  },
};

function upstream({ path, key }: SeenCall): Response {
  if (path === "/api.json") return Response.json(API);
  if (path !== "/v1/models") return NOT_FOUND();
  return key === SECRET
    ? modelList("maker/wonder-2", "plain", "bge-m3")
    : new Response("no", { status: 401 });
}

/** `work` is at `url`; one chain has a model that no list contains. */
async function machineWith(url: string, more = "") {
  const machine = tempMachine();
  await machine.write(
    "config.toml",
    `[models_dev]
url = "${url}/api.json"
timeout = "5s"
[providers.work]
base_url = "${url}/v1"
[chains]
coding = ["work/maker/wonder-2", "work/nobody-knows"]
${more}`,
  );
  await machine.write("keys.toml", keysToml({ provider: "work", name: "k", value: SECRET }));
  return machine;
}

test("the list as JSON has every field that scripts rely on", async () => {
  await using server = serveJson(upstream);
  using machine = await machineWith(server.url);
  const run = await machine.run(["models", "list", "work", "--json"]);
  expect(run.exitCode).toBe(0);
  const unknown = {
    context: null,
    output: null,
    input: null,
    toolCall: null,
    reasoning: null,
    vision: null,
    inputs: null,
    outputs: null,
    cost: null,
    isRetired: false,
    replacement: null,
    leftOut: [],
    refusedBy: [],
  };
  expect(JSON.parse(run.stdout)).toEqual({
    models: [
      {
        provider: "work",
        id: "maker/wonder-2",
        name: "Wonder 2",
        context: 262_144,
        output: 65_536,
        input: null,
        toolCall: true,
        reasoning: true,
        vision: true,
        inputs: ["text", "image"],
        outputs: ["text"],
        cost: { input: 0.5, output: 3, cacheRead: null, cacheWrite: null },
        source: "live",
        isRetired: false,
        replacement: null,
        leftOut: [],
        refusedBy: [],
      },
      { ...unknown, provider: "work", id: "plain", name: "plain", source: "live" },
      { ...unknown, provider: "work", id: "nobody-knows", name: "nobody-knows", source: "config" },
    ],
    providers: [{ id: "work", from: "live", ageSeconds: null, models: 3, failure: null }],
  });
  expect(run.stdout + run.stderr).not.toContain(SECRET);
});

test("the table says the same, chains first, and tells which member a chain's limits leave out", async () => {
  await using server = serveJson(upstream);
  using machine = await machineWith(server.url);
  const run = await machine.run(["models"]);
  expect(run.exitCode).toBe(0);
  const lines = run.stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^MODEL +CONTEXT +OUTPUT +TOOLS +VISION +COST +SOURCE$/);
  expect(lines[1]).toMatch(/^orouter\/coding +256k +64k +yes +yes +- +config$/);
  expect(lines[2]).toMatch(/^work\/maker\/wonder-2 +256k +64k +yes +yes +\$0\.5 \/ \$3 +live$/);
  expect(lines[3]).toMatch(/^work\/plain +- +- +- +- +- +live$/);
  expect(run.stderr).toContain("Nothing is known about work/nobody-knows: the limits of orouter/coding are");
  expect(run.stdout).toBe(Bun.stripANSI(run.stdout));
});

test("a chain of models that nobody knows has no limits of other models", async () => {
  await using server = serveJson(upstream);
  using machine = await machineWith(server.url);
  expect((await machine.run(["chain", "add", "dark", "work/nobody-knows"])).exitCode).toBe(0);
  const run = await machine.run(["models"]);
  expect(run.stderr).toContain(
    "No limits are known for the models of orouter/dark. Add them under [[models]] in config.toml",
  );
});

test("a provider that cannot be asked is told of, and the last list is shown", async () => {
  const server = serveJson(upstream);
  using machine = await machineWith(server.url);
  await machine.run(["models"]);
  await server[Symbol.asyncDispose]();
  const run = await machine.run(["models", "list", "work"]);
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toContain("work/plain");
  expect(run.stderr).toContain("Could not load the models of work: it cannot be reached");
});

test("a model that is gone is marked with what to use instead", async () => {
  await using server = serveJson(NOT_FOUND);
  using machine = await machineWith(server.url, `[providers.ollama-cloud]\nbase_url = "${server.url}/v1"\n`);
  const run = await machine.run(["models", "list", "ollama-cloud"]);
  expect(run.stdout).toMatch(/^ollama-cloud\/gpt-oss:120b .*default$/m);
  expect(run.stdout).toMatch(/^ollama-cloud\/glm-4\.7 .*default +retired, use glm-5\.2$/m);
});

test("orouter as the provider is the chains alone", async () => {
  await using server = serveJson(upstream);
  using machine = await machineWith(server.url);
  const run = await machine.run(["models", "list", "orouter", "--json"]);
  const { models } = JSON.parse(run.stdout) as { models: { id: string; leftOut: string[] }[] };
  expect(models).toMatchObject([{ id: "coding", leftOut: ["work/nobody-knows"] }]);
});

test("a provider that nobody knows is told the nearest", async () => {
  using machine = tempMachine();
  const run = await machine.run(["models", "list", "nvida"]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("Did you mean nvidia?");
});

test("without any key the list says how to add one, and scripts get empty lists", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", "[models_dev]\nenabled = false\n");
  const run = await machine.run(["models"]);
  expect(run).toMatchObject({ exitCode: 0, stdout: "" });
  expect(run.stderr).toContain("orouter keys add");
  const asJson = await machine.run(["models", "--json"]);
  expect(JSON.parse(asJson.stdout)).toEqual({ models: [], providers: [] });
});

test("refresh asks again whatever the cache holds, and keeps it for the owner alone", async () => {
  await using server = serveJson(upstream);
  using machine = await machineWith(server.url);
  await machine.run(["models", "refresh"]);
  const run = await machine.run(["models", "refresh"]);
  expect(run).toMatchObject({ exitCode: 0, stderr: "" });
  expect(run.stdout).toMatch(/^work +3 +fresh$/m);
  expect(server.calls.filter(({ path }) => path === "/v1/models")).toHaveLength(2);
  expect(server.calls.filter(({ path }) => path === "/api.json")).toHaveLength(2);
  const names = namesIn(machine.file("cache"));
  expect(names.map((name) => modeOf(machine.file(`cache/${name}`)))).toEqual([0o600, 0o600]);
});

test("refresh ends in 1 where somebody did not answer, and says who", async () => {
  await using server = serveJson(({ path }) => (path === "/api.json" ? Response.json(API) : NOT_FOUND()));
  using machine = await machineWith(server.url);
  const run = await machine.run(["models", "refresh", "--json"]);
  expect(run.exitCode).toBe(1);
  expect(JSON.parse(run.stdout)).toEqual({
    providers: [
      { id: "work", from: "none", ageSeconds: null, models: 0, failure: "it answers with HTTP 404" },
    ],
    modelsDev: { failure: null },
  });
});

test.each<[text: string]>([["work/maker/wonder-2"], ["maker/wonder-2"]])(
  "info tells all about %s",
  async (text) => {
    await using server = serveJson(upstream);
    using machine = await machineWith(server.url);
    const run = await machine.run(["models", "info", text]);
    expect(run).toMatchObject({ exitCode: 0, stderr: "" });
    expect(run.stdout).toContain("work/maker/wonder-2");
    expect(run.stdout).toMatch(/^context +262144 tokens$/m);
    expect(run.stdout).toMatch(/^inputs +text, image$/m);
  },
);

test("info knows a chain by its name, and prints one object of the list", async () => {
  await using server = serveJson(upstream);
  using machine = await machineWith(server.url);
  const run = await machine.run(["models", "info", "coding", "--json"]);
  const { models } = JSON.parse((await machine.run(["models", "list", "orouter", "--json"])).stdout) as {
    models: unknown[];
  };
  expect(JSON.parse(run.stdout)).toEqual(models[0]);
});

test("a model that several providers have must be named in full", async () => {
  await using server = serveJson(upstream);
  using machine = await machineWith(
    server.url,
    `[providers.two]\nbase_url = "${server.url}/v1"\nmodels = ["plain"]\n`,
  );
  const run = await machine.run(["models", "info", "plain"]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("work/plain, two/plain");
});

test("a model that nobody knows is told the nearest; a key in its place is not repeated", async () => {
  await using server = serveJson(upstream);
  using machine = await machineWith(server.url);
  const run = await machine.run(["models", "info", "work/plian"]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("Did you mean work/plain?");
  const secret = "sk-abcdefgh12345678abcdefgh";
  const other = await machine.run(["models", "info", secret]);
  expect(other.exitCode).toBe(2);
  expect(other.stderr).not.toContain(secret);
});

test("clear-cache forgets the lists, also where the settings are broken", async () => {
  await using server = serveJson(upstream);
  using machine = await machineWith(server.url);
  await machine.run(["models", "refresh"]);
  await machine.write("config.toml", "this is no TOML");
  const run = await machine.run(["models", "clear-cache", "--json"]);
  expect(run.exitCode).toBe(0);
  expect(JSON.parse(run.stdout)).toEqual({ removed: 2 });
  expect(namesIn(machine.file("cache"))).toEqual([]);
  expect((await machine.run(["models", "clear-cache"])).stderr).toContain("The cache was empty");
});
