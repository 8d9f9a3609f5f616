import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unauthorized } from "../../src/demo/reply.ts";
import type { Scene, SceneKey } from "../../src/demo/scenes.ts";
import type { Upstream } from "../../src/demo/upstream.ts";
import { findRuns } from "../../src/harness/run/run-dir.ts";
import { withUpstream } from "../demo/ask.ts";
import { readEvents, textOf } from "../demo/read-events.ts";
import { e2eMachine, standIn } from "./machine.ts";
import { SERVED_MODEL, type ServeProcess, sharedHome, startServe, until } from "./serve-process.ts";

const KEYS: SceneKey[] = ["first", "second", "dead"].map((name) => ({ name, secret: `scripted-${name}` }));
const MODELS = [SERVED_MODEL, "other"];

const scene = (reply?: Scene["reply"]): Scene => ({
  name: "follow",
  title: "",
  about: "",
  keys: KEYS,
  models: MODELS,
  reply: reply ?? ((call) => (call.keyName === "dead" ? unauthorized() : { kind: "answer", text: "fine" })),
});

interface CommandContext {
  machine: ReturnType<typeof e2eMachine>;
  upstream: Upstream;
  home: string;
  serve: ServeProcess;
  /** Runs another orouter with the same files. */
  orouter: (words: string[], stdin?: string) => Promise<void>;
}

/** A running `orouter serve` with only the key `first`. */
async function withServe(
  work: (context: CommandContext) => Promise<void>,
  reply?: Scene["reply"],
): Promise<void> {
  await withUpstream(scene(reply), async (upstream) => {
    using machine = e2eMachine();
    const home = sharedHome(machine, upstream.baseUrl, KEYS.slice(0, 1));
    const serve = await startServe(machine, home);
    const orouter = async (words: string[], stdin?: string): Promise<void> => {
      const run = await machine.orouter(words, {
        env: { OROUTER_HOME: home },
        ...(stdin === undefined ? {} : { stdin }),
      });
      expect(run.stderr + run.stdout + run.exitCode).toEndWith("0");
    };
    try {
      await work({ machine, upstream, home, serve, orouter });
    } finally {
      serve.kill("SIGKILL");
      await serve.ended();
    }
  });
}

async function keyNames(serve: ServeProcess): Promise<string[]> {
  const { keys } = (await (await serve.get("/_orouter/state")).json()) as {
    keys: { name: string; enabled: boolean }[];
  };
  return keys.filter((key) => key.enabled).map((key) => key.name);
}

const knows = (serve: ServeProcess, ...names: string[]): Promise<void> =>
  until(`the keys to be ${names}`, async () => (await keyNames(serve)).join() === names.join());

const textFrom = async (serve: ServeProcess, session: string): Promise<string> =>
  textOf(readEvents(await (await serve.ask(session)).text()));

/** Counts the files that a proxy has rejected from now on. */
async function countRefused({ url, token }: { url: string; token: string }): Promise<() => number> {
  const events = await fetch(`${url}/_orouter/events`, { headers: { authorization: `Bearer ${token}` } });
  let text = "";
  const listen = async (): Promise<void> => {
    for await (const chunk of events.body ?? []) text += new TextDecoder().decode(chunk);
  };
  // The proxy ends before its listener does.
  listen().catch(() => {});
  return () => text.split("settings-refused").length - 1;
}

test("serve: keys that are added, disabled and removed by another orouter are followed", () =>
  withServe(async ({ serve, upstream, orouter }) => {
    await orouter(["keys", "add", "ollama-cloud", "--name", "second", "--stdin"], "scripted-second\n");
    await knows(serve, "first", "second");
    await orouter(["keys", "disable", "first"]);
    await knows(serve, "second");
    expect(await textFrom(serve, "a")).toBe("fine");
    expect(upstream.calls.findLast((call) => call.dialect !== undefined)?.keyName).toBe("second");
    await orouter(["keys", "remove", "second", "--yes"]);
    await knows(serve);
    const response = await serve.ask("b");
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining("ollama-cloud")]);
  }));

