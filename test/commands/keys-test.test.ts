import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import { fingerprint } from "../../src/core/key.ts";
import { cooldownOf, note, stateOptions } from "../store/samples.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const GOOD = "secret-good-key";
const BAD = "secret-bad-key";

interface SeenCall {
  path: string;
  key: string | null;
  body: unknown;
}

interface Behaviour {
  /** The list of models needs no key. */
  isOpen?: boolean;
  hasNoList?: boolean;
  chat?: (body: { model?: string }) => Response;
}

function provider(behaviour: Behaviour = {}) {
  const calls: SeenCall[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { pathname: path } = new URL(request.url);
      const key = request.headers.get("authorization")?.replace("Bearer ", "") ?? null;
      const text = await request.text();
      calls.push({ path, key, body: text === "" ? undefined : JSON.parse(text) });
      if (path === "/v1/models" && behaviour.hasNoList === true)
        return new Response("404 page not found", { status: 404 });
      const isList = path === "/v1/models";
      if (key !== GOOD && !(isList && behaviour.isOpen === true)) {
        return Response.json({ error: { message: `Incorrect API key provided: ${key}` } }, { status: 401 });
      }
      if (isList) return Response.json({ object: "list", data: [{ id: "m" }] });
      return (
        behaviour.chat?.(JSON.parse(text)) ??
        Response.json({ choices: [{ message: { content: "ok" }, finish_reason: "stop" }] })
      );
    },
  });
  return {
    calls,
    baseUrl: `http://127.0.0.1:${server.port}/v1`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

async function machineWith(id: string, baseUrl: string, options: { models?: string[]; api?: string } = {}) {
  const machine = tempMachine();
  const { models = [], api = "chat" } = options;
  await machine.write(
    "config.toml",
    `[providers.${id}]\nbase_url = "${baseUrl}"\nmodels = ${JSON.stringify(models)}\napi = "${api}"\n`,
  );
  await machine.write(
    "keys.toml",
    keysToml({ provider: id, name: "good", value: GOOD }, { provider: id, name: "bad", value: BAD }),
  );
  return machine;
}

test("each key is tried, and a refused one makes exit 1 with the reason in plain words", async () => {
  await using upstream = provider();
  using machine = await machineWith("work", upstream.baseUrl);
  const run = await machine.run(["keys", "test"]);
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toMatch(/work +good +[0-9a-f]{12} +ok$/m);
  expect(run.stdout).toMatch(/work +bad +[0-9a-f]{12} +rejected: wrong or expired \(401, /);
  expect(run.stdout + run.stderr).not.toContain("secret-");
});

test("a key that works again and is left alone for an old refusal is told of, with what ends that", async () => {
  await using upstream = provider();
  using machine = await machineWith("work", upstream.baseUrl);
  const state = await openState(stateOptions(machine.file("state.db")));
  for (const secret of [GOOD, BAD]) {
    const cooldown = cooldownOf(`key ${fingerprint(secret)}`, Date.now(), { scope: "key", kind: "auth" });
    note(state, { kind: "cooldown-started", cooldown, keyName: "" });
  }
  await state.close();
  const run = await machine.run(["keys", "test"]);
  expect(run.stderr.match(/orouter keys reset \S+/g)).toEqual(["orouter keys reset work/good"]);
  expect((await machine.run(["keys", "reset", "work/good"])).exitCode).toBe(0);
  expect((await machine.run(["keys", "test"])).stderr).not.toContain("keys reset");
});

test("a closed list of models is proof enough: no model is bothered", async () => {
  await using upstream = provider();
  using machine = await machineWith("work", upstream.baseUrl);
  const run = await machine.run(["keys", "test", "good"]);
  expect(run.exitCode).toBe(0);
  expect(new Set(upstream.calls.map((call) => call.path))).toEqual(new Set(["/v1/models"]));
  expect(upstream.calls.filter((call) => call.key === GOOD)).toHaveLength(1);
});

test.each<[id: string, models: string[], model: string]>([
  ["ollama-cloud", [], "gpt-oss:20b"],
  ["ollama-cloud", ["mine", "other"], "mine"],
  ["nvidia", [], "meta/llama-3.1-8b-instruct"],
])("%s with models %j is asked for one token of %s, since its list is open", async (id, models, model) => {
  await using upstream = provider({ isOpen: true });
  using machine = await machineWith(id, upstream.baseUrl, { models });
  const run = await machine.run(["keys", "test", "--json"]);
  expect(run.exitCode).toBe(1);
  expect(JSON.parse(run.stdout)).toMatchObject({
    keys: [
      { name: "good", ok: true },
      { name: "bad", ok: false, verdict: "auth", status: 401 },
    ],
  });
  expect(upstream.calls.map((call) => call.path)).toEqual(["/v1/chat/completions", "/v1/chat/completions"]);
  expect(upstream.calls[0]?.body).toMatchObject({ model, max_tokens: 1 });
});

test.each<[name: string, models: string[]]>([
  ["a model that is configured", ["m"]],
  ["else one that is listed", []],
])("an open list of a service of one's own proves nothing: %s settles it", async (_name, models) => {
  await using upstream = provider({ isOpen: true });
  using machine = await machineWith("work", upstream.baseUrl, { models });
  const run = await machine.run(["keys", "test", "bad"]);
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toContain("rejected: wrong or expired");
  expect(upstream.calls.at(-1)).toMatchObject({ path: "/v1/chat/completions", body: { model: "m" } });
});

test("what a known service lists may cost money: none of it is asked unless it is named", async () => {
  await using upstream = provider({ isOpen: true });
  using machine = await machineWith("groq", upstream.baseUrl);
  const run = await machine.run(["keys", "test", "bad"]);
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toContain("anyone may see its models");
  expect(JSON.parse((await machine.run(["keys", "test", "bad", "--json"])).stdout).keys[0].ok).toBeNull();
});

test("where the model that keys are tried with is gone, one that is listed does", async () => {
  const gone = 'model "gpt-oss:20b" not found';
  await using upstream = provider({
    isOpen: true,
    chat: (body) =>
      body.model === "m"
        ? Response.json({ choices: [{ message: { content: "ok" }, finish_reason: "stop" }] })
        : Response.json({ error: { message: gone } }, { status: 404 }),
  });
  using machine = await machineWith("ollama-cloud", upstream.baseUrl);
  const run = await machine.run(["keys", "test"]);
  expect(run.stdout).toMatch(/good +[0-9a-f]{12} +ok$/m);
  expect(run.stdout).toMatch(/bad +[0-9a-f]{12} +rejected: wrong or expired/);
});

test("a service without a list is asked through its first model, in its own dialect", async () => {
  await using upstream = provider({
    hasNoList: true,
    chat: () => Response.json({ object: "response", output: [{ type: "message" }] }),
  });
  using machine = await machineWith("work", upstream.baseUrl, { models: ["m"], api: "responses" });
  const run = await machine.run(["keys", "test", "good"]);
  expect(run).toMatchObject({ exitCode: 0 });
  expect(upstream.calls.at(-1)).toMatchObject({ path: "/v1/responses", body: { model: "m" } });
});

test.each<[name: string, reply: () => Response, told: string]>([
  [
    "a plan without the model",
    () =>
      new Response(
        '{"error":"this model requires a subscription, upgrade for access: https://ollama.com/upgrade"}',
        { status: 403 },
      ),
    "the plan does not include",
  ],
  [
    "a used-up quota",
    () => new Response('{"error":"you have reached your weekly usage limit"}', { status: 429 }),
    "usage limit",
  ],
  ["a web page", () => new Response("<html><title>Welcome</title></html>"), "unknown: "],
  ["a way to elsewhere", () => Response.redirect("http://127.0.0.1:1/login"), "check base_url"],
])("%s is told in plain words", async (_name, chat, told) => {
  await using upstream = provider({ chat });
  using machine = await machineWith("ollama-cloud", upstream.baseUrl);
  const run = await machine.run(["keys", "test", "good"]);
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toContain(told);
});

test("a service that finds fault with the question has let the key in", async () => {
  const chat = () =>
    Response.json(
      { error: { message: "max_tokens is too small", type: "invalid_request_error" } },
      { status: 400 },
    );
  await using upstream = provider({ chat });
  using machine = await machineWith("ollama-cloud", upstream.baseUrl);
  expect((await machine.run(["keys", "test", "good"])).exitCode).toBe(0);
});

test("a service that is not there is told as such", async () => {
  const upstream = provider();
  await upstream[Symbol.asyncDispose]();
  using machine = await machineWith("work", upstream.baseUrl);
  const run = await machine.run(["keys", "test", "good"]);
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toContain("refused the connection");
});

test("no key means nothing to test; a key without its secret says why", async () => {
  using machine = tempMachine();
  expect(await machine.run(["keys", "test"])).toMatchObject({ exitCode: 0, stdout: "" });
  await machine.write("keys.toml", keysToml({ provider: "nvidia", name: "gone", env: "NOT_SET_ANYWHERE" }));
  const run = await machine.run(["keys", "test", "gone"]);
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain("NOT_SET_ANYWHERE is not set");
});

test("Ctrl-C ends a test that waits", async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => {
      resolve();
      return new Promise<Response>(() => {});
    },
  });
  using machine = await machineWith("work", `http://127.0.0.1:${server.port}/v1`);
  const child = Bun.spawn(machine.command(["keys", "test", "good"]), {
    env: machine.env,
    stdout: "pipe",
    stderr: "pipe",
  });
  await asked;
  child.kill("SIGINT");
  await child.exited;
  expect(child.signalCode).toBe("SIGINT");
  await server.stop(true);
});

