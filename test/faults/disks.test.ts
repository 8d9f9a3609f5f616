import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { orouterBinary } from "../e2e/binary.ts";
import { contentsOf, e2eMachine } from "../e2e/machine.ts";
import { until } from "../e2e/serve-process.ts";
import { type Told, type World, type WorldOptions, withWorld, writeHome } from "./fault-world.ts";
import { ownMounts } from "./own-mounts.ts";
import { TEXT } from "./wire.ts";

const MOUNTS = ownMounts();

async function askTimes(count: number, ask: World["ask"]): Promise<void> {
  const told: Told[] = [];
  for (let nth = 0; nth < count; nth++) told.push(await ask());
  expect(told.map(({ status, text }) => [status, text])).toEqual(told.map(() => [200, TEXT]));
}

/** The lines of stderr about a file. */
function linesAbout(stderr: string, file: string): string[] {
  return stderr.split("\n").filter((line) => line.includes(file));
}

/** Mounts a disk of 400 KiB over the home and restores its files. */
const SMALL_DISK = (home: string): string =>
  `cp -a ${home} ${home}.kept && mount -t tmpfs -o size=400k tmpfs ${home} && cp -a ${home}.kept/. ${home}`;

const IS_FULL = expect.stringMatching(
  /state\.db cannot be written \(.+\)\. This run keeps its state in memory and retries\. Free some space/,
);

test("a limit on the size of files that is reached stops no answer, and is said once", () =>
  withWorld(
    {
      // The only full disk that every user can create.
      first: 'trap "" XFSZ; ulimit -f 256',
      afterwards: (stderr) => expect(linesAbout(stderr, "state.db")).toEqual([IS_FULL]),
    },
    async ({ ask }) => askTimes(150, ask),
  ));

if (MOUNTS !== undefined) {
  test("what a full disk has kept from being written is said once, and written once there is room again", () => {
    const options: WorldOptions = {
      within: MOUNTS,
      first: SMALL_DISK,
      afterwards: (stderr) => expect(linesAbout(stderr, "state.db")).toEqual([IS_FULL]),
    };
    return withWorld(options, async ({ ask, serve, home, machine }) => {
      const written = writtenOn(join("/proc", String(serve.pid), "root", home), machine.folder.in("copy"));
      await askTimes(1, ask);
      await until("the first request to be written", () => written() === 1);
      const filler = join("/proc", String(serve.pid), "root", home, "filler");
      expect(() => {
        for (let kib = 1; kib < 1024; kib++) writeFileSync(filler, Buffer.alloc(1024), { flag: "a" });
      }).toThrow("ENOSPC");
      await askTimes(40, ask);
      await until("it to be said", () => serve.said().includes("Free some space"));
      expect(written()).toBeLessThan(41);
      rmSync(filler);
      await until("all of them to be written", () => written() === 41, 20_000);
    });
  });
}

/** Counts the requests in a home that only another process can see: SQLite could write to it. */
function writtenOn(home: string, copy: string): () => number {
  mkdirSync(copy);
  return () => {
    for (const name of ["state.db", "state.db-wal"]) {
      if (existsSync(join(home, name))) copyFileSync(join(home, name), join(copy, name));
    }
    try {
      using db = new Database(join(copy, "state.db"));
      return db.query<{ n: number }, []>("SELECT count(*) AS n FROM requests").get()?.n ?? 0;
    } catch {
      // Copied in the middle of a write.
      return -1;
    }
  };
}

test("keys.toml and config.toml stay whole when the disk takes no more, and that is said", async () => {
  using machine = e2eMachine();
  const home = writeHome(machine, "http://127.0.0.1:9/v1", {});
  const before = contentsOf(home);
  const run = (words: string[], stdin: string) =>
    machine.run(["/bin/sh", "-c", 'trap "" XFSZ; ulimit -f 0; exec "$0" "$@"', orouterBinary(), ...words], {
      env: { OROUTER_HOME: home },
      stdin,
    });
  const added = await run(["keys", "add", "ollama-cloud", "--name", "third", "--stdin"], "secret-third\n");
  const set = await run(["config", "set", "routing.strategy", "random"], "");
  for (const { exitCode, stderr } of [added, set]) {
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^orouter: .*(?:keys|config)\.toml/m);
    expect(stderr).not.toContain("bug");
    expect(stderr).not.toContain("secret-");
  }
  expect(contentsOf(home)).toEqual(before);
});

