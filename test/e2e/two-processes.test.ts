import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../../src/demo/call.ts";
import {
  type Answer,
  type Reply,
  subscriptionRequired,
  unauthorized,
  usageLimit,
} from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import type { Upstream } from "../../src/demo/upstream.ts";
import { withUpstream } from "../demo/ask.ts";
import { readEvents, readUntilBroken, textOf } from "../demo/read-events.ts";
import { boundedRun } from "./bounded-run.ts";
import { e2eMachine, standIn } from "./machine.ts";
import { SERVED_MODEL, type ServeProcess, sharedHome, startServe, until } from "./serve-process.ts";

const TEXT = "One two three four five six seven eight.";

const REFUSALS: Record<string, Reply> = {
  dead: unauthorized(),
  planless: subscriptionRequired(),
  spent: usageLimit("weekly"),
};
const BAD = Object.keys(REFUSALS);
const KEYS = [...BAD, "good", "spare"].map((name) => ({ name, secret: `scripted-${name}` }));

interface CommandContext {
  machine: ReturnType<typeof e2eMachine>;
  upstream: Upstream;
  home: string;
  start: (words?: readonly string[]) => Promise<ServeProcess>;
}

/** Two good keys, three bad ones, and any number of processes; all end with the test. */
async function withWorld(
  answer: Partial<Answer>,
  work: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const scene: Scene = {
    name: "two",
    title: "",
    about: "",
    keys: KEYS,
    models: [SERVED_MODEL],
    reply: (call) => REFUSALS[call.keyName] ?? { kind: "answer", text: TEXT, ...answer },
  };
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine();
    const home = sharedHome(machine, upstream.baseUrl, KEYS);
    const started: ServeProcess[] = [];
    const start = async (words: readonly string[] = []): Promise<ServeProcess> => {
      const serve = await startServe(machine, home, words);
      started.push(serve);
      return serve;
    };
    try {
      await work({ machine, upstream, home, start });
    } finally {
      for (const serve of started) serve.kill("SIGKILL");
      await Promise.all(started.map((serve) => serve.ended()));
    }
  });
}