test("each model is asked once for one token, and what the plan lacks is said of the model", async () => {
  await using upstream = provider({
    chat: () => Response.json({ error: "this model requires a subscription" }, { status: 403 }),
  });
  using machine = await machineWith("work", upstream.baseUrl);
  const unasked = await machine.run(["keys", "test", "good", "--models", "all"]);
  expect(unasked.exitCode).toBe(2);
  expect(unasked.stderr).toContain("This needs 1 request");
  upstream.calls.length = 0;
  const run = await machine.run(["keys", "test", "good", "--models", "all", "--yes", "--json"]);
  expect(run.exitCode).toBe(0);
  expect(JSON.parse(run.stdout)).toEqual({
    models: [
      {
        provider: "work",
        name: "good",
        fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/),
        model: "work/m",
        ok: false,
        verdict: "subscription",
        status: 403,
        message: expect.stringContaining("subscription"),
      },
    ],
  });
  const asked = upstream.calls.filter(({ path }) => path.endsWith("/chat/completions"));
  expect(asked.map(({ body }) => body)).toMatchObject([{ model: "m", max_tokens: 1 }]);
});

test.each<[words: string[], says: string]>([
  [["--models", "some"], "--models must be chains or all"],
  [["--models", "all", "--limit", "0"], "--limit must be a number"],
])("keys test %p is refused", async (words, says) => {
  using machine = await machineWith("work", "http://127.0.0.1:9/v1");
  const run = await machine.run(["keys", "test", "good", ...words]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain(says);
});

test("where no chain names a model of the keys, nothing is asked", async () => {
  using machine = await machineWith("work", "http://127.0.0.1:9/v1");
  const run = await machine.run(["keys", "test", "--models", "chains"]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toContain("--models all");
});

test("a provider on this machine is asked directly, whatever proxy the environment names", async () => {
  await using work = provider();
  using machine = await machineWith("work", work.baseUrl);
  // Nothing listens on this port.
  const env = { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" };
  const run = await machine.run(["keys", "test", "good", "--json"], { env });
  expect(run.exitCode).toBe(0);
  expect(work.calls.map(({ path }) => path)).toContain("/v1/models");
});
