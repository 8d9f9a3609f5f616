import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openState } from "../../src/commands/state.ts";
import { putRecord, readRequests } from "../../src/ledger/request-rows.ts";
import { faultOf, openDatabase } from "../../src/sqlite/database.ts";
import { StateFile } from "../../src/sqlite/state-file.ts";
import { namesIn, tempFolder } from "../config/temp-folder.ts";
import {
  cooldownOf,
  cooldownStarted,
  finished,
  note,
  noteAndRead,
  recordOf,
  stateOptions,
} from "../store/samples.ts";

test("a file that is no database is set aside and kept, and a fresh one is begun", async () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"), { nowMs: () => Date.UTC(2030, 0, 2, 3, 4, 5) });
  writeFileSync(options.file, "not a database ".repeat(500));
  const state = await openState(options);
  expect(await state.store.cooldowns.all()).toEqual([]);
  note(state, cooldownStarted(cooldownOf("key a", Date.UTC(2030, 0, 2, 3, 4, 5))));
  await state.close();
  expect(namesIn(folder.path)).toEqual(["state.db", "state.db.broken-20300102T030405Z"]);
  expect(readFileSync(folder.in("state.db.broken-20300102T030405Z"), "utf8")).toStartWith("not a database ");
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-set-aside"]);
  expect(options.troubles[0]?.message).toContain("state.db.broken-20300102T030405Z");
  const next = await openState(options);
  expect((await next.store.cooldowns.all()).map((rest) => rest.id)).toEqual(["key a"]);
  await next.close();
});

test("a file that is broken behind its header is set aside, and a fresh one takes what is noted", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  await (await openState(stateOptions(file))).close();
  // The header stays intact, so the file opens, but its tables are damaged.
  const { size } = statSync(file);
  const bytes = readFileSync(file);
  bytes.fill(0xff, 4096, size);
  writeFileSync(file, bytes);
  const options = stateOptions(file);
  const state = await openState(options);
  expect(await noteAndRead(state)).toEqual(["r1"]);
  await state.close();
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-set-aside"]);
  expect(namesIn(folder.path)).toHaveLength(2);
});

test("a fresh file another process has put in place of the broken one is used, not moved", () => {
  using folder = tempFolder();
  const options = { ...stateOptions(folder.in("state.db")), nowMs: Date.now };
  const files = [new StateFile(options), new StateFile(options)];
  for (const file of files) file.read(() => {});
  for (const [i, file] of files.entries()) {
    let isFirst = true;
    file.write((db) => {
      if (isFirst) {
        isFirst = false;
        throw Object.assign(new Error("database disk image is malformed"), { code: "SQLITE_CORRUPT" });
      }
      putRecord(db, recordOf(`r${i}`, i));
    });
  }
  for (const file of files) file.close();
  // The other one still had the old file open, so its side files were moved along.
  const sideFile = /-(wal|shm)$/;
  expect(namesIn(folder.path).filter((name) => !sideFile.test(name))).toHaveLength(2);
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-set-aside"]);
  using db = new Database(options.file, { readonly: true });
  expect(readRequests(db, { limit: 10 }).map((record) => record.id)).toEqual(["r1", "r0"]);
});

test.each<[name: string, prepare: (folder: string) => string]>([
  [
    "where its folder cannot be made",
    (folder) => {
      writeFileSync(join(folder, "taken"), "");
      return join(folder, "taken", "state.db");
    },
  ],
  ["that is a folder", (folder) => folder],
])("a file %s is said once, and the run goes on in memory", async (_name, prepare) => {
  using folder = tempFolder();
  const options = stateOptions(prepare(folder.path));
  const state = await openState(options);
  state.store.watch(() => {});
  expect(await noteAndRead(state)).toEqual(["r1"]);
  expect(state.ledger.usageSince(0)).toHaveLength(1);
  await state.close();
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-not-usable"]);
  expect(options.troubles[0]?.fix).toContain("OROUTER_HOME");
});

