import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { NEVER_MS } from "../../src/core/routing/rest.ts";
import type { LedgerFilter } from "../../src/state/ledger.ts";
import { openState } from "../../src/state/store.ts";
import { modeOf, tempFolder } from "../config/temp-folder.ts";
import { attemptOf, finished, recordOf, rested, restOf, stateOptions, until } from "./samples.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

test("rests are known to the next run, the endless ones too", () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"), { nowMs: () => NOW });
  const soon = restOf("lane aaaaaaaaaaaa acme/one", NOW, { scope: "lane", kind: "subscription" });
  const dead = restOf("key bbbbbbbbbbbb", NOW, { kind: "auth", untilMs: NEVER_MS, strikes: 2 });
  const first = openState(options);
  first.note(rested(soon));
  first.note(rested(dead));
  first.close();
  const second = openState(options);
  expect(second.rests()).toEqual([dead, soon]);
  second.close();
  expect(options.troubles).toEqual([]);
});

test("a rest that has ended is known as a count of failures for a while, then forgotten", () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const first = openState(stateOptions(file, { nowMs: () => NOW }));
  first.note(rested(restOf("key a", NOW, { untilMs: NOW + MINUTE })));
  first.note(rested(restOf("key counted", NOW, { untilMs: 0 })));
  first.close();
  const idsAt = (nowMs: number): string[] => {
    const store = openState(stateOptions(file, { nowMs: () => nowMs }));
    const ids = store.rests().map((rest) => rest.id);
    store.close();
    return ids;
  };
  expect(idsAt(NOW + 30 * MINUTE)).toEqual(["key a", "key counted"]);
  expect(idsAt(NOW + 61 * MINUTE - 1)).toEqual(["key a"]);
  expect(idsAt(NOW + 62 * MINUTE)).toEqual([]);
});

test("a cleared rest is gone in the next run, whatever older news comes later", () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const late = openState(stateOptions(file, { nowMs: () => NOW }));
  const store = openState(stateOptions(file, { nowMs: () => NOW + 10 }));
  store.note(rested(restOf("key a", NOW)));
  store.note({ kind: "cleared", id: "key a" });
  store.close();
  late.note(rested(restOf("key a", NOW + 5)));
  late.close();
  const next = openState(stateOptions(file, { nowMs: () => NOW + 20 }));
  expect(next.rests()).toEqual([]);
  next.close();
});

test("a row from a clock that was later set back does not keep out what is new", () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const ahead = openState(stateOptions(file, { nowMs: () => NOW + 60 * MINUTE }));
  ahead.note(rested(restOf("key a", NOW + 60 * MINUTE)));
  ahead.close();
  const store = openState(stateOptions(file, { nowMs: () => NOW }));
  store.note(rested(restOf("key a", NOW, { message: "new" })));
  store.close();
  const next = openState(stateOptions(file, { nowMs: () => NOW }));
  expect(next.rests()).toMatchObject([{ sinceMs: NOW, message: "new" }]);
  next.close();
});

test("noting writes nothing itself; a timer does, soon after", async () => {
  using folder = tempFolder();
  const store = openState(stateOptions(folder.in("state.db")));
  using other = new Database(folder.in("state.db"), { readonly: true });
  const count = other.query<{ count: number }, []>("SELECT count(*) AS count FROM requests");
  store.note(finished(recordOf("r1", Date.now())));
  expect(count.get()).toEqual({ count: 0 });
  await until(() => count.get()?.count === 1);
  store.close();
});

test("a request comes back from the ledger as it went in", () => {
  using folder = tempFolder();
  const store = openState(stateOptions(folder.in("state.db")));
  const now = Date.now();
  const full = recordOf("r1", now, {
    attempts: [
      attemptOf(now, { status: 429, verdict: "rate-limit", message: "slow down" }),
      attemptOf(now + 5, { keyName: "home", fingerprint: "bbbbbbbbbbbb" }),
    ],
    keyName: "home",
  });
  const bare = recordOf("r2", now, {
    session: undefined,
    asked: undefined,
    served: undefined,
    keyName: undefined,
    outcome: "client-gone",
    attempts: [],
    firstTokenMs: undefined,
    inputTokens: undefined,
    outputTokens: undefined,
  });
  store.note(finished(full));
  store.note(finished(bare));
  expect(store.requests({ limit: 10 })).toEqual([
    { seq: 2, ...bare },
    { seq: 1, ...full },
  ]);
  store.close();
});