function countTo(count: number, name: string): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index}`);
}

/** The text of each session's answer; a broken one counts as far as it came. */
function textsOf(serve: ServeProcess, sessions: readonly string[]): Promise<string[]> {
  return Promise.all(
    sessions.map(async (session) => {
      const response = await serve.ask(session);
      return textOf(readEvents((await readUntilBroken(response)).text));
    }),
  );
}

function rows<Row>(home: string, query: string): Row[] {
  using db = new Database(join(home, "state.db"), { readonly: true });
  return db.query<Row, []>(query).all();
}

/** Each cooldown as `scope kind`, and how often it has failed in a row. */
function cooldownsIn(home: string): Record<string, number> {
  const found = rows<{ name: string; failures: number }>(
    home,
    "SELECT scope || ' ' || kind AS name, failures FROM cooldowns WHERE is_cleared = 0 AND until_ms > 0 ORDER BY name",
  );
  expect(new Set(found.map((row) => row.name)).size).toBe(found.length);
  return Object.fromEntries(found.map((row) => [row.name, row.failures]));
}

/** One burst counts as one failure, however many processes and requests met it. */
const ALL_RESTS = { "key auth": 1, "key quota": 1, "lane subscription": 1 };

/** Completion requests only, not requests for the list of models. */
function asked(upstream: Upstream): Call[] {
  return upstream.calls.filter((call) => call.dialect !== undefined);
}

function callsOfBad(calls: readonly Call[]): string[] {
  return calls.filter((call) => BAD.includes(call.keyName)).map((call) => call.keyName);
}

async function stop(serve: ServeProcess): Promise<void> {
  serve.kill("SIGTERM");
  const end = await serve.ended();
  expect(end.exitCode).toBe(0);
  expect(end.stderr).not.toContain("bug");
}

test("fifty requests through two processes, with three of five keys failing, are all answered and all written down", () =>
  withWorld({}, async ({ upstream, home, start }) => {
    const [one, two] = await Promise.all([start(), start()]);
    const texts = await Promise.all([textsOf(one, countTo(25, "a")), textsOf(two, countTo(25, "b"))]);
    expect(texts.flat()).toEqual(Array(50).fill(TEXT));
    // A request asks a key at most once, and at most fifty were in flight at the first refusal.
    for (const name of BAD)
      expect(callsOfBad(asked(upstream)).filter((one) => one === name).length).toBeLessThanOrEqual(50);

    const isKnown = async (serve: ServeProcess): Promise<boolean> =>
      ((await (await serve.get("/_orouter/state")).json()) as { cooldowns: unknown[] }).cooldowns.length ===
      BAD.length;
    await until("both processes to know all three", async () => (await isKnown(one)) && (await isKnown(two)));
    const before = asked(upstream).length;
    const more = await Promise.all([textsOf(one, countTo(10, "c")), textsOf(two, countTo(10, "d"))]);
    expect(more.flat()).toEqual(Array(20).fill(TEXT));
    expect(callsOfBad(asked(upstream).slice(before))).toEqual([]);

    await Promise.all([stop(one), stop(two)]);
    expect(cooldownsIn(home)).toEqual(ALL_RESTS);
    const [ledger] = rows<{ requests: number; sessions: number; served: number }>(
      home,
      "SELECT count(*) AS requests, count(DISTINCT session) AS sessions, sum(outcome = 'served') AS served FROM requests",
    );
    expect(ledger).toEqual({ requests: 70, sessions: 70, served: 70 });
    const [attempts] = rows<{ count: number }>(home, "SELECT count(*) AS count FROM attempts");
    expect(attempts?.count).toBe(asked(upstream).length);
    expect(rows(home, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  }));

test("a key found dead in one process is left alone by the other a second later", () =>
  withWorld({}, async ({ upstream, start }) => {
    const [one, two] = await Promise.all([start(), start()]);
    // New sessions are assigned at random: some of them meet the dead key.
    await until("the dead key to be met", async () => {
      await textsOf(one, [`a-${asked(upstream).length}`]);
      return asked(upstream).some((call) => call.keyName === "dead");
    });
    const knowsIt = async (): Promise<boolean> =>
      (await (await two.get("/_orouter/state")).text()).includes('"kind":"auth"');
    await until("the news to reach the other process", knowsIt, 1_000);
    const before = asked(upstream).length;
    expect(await textsOf(two, countTo(20, "b"))).toEqual(Array(20).fill(TEXT));
    expect(
      asked(upstream)
        .slice(before)
        .filter((call) => call.keyName === "dead"),
    ).toEqual([]);
  }));

test("kill -9 of one process in the middle of its answers costs the other nothing, and the state stays whole", () =>
  withWorld({ chunkEveryMs: 60 }, async ({ upstream, home, start }) => {
    const [one, two] = await Promise.all([start(), start()]);
    const finished = await textsOf(one, countTo(10, "a"));
    expect(finished).toEqual(Array(10).fill(TEXT));
    const written = (): number => rows<{ n: number }>(home, "SELECT count(*) AS n FROM requests")[0]?.n ?? 0;
    await until("what is over to be written", () => written() === 10);

    const cut = textsOf(one, countTo(15, "cut"));
    const kept = textsOf(two, countTo(25, "b"));
    const before = asked(upstream).length;
    await until("both to be busy", () => asked(upstream).length > before + 20);
    one.kill("SIGKILL");
    // Requests in progress break off, or never begin.
    await cut.catch(() => {});
    expect(await kept).toEqual(Array(25).fill(TEXT));

    expect(await textsOf(two, countTo(25, "c"))).toEqual(Array(25).fill(TEXT));
    await stop(two);
    expect(rows(home, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
    expect(cooldownsIn(home)).toEqual(ALL_RESTS);
    const sessions = rows<{ session: string }>(home, "SELECT session FROM requests").map(
      (row) => row.session,
    );
    expect(new Set(sessions).size).toBe(sessions.length);
    const of = (name: string): string[] => sessions.filter((session) => session.startsWith(name));
    // Requests in progress in the killed process are not recorded, or once.
    expect([of("a-").length, of("b-").length, of("c-").length]).toEqual([10, 25, 25]);

    const next = await start();
    const calls = asked(upstream).length;
    expect(await textsOf(next, countTo(10, "d"))).toEqual(Array(10).fill(TEXT));
    expect(callsOfBad(asked(upstream).slice(calls))).toEqual([]);
  }));

test("a run folder that a kill has left, its guard killed too, is swept by the next start", async () => {
  using machine = e2eMachine();
  const home = machine.folder.in("orouter");
  const ready = machine.folder.in("ready");
  const env = { OROUTER_HOME: home, OLLAMA_API_KEY: "secret-for-a-launch" };
  const child = machine.startOrouter(["opencode", "serve"], {
    env: { ...env, ...standIn(machine, `echo $$ > ${ready}.new; mv ${ready}.new ${ready}; exec sleep 60`) },
  });
  await until("opencode to run", () => existsSync(ready));
  const runFolders = (): string[] => {
    const list = Bun.spawnSync(["ls", join(home, "run")]).stdout.toString();
    return list.split("\n").filter((name) => name !== "");
  };
  expect(runFolders()).toHaveLength(1);
  const [left = ""] = runFolders();
  const childrenOf = (): number[] => {
    const { stdout } = Bun.spawnSync(["pgrep", "-P", String(child.pid)]);
    return stdout
      .toString()
      .split("\n")
      .filter((pid) => pid !== "")
      .map(Number);
  };
  await until("its guard to run", () => childrenOf().length === 3);
  const all = [...childrenOf(), child.pid];
  // Stop all of them first, so that none can see another die and clean up.
  for (const signal of ["SIGSTOP", "SIGKILL"]) for (const pid of all) process.kill(pid, signal);
  await child.exited;
  expect(runFolders()).toEqual([left]);

  const next = await machine.orouter(["opencode", "run"], {
    env: { ...env, ...standIn(machine, `ls ${join(home, "run")}`) },
  });
  expect(next.stdout).toStartWith("run-");
  expect(next.stdout).not.toContain(left);
  expect(existsSync(join(home, "run"))).toBe(false);
});

test("serve: a port that is taken is said, with exit code 1", () =>
  withWorld({}, async ({ machine, home, start }) => {
    const one = await start();
    const { port } = new URL(one.url);
    const options = { env: { OROUTER_HOME: home }, limitMs: 5_000 };
    const run = await boundedRun(machine, ["serve", "--port", port], options);
    // Its stdout would contain a token, so compare only that it is empty.
    expect({ isQuiet: run.stdout === "", exitCode: run.exitCode }).toEqual({ isQuiet: true, exitCode: 1 });
    expect(run.stderr).toContain(port);
    expect(run.stderr).not.toContain("bug");
    // This did not affect it.
    expect((await one.get("/_orouter/health")).status).toBe(200);
  }));

test("serve: two at once get ports and tokens of their own, and neither takes the other's", () =>
  withWorld({}, async ({ start }) => {
    const [one, two] = await Promise.all([start(), start()]);
    expect(one.url).not.toBe(two.url);
    expect(one.pid).not.toBe(two.pid);
    const refused = await one.ask("a", "not-the-token");
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain("token");
    expect((await fetch(`${one.url}/_orouter/health`)).status).toBe(401);
    expect(await textsOf(one, ["a"])).toEqual([TEXT]);
    expect(await textsOf(two, ["b"])).toEqual([TEXT]);
  }));

test("serve: a second SIGTERM ends it with 0 in the middle of an answer, and what was served is written down", () =>
  withWorld({ chunkEveryMs: 500 }, async ({ home, start }) => {
    const serve = await start();
    expect(await textsOf(serve, ["whole"])).toEqual([TEXT]);
    const response = await serve.ask("cut");
    await response.body?.getReader().read();
    serve.kill("SIGTERM");
    await until("it to wait for the answer", () => serve.said().includes("1 request"));
    await stop(serve);
    const ledger = rows(home, "SELECT session, outcome FROM requests ORDER BY seq");
    expect(ledger[0]).toEqual({ session: "whole", outcome: "served" });
    expect(ledger.filter((row) => (row as { outcome: string }).outcome === "served")).toHaveLength(1);
  }));
