import { describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import type { Problem } from "../../src/core/problem.ts";
import { StateFile } from "../../src/sqlite/state-file.ts";
import { SqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import type { News } from "../../src/store/store.ts";
import { ValkeyStore } from "../../src/store/valkey/valkey-store.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { claimOf, limitsSuite } from "./limits-suite.ts";
import { cooldownOf, until } from "./samples.ts";
import { serverProgram, ValkeyServer } from "./valkey-server.ts";

const found = serverProgram();
const SECRET = "sk-planted-secret-of-the-test";

/** One process of one machine: its own state.db, and the server that all share. */
interface Machine extends AsyncDisposable {
  store: ValkeyStore;
  troubles: Problem[];
  news: News[];
}

async function machine(
  server: ValkeyServer,
  parts: { password?: string; aheadMs?: number } = {},
): Promise<Machine> {
  const folder = tempFolder();
  const nowMs = (): number => Date.now() + (parts.aheadMs ?? 0);
  const troubles: Problem[] = [];
  const onTrouble = (problem: Problem): void => void troubles.push(problem);
  const file = new StateFile({ file: folder.in("state.db"), nowMs, onTrouble });
  const options = { keepsHeads: true, secrets: [SECRET], nowMs };
  const { url } = server;
  const password = parts.password ?? server.password;
  const store = new ValkeyStore(new SqliteStore(file, options), {
    ...options,
    url,
    password,
    prefix: "test",
    onTrouble,
  });
  await store.open();
  const news: News[] = [];
  store.watch((one) => news.push(one));
  return {
    store,
    troubles,
    news,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      file.close();
      folder[Symbol.dispose]();
    },
  };
}

function suite(program: string): void {
  limitsSuite("Valkey", async (work) => {
    await using server = await ValkeyServer.start(program);
    const machines: Machine[] = [];
    await work(async () => {
      const one = await machine(server);
      machines.push(one);
      return { limits: one.store.limits, close: () => one.store.close() };
    });
    for (const one of machines) await one[Symbol.asyncDispose]();
  });

  test("what one machine learns the other hears, and its end, though their clocks differ by an hour", async () => {
    await using server = await ValkeyServer.start(program);
    await using one = await machine(server);
    await using other = await machine(server, { aheadMs: 3_600_000 });
    one.store.cooldowns.set(cooldownOf("key a", Date.now(), { untilMs: Date.now() + 40_000 }));
    await until(() => other.news.some(({ set }) => set.length > 0));
    const [heard] = other.news.flatMap(({ set }) => set);
    expect(heard).toMatchObject({ id: "key a", scope: "key", kind: "quota", status: 429 });
    const leftMs = (heard?.untilMs ?? 0) - (Date.now() + 3_600_000);
    expect(leftMs).toBeGreaterThan(30_000);
    expect(leftMs).toBeLessThanOrEqual(40_000);
    other.store.cooldowns.clear("key a");
    await until(() => one.news.some(({ cleared }) => cleared.includes("key a")));
    await using third = await machine(server);
    expect(await third.store.cooldowns.all()).toEqual([]);
  });

  test("no secret reaches the server", async () => {
    await using server = await ValkeyServer.start(program);
    await using one = await machine(server);
    await using other = await machine(server);
    one.store.cooldowns.set(cooldownOf("key a", Date.now(), { message: `no quota for ${SECRET}` }));
    await until(() => other.news.length > 0);
    const dump = await everything(server);
    expect(dump).toContain("no quota for");
    expect(dump).not.toContain(SECRET);
  });

  test("a server that is gone is said once, the limits of the machine hold, and what was learned is sent when it is back", async () => {
    await using server = await ValkeyServer.start(program);
    await using one = await machine(server);
    await using other = await machine(server);
    await server.kill();
    const rpm = { rpm: 2 };
    for (const kind of ["granted", "granted", "wait"]) {
      expect((await one.store.limits.claim(claimOf(crypto.randomUUID(), rpm))).kind).toBe(kind as "granted");
    }
    one.store.cooldowns.set(cooldownOf("key a", Date.now()));
    await until(() => one.troubles.length > 0);
    expect(one.troubles.map(({ code }) => code)).toEqual(["store-lost"]);
    await server.start();
    await until(() => other.news.some(({ set }) => set.some(({ id }) => id === "key a")));
    // The two calls that the server did not see count there now.
    expect((await other.store.limits.claim(claimOf("r", rpm))).kind).toBe("wait");
    expect(one.troubles).toHaveLength(1);
  });

  test("a server that hangs is given up on soon, and used again when it answers", async () => {
    await using server = await ValkeyServer.start(program);
    await using one = await machine(server);
    server.signal("SIGSTOP");
    const claim = await one.store.limits.claim(claimOf("r", { rpm: 5 }));
    expect(claim.kind).toBe("granted");
    expect(one.troubles.map(({ code }) => code)).toEqual(["store-lost"]);
    server.signal("SIGCONT");
    await using other = await machine(server);
    one.store.cooldowns.set(cooldownOf("key b", Date.now()));
    await until(() => other.news.some(({ set }) => set.some(({ id }) => id === "key b")));
  });

  test("a wrong password is said, and never shown", async () => {
    await using server = await ValkeyServer.start(program);
    await using one = await machine(server, { password: "wrong-password-of-the-test" });
    expect(one.troubles.map(({ code }) => code)).toEqual(["store-password"]);
    expect(JSON.stringify(one.troubles.map(({ message, fix }) => [message, fix]))).not.toContain(
      "wrong-password",
    );
    expect((await one.store.limits.claim(claimOf("r", { rpm: 5 }))).kind).toBe("granted");
  });

  test("a full server is said, and the run goes on", async () => {
    await using server = await ValkeyServer.start(program, [
      "--maxmemory",
      "1",
      "--maxmemory-policy",
      "noeviction",
    ]);
    await using one = await machine(server);
    one.store.cooldowns.set(cooldownOf("key a", Date.now()));
    await one.store.flush();
    expect(one.troubles.map(({ code }) => code)).toContain("store-oom");
    expect((await one.store.limits.claim(claimOf("r", { rpm: 5 }))).kind).toBe("granted");
    expect((await one.store.cooldowns.all()).map(({ id }) => id)).toEqual(["key a"]);
  });

  test("runs of other machines are seen until they end, those of this machine are not", async () => {
    await using server = await ValkeyServer.start(program);
    await using one = await machine(server);
    await using other = await machine(server);
    const run = {
      id: "r",
      machine: "another-machine",
      what: "opencode",
      sinceMs: Date.now(),
      inFlight: 1,
      waiting: 0,
    };
    one.store.runs.announce(run);
    one.store.runs.announce({ ...run, id: "own", machine: hostname() });
    const seen = (): Promise<string[]> =>
      other.store.runs.others().then((runs) => runs.map(({ machine: where, what }) => `${what} on ${where}`));
    await becomes(seen, ["opencode on another-machine"]);
    one.store.runs.withdraw("r");
    await becomes(seen, []);
  });

  test("a dead process's calls are free again within ten seconds", async () => {
    await using server = await ValkeyServer.start(program);
    await using one = await machine(server);
    const script = `
      import { RedisClient } from "bun";
      import { CLAIM } from ${JSON.stringify(`${import.meta.dir}/../../src/store/valkey/scripts.ts`)};
      const client = new RedisClient(process.env.URL);
      const keys = ["calls", "leases", "since", "due"].map((part) => "test:{limit:aaaaaaaaaaaa}:" + part);
      console.log(await client.send("EVAL", [CLAIM, "4", ...keys, "dead", "dead", "0", "1"]));
      await Bun.sleep(60_000);`;
    const url = new URL(server.url);
    url.password = encodeURIComponent(server.password);
    const child = Bun.spawn([process.execPath, "-e", script], {
      env: { ...process.env, URL: url.href },
      stdout: "pipe",
    });
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("0\n");
    child.kill("SIGKILL");
    const begun = performance.now();
    let claim = await one.store.limits.claim(claimOf("r", { concurrency: 1 }));
    expect(claim.kind).toBe("wait");
    while (claim.kind === "wait" && performance.now() - begun < 15_000) {
      await Bun.sleep(100);
      claim = await one.store.limits.claim(claimOf("r", { concurrency: 1 }));
    }
    expect(claim.kind).toBe("granted");
  }, 30_000);
}

/** The value comes to be this one; a wrong one at the end is shown. */
async function becomes(read: () => Promise<string[]>, wanted: string[]): Promise<void> {
  for (let tries = 0; tries < 100 && !Bun.deepEquals(await read(), wanted); tries++) await Bun.sleep(20);
  expect(await read()).toEqual(wanted);
}

async function everything(server: ValkeyServer): Promise<string> {
  const url = new URL(server.url);
  url.password = encodeURIComponent(server.password);
  const client = new Bun.RedisClient(url.href);
  const names = (await client.send("KEYS", ["*"])) as string[];
  const parts: string[] = [];
  for (const name of names) {
    const type = await client.send("TYPE", [name]);
    if (type === "hash") parts.push(JSON.stringify(await client.send("HGETALL", [name])));
    else parts.push(`${name} ${String(type)}`);
  }
  client.close();
  return parts.join("\n");
}

if (found === undefined) {
  process.stderr.write(
    "The store's tests with a server were not run: neither valkey-server nor redis-server is installed\n",
  );
} else {
  describe(`store on ${found}`, () => suite(found));
}
