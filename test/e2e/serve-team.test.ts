import { expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { answer } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { withUpstream } from "../demo/ask.ts";
import { e2eMachine } from "./machine.ts";
import { SERVED_MODEL, sharedHome, startServe, until } from "./serve-process.ts";

const KEYS = [{ name: "work", secret: "secret-of-the-team" }];
const SLOW_MS = 1_500;

type Machine = ReturnType<typeof e2eMachine>;

function team(work: (machine: Machine, home: string) => Promise<void>, firstTokenAfterMs = 0): Promise<void> {
  const scene: Scene = {
    name: "team",
    title: "",
    about: "",
    keys: KEYS,
    models: [SERVED_MODEL],
    reply: (call) => answer(call, "One two three.", { firstTokenAfterMs }),
  };
  return withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    await work(machine, sharedHome(machine, upstream.baseUrl, KEYS));
  });
}

async function clients(machine: Machine, home: string, words: readonly string[]) {
  return machine.orouter(["clients", ...words], { env: { OROUTER_HOME: home } });
}

test("a client's token works until the client is removed, opens no control API, and is kept as a hash only", () =>
  team(async (machine, home) => {
    const added = await clients(machine, home, ["add", "laptop"]);
    const token = added.stdout.trim();
    expect(token).toStartWith("orc_");
    const file = `${home}/clients.toml`;
    expect(readFileSync(file, "utf8")).not.toContain(token.slice(4));
    expect(statSync(file).mode & 0o077).toBe(0);
    const again = await clients(machine, home, ["add", "laptop"]);
    expect({ exitCode: again.exitCode, stdout: again.stdout }).toEqual({ exitCode: 1, stdout: "" });

    const serve = await startServe(machine, home, ["--metrics"]);
    expect((await serve.ask("s", token)).status).toBe(200);
    const control = await fetch(`${serve.url}/_orouter/state`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(control.status).toBe(403);
    const page = await fetch(`${serve.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    await until("the request to be counted", async () =>
      (await (await serve.get("/metrics")).text()).includes('client="laptop"'),
    );
    expect(page.status).toBe(200);
    expect((await fetch(`${serve.url}/metrics`)).status).toBe(401);

    expect((await clients(machine, home, ["remove", "laptop", "--yes"])).exitCode).toBe(0);
    expect((await serve.ask("s", token)).status).toBe(401);
    serve.kill("SIGTERM");
    await serve.ended();
    const logs = await machine.orouter(["logs", "--json"], { env: { OROUTER_HOME: home } });
    expect(logs.stdout).toContain('"client":"laptop"');
  }));

test("a token file is written once, read again, and refused where others can read it", () =>
  team(async (machine, home) => {
    const file = machine.folder.in("token");
    const one = await startServe(machine, home, ["--token-file", file]);
    const { token } = one;
    one.kill("SIGTERM");
    await one.ended();
    expect(readFileSync(file, "utf8").trim() === token).toBe(true);
    const other = await startServe(machine, home, ["--token-file", file]);
    expect(other.token === token).toBe(true);
    other.kill("SIGTERM");
    await other.ended();
    chmodSync(file, 0o644);
    const run = await machine.orouter(["serve", "--token-file", file], { env: { OROUTER_HOME: home } });
    expect({ exitCode: run.exitCode, isQuiet: run.stdout === "" }).toEqual({ exitCode: 3, isQuiet: true });
    expect(run.stderr).toContain(`chmod 600 ${file}`);
    writeFileSync(file, "short\n");
    chmodSync(file, 0o600);
    expect(
      (await machine.orouter(["serve", "--token-file", file], { env: { OROUTER_HOME: home } })).exitCode,
    ).toBe(3);
  }));

test("when it is stopped, answers under way finish and new requests are refused", () =>
  team(async (machine, home) => {
    const serve = await startServe(machine, home);
    const begun = serve.ask("s");
    await until("the request to be under way", async () =>
      (await (await serve.get("/_orouter/state")).text()).includes('"phase"'),
    );
    serve.kill("SIGTERM");
    await until("it to say so", () => serve.said().includes("1 request"));
    expect((await serve.ask("t")).status).toBe(503);
    expect(await (await begun).text()).toContain("[DONE]");
    expect((await serve.ended()).exitCode).toBe(0);
  }, SLOW_MS));