test("a request that is written twice is there once", () => {
  using folder = tempFolder();
  const store = openState(stateOptions(folder.in("state.db")));
  for (let i = 0; i < 2; i++) {
    store.note(finished(recordOf("r1", Date.now())));
    store.flush();
  }
  expect(store.requests({ limit: 10 }).map((entry) => entry.attempts.length)).toEqual([1]);
  expect(store.usageSince(0).map((usage) => usage.requests)).toEqual([1]);
  store.close();
});

const broken = attemptOf(NOW, { keyName: "home", verdict: "server-error", status: 500 });
const LEDGER = [
  recordOf("plain", NOW),
  recordOf("saved", NOW + 1, { attempts: [broken, attemptOf(NOW)] }),
  recordOf("lost", NOW + 2, { outcome: "exhausted", attempts: [], session: "session-2" }),
  recordOf("hung-up", NOW + 3, { outcome: "client-gone", attempts: [] }),
  recordOf("chain", NOW + 4, { asked: "orouter/coding", attempts: [attemptOf(NOW, { model: "acme/two" })] }),
];

test.each<[name: string, filter: LedgerFilter, ids: string[]]>([
  ["all, the newest first", { limit: 10 }, ["chain", "hung-up", "lost", "saved", "plain"]],
  ["as many as asked for", { limit: 2 }, ["chain", "hung-up"]],
  ["since a moment", { limit: 10, sinceMs: NOW + 3 }, ["chain", "hung-up"]],
  ["after a request", { limit: 10, afterSeq: 3 }, ["chain", "hung-up"]],
  [
    "failures, also those that were mended, not those who hung up",
    { limit: 10, failuresOnly: true },
    ["lost", "saved"],
  ],
  ["a key that was only tried", { limit: 10, keyName: "home" }, ["saved"]],
  ["a model that was tried", { limit: 10, model: "acme/two" }, ["chain"]],
  ["a model that was asked for", { limit: 10, model: "orouter/coding" }, ["chain"]],
  ["a session", { limit: 10, session: "session-2" }, ["lost"]],
  ["several at once", { limit: 10, session: "session-1", failuresOnly: true }, ["saved"]],
])("the ledger gives %s", (_name, filter, ids) => {
  using folder = tempFolder();
  const store = openState(stateOptions(folder.in("state.db"), { nowMs: () => NOW + 10 }));
  for (const record of LEDGER) store.note(finished(record));
  expect(store.requests(filter).map((entry) => entry.id)).toEqual(ids);
  store.close();
});

test("usage counts answers, refusals and tokens per key, under the name it had last", () => {
  using folder = tempFolder();
  const store = openState(stateOptions(folder.in("state.db"), { nowMs: () => NOW + 10 }));
  const home = { fingerprint: "bbbbbbbbbbbb", keyName: "home" };
  const refused = { status: 429, verdict: "rate-limit" } as const;
  store.note(finished(recordOf("before", NOW - 1)));
  store.note(finished(recordOf("r1", NOW)));
  store.note(
    finished(recordOf("r2", NOW + 1, { attempts: [attemptOf(NOW, refused), attemptOf(NOW + 2, home)] })),
  );
  store.note(
    finished(
      recordOf("r3", NOW + 2, {
        attempts: [attemptOf(NOW + 3, { keyName: "work 2" })],
        inputTokens: undefined,
        outputTokens: 7,
      }),
    ),
  );
  expect(store.usageSince(NOW)).toEqual([
    {
      fingerprint: "aaaaaaaaaaaa",
      keyName: "work 2",
      requests: 2,
      refusals: 1,
      inputTokens: 100,
      outputTokens: 27,
    },
    { ...home, requests: 1, refusals: 0, inputTokens: 100, outputTokens: 20 },
  ]);
  store.close();
});

test("the file and what lies beside it are the owner's alone, in a folder that is too", () => {
  using folder = tempFolder();
  const file = join(folder.in("new"), "state.db");
  const store = openState(stateOptions(file));
  store.note(rested(restOf("key a", Date.now())));
  store.flush();
  expect([folder.in("new"), file, `${file}-wal`, `${file}-shm`].map(modeOf)).toEqual([
    0o700, 0o600, 0o600, 0o600,
  ]);
  store.close();
  chmodSync(file, 0o644);
  openState(stateOptions(file)).close();
  expect(modeOf(file)).toBe(0o600);
});

test("a closed store takes nothing more and opens nothing again", () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const store = openState(options);
  store.close();
  store.note(finished(recordOf("late", Date.now())));
  store.flush();
  store.close();
  expect(store.requests({ limit: 1 })).toEqual([]);
  const next = openState(options);
  expect(next.requests({ limit: 1 })).toEqual([]);
  next.close();
});