test("a file that refuses to be written is said once, and the work goes on in memory", () => {
  using folder = tempFolder();
  const options = { ...stateOptions(folder.in("state.db")), nowMs: Date.now };
  const file = new StateFile(options);
  // SQLite reports this as a read-only disk, also to root, who ignores file modes.
  file.read((db) => db.run("PRAGMA query_only = ON"));
  for (const id of ["r1", "r2"]) {
    expect(file.write((db) => putRecord(db, recordOf(id, 1))).kind).toBe("done");
  }
  expect(file.read((db) => readRequests(db, { limit: 10 }).length)).toEqual({ kind: "done", value: 2 });
  file.close();
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-not-usable"]);
  using db = new Database(options.file, { readonly: true });
  expect(readRequests(db, { limit: 10 })).toEqual([]);
});

test("a disk that breaks the fresh file too is not filled with broken ones", () => {
  using folder = tempFolder();
  const options = { ...stateOptions(folder.in("state.db")), nowMs: Date.now };
  const file = new StateFile(options);
  const broken = Object.assign(new Error("database disk image is malformed"), { code: "SQLITE_CORRUPT" });
  const outcome = file.write((db) => {
    if (db.filename !== ":memory:") throw broken;
    return "kept";
  });
  expect(outcome).toEqual({ kind: "done", value: "kept" });
  file.close();
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-set-aside", "state-broken"]);
  expect(namesIn(folder.path)).toHaveLength(2);
});

test("work that fails for a reason of its own is let go, said once, and the file stays in use", () => {
  using folder = tempFolder();
  const options = { ...stateOptions(folder.in("state.db")), nowMs: Date.now };
  const file = new StateFile(options);
  const nonsense = (): unknown => file.write((db) => db.run("INSERT INTO nowhere VALUES (1)"));
  file.read(() => {});
  expect([nonsense(), nonsense()]).toEqual([{ kind: "never" }, { kind: "never" }]);
  file.write((db) => putRecord(db, recordOf("r1", 1)));
  file.close();
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-failed"]);
  using db = new Database(options.file, { readonly: true });
  expect(readRequests(db, { limit: 10 })).toHaveLength(1);
});

test("a newer schema is left untouched, said once, and the run goes on in memory", async () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const newer = new Database(options.file);
  newer.run("CREATE TABLE things (name TEXT)");
  newer.run("PRAGMA user_version = 99");
  newer.close();
  const before = readFileSync(options.file);
  const state = await openState(options);
  expect(await noteAndRead(state)).toEqual(["r1"]);
  await state.close();
  expect(readFileSync(options.file)).toEqual(before);
  expect(namesIn(folder.path)).toEqual(["state.db"]);
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-newer"]);
});

test("a disk that takes no more is said once, and what was written before is still there", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  // The system limits the file size of the process: a full disk without a disk.
  const script = join(import.meta.dir, "..", "store", "fixtures", "full-disk.ts");
  const child = Bun.spawnSync(
    ["sh", "-c", 'trap "" XFSZ; ulimit -f 512; exec "$0" "$@"', process.execPath, script, file],
    { stdout: "pipe", stderr: "inherit" },
  );
  expect(child.exitCode).toBe(0);
  const said = JSON.parse(child.stdout.toString()) as { troubles: string[]; kept: number };
  expect(said.troubles).toEqual(["state-not-written"]);
  expect(said.kept).toBeGreaterThan(0);
  expect(said.kept).toBeLessThan(1000);
  const state = await openState(stateOptions(file));
  expect(state.ledger.requests({ limit: 1000 }).length).toBeGreaterThanOrEqual(said.kept);
  await state.close();
});

test("a database that has no page left is sorted as full", () => {
  // Not a full disk, but SQLite reports the same error.
  using folder = tempFolder();
  using db = openDatabase(folder.in("state.db"), 0);
  db.run("PRAGMA max_page_count = 1");
  const fill = (): void => {
    for (let i = 0; i < 200; i++) putRecord(db, recordOf(`r${i}`, i));
  };
  expect(fill).toThrow("full");
  try {
    fill();
  } catch (error) {
    expect(faultOf(error)).toBe("full");
  }
});

test("a file cut short is set aside like any broken one", async () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const state = await openState(options);
  for (let i = 0; i < 300; i++) note(state, finished(recordOf(`r${i}`, Date.now())));
  await state.close();
  truncateSync(options.file, 4096 * 3);
  const next = await openState(options);
  expect(await noteAndRead(next)).toEqual(["r1"]);
  await next.close();
  expect(options.troubles.map((problem) => problem.code)).toEqual(["state-set-aside"]);
});
