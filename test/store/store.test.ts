import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { openState } from "../../src/commands/state.ts";
import { NEVER_MS } from "../../src/core/routing/cooldown.ts";
import { ownWords } from "../../src/core/scrub.ts";
import type { LedgerFilter } from "../../src/ledger/request-rows.ts";
import { modeOf, tempFolder } from "../config/temp-folder.ts";
import {
  attemptOf,
  cooldownOf,
  cooldownStarted,
  finished,
  flush,
  note,
  recordOf,
  stateOptions,
  until,
} from "./samples.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

test("rests are known to the next run, the endless ones too", async () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"), { nowMs: () => NOW });
  const soon = cooldownOf("lane aaaaaaaaaaaa acme/one", NOW, { scope: "lane", kind: "subscription" });
  const dead = cooldownOf("key bbbbbbbbbbbb", NOW, { kind: "auth", untilMs: NEVER_MS, failures: 2 });
  const first = await openState(options);
  note(first, cooldownStarted(soon));
  note(first, cooldownStarted(dead));
  await first.close();
  const second = await openState(options);
  expect(await second.store.cooldowns.all()).toEqual([dead, soon]);
  await second.close();
  expect(options.troubles).toEqual([]);
});

test("a rest that has ended is known as a count of failures for a while, then forgotten", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const first = await openState(stateOptions(file, { nowMs: () => NOW }));
  note(first, cooldownStarted(cooldownOf("key a", NOW, { untilMs: NOW + MINUTE })));
  note(first, cooldownStarted(cooldownOf("key counted", NOW, { untilMs: 0 })));
  await first.close();
  const idsAt = async (nowMs: number): Promise<string[]> => {
    const state = await openState(stateOptions(file, { nowMs: () => nowMs }));
    const ids = (await state.store.cooldowns.all()).map((rest) => rest.id);
    await state.close();
    return ids;
  };
  expect(await idsAt(NOW + 30 * MINUTE)).toEqual(["key a", "key counted"]);
  expect(await idsAt(NOW + 61 * MINUTE - 1)).toEqual(["key a"]);
  expect(await idsAt(NOW + 62 * MINUTE)).toEqual([]);
});

test("a cleared rest is gone in the next run, whatever older news comes later", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const late = await openState(stateOptions(file, { nowMs: () => NOW }));
  const state = await openState(stateOptions(file, { nowMs: () => NOW + 10 }));
  note(state, cooldownStarted(cooldownOf("key a", NOW)));
  note(state, { kind: "cleared", id: "key a" });
  await state.close();
  note(late, cooldownStarted(cooldownOf("key a", NOW + 5)));
  await late.close();
  const next = await openState(stateOptions(file, { nowMs: () => NOW + 20 }));
  expect(await next.store.cooldowns.all()).toEqual([]);
  await next.close();
});

test("a row from a clock that was later set back does not keep out what is new", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const ahead = await openState(stateOptions(file, { nowMs: () => NOW + 60 * MINUTE }));
  note(ahead, cooldownStarted(cooldownOf("key a", NOW + 60 * MINUTE)));
  await ahead.close();
  const state = await openState(stateOptions(file, { nowMs: () => NOW }));
  note(state, cooldownStarted(cooldownOf("key a", NOW, { message: "new" })));
  await state.close();
  const next = await openState(stateOptions(file, { nowMs: () => NOW }));
  expect(await next.store.cooldowns.all()).toMatchObject([{ sinceMs: NOW, message: "new" }]);
  await next.close();
});

test("noting writes nothing itself; a timer does, soon after", async () => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db")));
  using other = new Database(folder.in("state.db"), { readonly: true });
  const count = other.query<{ count: number }, []>("SELECT count(*) AS count FROM requests");
  note(state, finished(recordOf("r1", Date.now())));
  expect(count.get()).toEqual({ count: 0 });
  await until(() => count.get()?.count === 1);
  await state.close();
});

test("a request comes back from the ledger as it went in", async () => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db")));
  const now = Date.now();
  const full = recordOf("r1", now, {
    attempts: [
      attemptOf(now, { status: 429, verdict: "rate-limit", message: ownWords("slow down") }),
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
  note(state, finished(full));
  note(state, finished(bare));
  expect(state.ledger.requests({ limit: 10 })).toEqual([
    { seq: 2, ...bare },
    { seq: 1, ...full },
  ]);
  await state.close();
});

test("a request that is written twice is there once", async () => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db")));
  for (let i = 0; i < 2; i++) {
    note(state, finished(recordOf("r1", Date.now())));
    await flush(state);
  }
  expect(state.ledger.requests({ limit: 10 }).map((entry) => entry.attempts.length)).toEqual([1]);
  expect(state.ledger.usageSince(0).map((usage) => usage.requests)).toEqual([1]);
  await state.close();
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
])("the ledger gives %s", async (_name, filter, ids) => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db"), { nowMs: () => NOW + 10 }));
  for (const record of LEDGER) note(state, finished(record));
  expect(state.ledger.requests(filter).map((entry) => entry.id)).toEqual(ids);
  await state.close();
});

test("usage counts answers, refusals and tokens per key, under the name it had last", async () => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db"), { nowMs: () => NOW + 10 }));
  const home = { fingerprint: "bbbbbbbbbbbb", keyName: "home" };
  const refused = { status: 429, verdict: "rate-limit" } as const;
  note(state, finished(recordOf("before", NOW - 1)));
  note(state, finished(recordOf("r1", NOW)));
  note(
    state,
    finished(recordOf("r2", NOW + 1, { attempts: [attemptOf(NOW, refused), attemptOf(NOW + 2, home)] })),
  );
  note(
    state,
    finished(
      recordOf("r3", NOW + 2, {
        attempts: [attemptOf(NOW + 3, { keyName: "work 2" })],
        inputTokens: undefined,
        outputTokens: 7,
      }),
    ),
  );
  expect(state.ledger.usageSince(NOW)).toEqual([
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
  await state.close();
});

test("the file and what lies beside it are the owner's alone, in a folder that is too", async () => {
  using folder = tempFolder();
  const file = join(folder.in("new"), "state.db");
  const state = await openState(stateOptions(file));
  note(state, cooldownStarted(cooldownOf("key a", Date.now())));
  await flush(state);
  expect([folder.in("new"), file, `${file}-wal`, `${file}-shm`].map(modeOf)).toEqual([
    0o700, 0o600, 0o600, 0o600,
  ]);
  await state.close();
  chmodSync(file, 0o644);
  await (await openState(stateOptions(file))).close();
  expect(modeOf(file)).toBe(0o600);
});

test("a closed store takes nothing more and opens nothing again", async () => {
  using folder = tempFolder();
  const options = stateOptions(folder.in("state.db"));
  const state = await openState(options);
  await state.close();
  note(state, finished(recordOf("late", Date.now())));
  await flush(state);
  await state.close();
  expect(state.ledger.requests({ limit: 1 })).toEqual([]);
  const next = await openState(options);
  expect(next.ledger.requests({ limit: 1 })).toEqual([]);
  await next.close();
});
