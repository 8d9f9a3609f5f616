import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { credentialWatch, readAuthKeys } from "../../src/config/opencode-auth.ts";
import { apiKey, connect, opencodeDatabase } from "./opencode-database.ts";
import { namesIn, tempFolder } from "./temp-folder.ts";

function placesIn(folder: ReturnType<typeof tempFolder>) {
  return { opencodeAuthFile: folder.in("auth.json"), opencodeDatabase: folder.in("opencode.db") };
}

test("keys of /connect come from the database, sign-ins and odd rows do not", async () => {
  using folder = tempFolder();
  const file = folder.in("opencode.db");
  opencodeDatabase(file, [
    { provider: "groq", value: apiKey("g-old"), active: false },
    { provider: "groq", value: apiKey("g-1") },
    { provider: "openai", value: '{"type":"oauth","access":"a","refresh":"r"}' },
    { provider: null, value: apiKey("nobody") },
    { provider: "nvidia", value: "{broken" },
    { provider: "nvidia", value: '{"type":"key"}' },
  ]).close();
  const [, database] = await readAuthKeys({}, placesIn(folder));
  expect(database).toEqual({
    source: "opencode.db",
    from: file,
    entries: [
      { provider: "groq", text: "g-1" },
      { provider: "groq", text: "g-old" },
    ],
    notes: [],
  });
});

test("reading changes no byte of the database and leaves no file beside it", async () => {
  using folder = tempFolder();
  const file = folder.in("opencode.db");
  opencodeDatabase(file, [{ provider: "groq", value: apiKey("g-1") }]).close();
  const before = readFileSync(file);
  await readAuthKeys({}, placesIn(folder));
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(namesIn(folder.path)).toEqual(["opencode.db"]);
});

test("a key that is only in the log of a running opencode is read, and the writer is not held up", async () => {
  using folder = tempFolder();
  using db = opencodeDatabase(folder.in("opencode.db"), [{ provider: "groq", value: apiKey("g-1") }], {
    wal: true,
  });
  db.run("BEGIN IMMEDIATE");
  const [, database] = await readAuthKeys({}, placesIn(folder));
  expect(database?.entries).toEqual([{ provider: "groq", text: "g-1" }]);
  connect(db, [{ provider: "nvidia", value: apiKey("n-1") }]);
  db.run("COMMIT");
  const [, again] = await readAuthKeys({}, placesIn(folder));
  expect(again?.entries).toHaveLength(2);
});

test("a key that auth.json has as well is listed once, as auth.json's", async () => {
  using folder = tempFolder();
  writeFileSync(folder.in("auth.json"), JSON.stringify({ groq: { type: "api", key: "g-1" } }));
  opencodeDatabase(folder.in("opencode.db"), [
    { provider: "groq", value: apiKey("g-1") },
    { provider: "groq", value: apiKey("g-2") },
    { provider: "nvidia", value: apiKey("g-1") },
  ]).close();
  const found = await readAuthKeys({}, placesIn(folder));
  expect(found.map(({ source, entries }) => [source, entries])).toEqual([
    ["auth.json", [{ provider: "groq", text: "g-1" }]],
    [
      "opencode.db",
      [
        { provider: "groq", text: "g-2" },
        { provider: "nvidia", text: "g-1" },
      ],
    ],
  ]);
});

test.each<[what: string, make: (file: string) => void, notes: number]>([
  ["none", () => {}, 0],
  ["an empty one", (file) => writeFileSync(file, ""), 0],
  ["one of opencode 1", (file) => new Database(file).run("CREATE TABLE session (id text)"), 0],
  ["one with another table", (file) => new Database(file).run("CREATE TABLE credential (id text)"), 0],
  ["one that is damaged", (file) => writeFileSync(file, "no database ".repeat(2000)), 1],
])("a database that is %s has no keys and stops nothing", async (_what, make, notes) => {
  using folder = tempFolder();
  make(folder.in("opencode.db"));
  const [, database] = await readAuthKeys({}, placesIn(folder));
  expect(database?.entries).toEqual([]);
  expect(database?.notes).toHaveLength(notes);
});

test("the watch tells of a key, not of other changes", async () => {
  using folder = tempFolder();
  const file = folder.in("opencode.db");
  const look = credentialWatch(file);
  expect((await look()).text).toBe("none");
  using db = opencodeDatabase(file, [{ provider: "groq", value: apiKey("g-1"), atMs: 5 }], { wal: true });
  const first = await look();
  expect(first.changedMs).toBe(5);
  db.run("CREATE TABLE session (id text)");
  expect(await look()).toEqual(first);
  connect(db, [{ provider: "nvidia", value: apiKey("n-1"), atMs: 9 }]);
  expect(await look()).toEqual({ text: "2:9", changedMs: 9 });
  db.run("DELETE FROM credential");
  expect((await look()).text).toBe("0:0");
});