test("serve: chains and settings that are edited by hand or moved into place are followed, and the server stays", () =>
  withServe(async ({ serve, home, upstream }) => {
    const file = join(home, "config.toml");
    const models = async (): Promise<string> => (await serve.get("/v1/models")).text();
    expect(await models()).not.toContain("orouter/mine");
    const config = readFileSync(file, "utf8");
    writeFileSync(file, `${config}\n[chains]\nmine = ["ollama-cloud/other"]\n`);
    await until("the chain to be there", async () => (await models()).includes("orouter/mine"));
    writeFileSync(
      `${file}.new`,
      `${config}\n[routing]\nstrategy = "random"\n[chains]\nyours = ["ollama-cloud/other"]\n`,
    );
    renameSync(`${file}.new`, file);
    await until("the other chain to be there", async () => (await models()).includes("orouter/yours"));
    expect(await models()).not.toContain("orouter/mine");
    expect(await (await serve.get("/_orouter/state")).json()).toMatchObject({ strategy: "random" });
    const answer = await fetch(`${serve.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${serve.token}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "orouter/yours",
        stream: true,
        messages: [{ role: "user", content: "hi" }],
      }),
    });
    expect(textOf(readEvents(await answer.text()))).toBe("fine");
    expect(upstream.calls.at(-1)?.model).toBe("other");
  }));

test("serve: a file that has become faulty is said once and not taken, and taken when it is mended", () =>
  withServe(async ({ serve, home }) => {
    const file = join(home, "keys.toml");
    const good = readFileSync(file, "utf8");
    const refused = await countRefused(serve);

    writeFileSync(file, `${good}[[keys]\n`);
    await until("the fault to be told", () => refused() === 1);
    expect(await textFrom(serve, "a")).toBe("fine");
    // The same fault is not reported again, so make a different one.
    writeFileSync(file, `${good}[[keys]\n\n`);
    writeFileSync(join(home, "config.toml"), `strategy\n`);
    await until("the other fault to be told", () => refused() === 2);
    expect(await textFrom(serve, "b")).toBe("fine");
    writeFileSync(
      join(home, "config.toml"),
      readFileSync(join(home, "config.toml"), "utf8").replace("strategy\n", ""),
    );
    writeFileSync(file, good.replace('"first"', '"renamed"'));
    await knows(serve, "renamed");

    serve.kill("SIGTERM");
    const { stderr, exitCode } = await serve.ended();
    expect(exitCode).toBe(0);
    expect(stderr.match(/The previous version stays active/g)).toHaveLength(2);
    expect(stderr).toContain("[orouter] ");
    expect(stderr).toContain("keys.toml:");
    expect(stderr).not.toContain("scripted-");
  }));

test("serve: a request under way goes on as it began, with the key that is gone meanwhile", () =>
  withServe(
    async ({ serve, home, upstream }) => {
      const asked = serve.ask("a");
      await until("the call to be under way", () =>
        upstream.calls.some((call) => call.dialect !== undefined),
      );
      writeFileSync(
        join(home, "keys.toml"),
        '[[keys]]\nprovider = "ollama-cloud"\nname = "second"\nvalue = "scripted-second"\n',
      );
      await knows(serve, "second");
      expect(textOf(readEvents(await (await asked).text()))).toBe("one two three four five six seven eight");
      expect(upstream.calls.filter((call) => call.dialect !== undefined).map((call) => call.keyName)).toEqual(
        ["first"],
      );
    },
    () => ({ kind: "answer", text: "one two three four five six seven eight", chunkEveryMs: 250 }),
  ));

test("serve: the secret of a key that came while it ran is never written down", () =>
  withServe(
    async ({ serve, home, orouter }) => {
      await orouter(["keys", "add", "ollama-cloud", "--name", "second", "--stdin"], "scripted-second\n");
      await knows(serve, "first", "second");
      expect((await serve.ask("a")).status).toBe(503);
      serve.kill("SIGTERM");
      expect((await serve.ended()).exitCode).toBe(0);
      using db = new Database(join(home, "state.db"), { readonly: true });
      const [row] = db.query<{ message: string }, []>("SELECT message FROM attempts LIMIT 1").all();
      expect(row?.message).toContain("not even");
      expect(row?.message).not.toContain("second");
    },
    () => ({
      kind: "error",
      status: 401,
      body: { error: "refused, and not even scripted-second would do" },
      label: "refused",
    }),
  ));

test("opencode: a run follows its files too, and what is faulty at its end is said after it", () =>
  withUpstream(scene(), async (upstream) => {
    using machine = e2eMachine();
    machine.configure(upstream.baseUrl, KEYS.slice(0, 1));
    const [ready, go] = [machine.folder.in("ready"), machine.folder.in("go")];
    const run = machine.orouter(["opencode", "run"], {
      env: standIn(machine, `echo x > ${ready}; while [ ! -e ${go} ]; do sleep 0.05; done`),
    });
    await until("opencode to run", () => existsSync(ready));
    const [found] = findRuns(join(machine.runtime, "orouter"));
    if (found === undefined) throw new Error("the run has left no card");
    const refused = await countRefused(found);
    machine.write("home/.config/orouter/config.toml", "[routing]\nstrategy = 7\n");
    await until("the fault to be told", () => refused() === 1);
    writeFileSync(go, "");
    const { stderr, exitCode } = await run;
    expect(exitCode).toBe(0);
    expect(stderr).toContain("config.toml:2:");
    expect(stderr.match(/The previous version/g)).toHaveLength(1);
  }));