/** Folders in which even root cannot create files. */
const NOWHERE = process.platform === "linux" ? "/proc/nowhere" : "/System/nowhere";

/** A read-only home, or unusable state, cache and run folders. */
const READ_ONLY: [name: string, options: WorldOptions][] = [
  [
    "no place for state, cache and run folder",
    { env: { OROUTER_HOME: "", XDG_STATE_HOME: NOWHERE, XDG_CACHE_HOME: NOWHERE, XDG_RUNTIME_DIR: NOWHERE } },
  ],
  ...(MOUNTS === undefined
    ? []
    : [
        [
          "a read-only home",
          {
            within: MOUNTS,
            first: (home: string) => `mount --bind ${home} ${home} && mount -o remount,bind,ro ${home}`,
          },
        ] satisfies [string, WorldOptions],
      ]),
];

test.each(READ_ONLY)("with %s it serves, and says once what is not kept", (_name, options) =>
  withWorld(
    {
      ...options,
      prepare: (home) => {
        if (options.env === undefined) return;
        // The XDG folder of config.toml and keys.toml is a link to the home.
        options.env["XDG_CONFIG_HOME"] = join(home, "..");
      },
      afterwards: (stderr) => {
        expect(linesAbout(stderr, "state.db")).toEqual([
          expect.stringContaining("Nothing is remembered after this run"),
        ]);
        expect(linesAbout(stderr, "run folder")).toHaveLength(1);
        expect(stderr).not.toContain("bug");
      },
    },
    async ({ ask, home }) => {
      await askTimes(3, ask);
      expect(existsSync(join(home, "state.db"))).toBe(false);
    },
  ),
);

test("state.db locked by another program keeps no answer waiting, and what waited is written after it", () =>
  withWorld(
    {
      afterwards: (stderr) =>
        expect(linesAbout(stderr, "state.db")).toEqual([
          expect.stringContaining("is locked by another program"),
        ]),
    },
    async ({ ask, home, records, serve }) => {
      await askTimes(1, ask);
      await records(1);
      const lock = (): Database => {
        const db = new Database(join(home, "state.db"));
        db.run("BEGIN EXCLUSIVE");
        return db;
      };
      const holder = lock();
      await askTimes(20, ask);
      holder.close();
      await records(21);
      // At the end of the run nothing can be postponed.
      using last = lock();
      await askTimes(1, ask);
      serve.kill("SIGTERM");
      await serve.ended();
      last.run("ROLLBACK");
    },
  ));

test.each<[what: string, spoil: (home: string) => void]>([
  [
    "is overwritten with nonsense",
    (home) => writeFileSync(join(home, "state.db"), "no database at all ".repeat(5_000)),
  ],
  ["is emptied", (home) => writeFileSync(join(home, "state.db"), "")],
  [
    "is deleted with all that belongs to it",
    (home) => {
      for (const end of ["", "-wal", "-shm"]) rmSync(join(home, `state.db${end}`), { force: true });
    },
  ],
  ["goes away with its whole folder", (home) => rmSync(home, { recursive: true })],
])(
  "state.db that %s while orouter runs stops no answer, and the next run has a whole one",
  async (_what, spoil) => {
    using machine = e2eMachine();
    let home = "";
    await withWorld({}, async (world) => {
      await askTimes(3, world.ask);
      await world.records(3);
      spoil(world.home);
      await askTimes(20, world.ask);
      home = machine.folder.in("kept");
      world.serve.kill("SIGTERM");
      await world.serve.ended();
      if (existsSync(world.home)) expect(Bun.spawnSync(["cp", "-a", world.home, home]).exitCode).toBe(0);
    });
    if (!existsSync(join(home, "state.db"))) return;
    const doctor = await machine.orouter(["logs", "--json"], { env: { OROUTER_HOME: home } });
    expect([doctor.exitCode, doctor.stderr.includes("bug")]).toEqual([0, false]);
    using db = new Database(join(home, "state.db"), { readonly: true });
    expect(db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    expect(readFileSync(join(home, "keys.toml"), "utf8")).toContain("secret-one");
  },
);
