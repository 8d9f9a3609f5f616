import { expect, test } from "bun:test";
import { attachState } from "../../src/commands/attach-state.ts";
import { defaultSettings } from "../../src/core/settings/settings.ts";
import { Router } from "../../src/proxy/router.ts";
import type { StateStore } from "../../src/state/state-store.ts";
import { openState } from "../../src/state/store.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { finished, recordOf, rested, restOf, stateOptions, until } from "../state/samples.ts";

function newRouter(): Router {
  return new Router({
    providers: new Map(),
    keys: [],
    knownModels: [],
    policy: defaultSettings().routing,
    chance: { nowMs: Date.now, random: () => 0.5 },
  });
}

function healthOf(router: Router): string[] {
  return [...router.health.keys()].toSorted();
}

function storedIn(file: string): string[] {
  const store = openState(stateOptions(file));
  const ids = store.rests().map((rest) => rest.id);
  store.close();
  return ids.toSorted();
}

/** Something is at rest in a router as after a failure: it is in its health and was announced. */
function rest(router: Router, id: string, sinceMs = Date.now()): void {
  const one = restOf(id, sinceMs);
  router.learn([one], []);
  router.emit(rested(one));
}

test("a router begins with what earlier runs have learned", () => {
  using folder = tempFolder();
  const earlier = openState(stateOptions(folder.in("state.db")));
  earlier.note(rested(restOf("key a", Date.now())));
  earlier.close();
  const store = openState(stateOptions(folder.in("state.db")));
  const router = newRouter();
  const detach = attachState(router, store);
  expect(healthOf(router)).toEqual(["key a"]);
  detach();
  store.close();
});

test("what a router learned before the store was open is kept, and the younger of two holds", () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const now = Date.now();
  const earlier = openState(stateOptions(file));
  earlier.note(rested(restOf("key a", now - 2000, { message: "stored" })));
  earlier.note(rested(restOf("key b", now - 1000, { message: "stored" })));
  earlier.close();
  const router = newRouter();
  router.learn(
    [
      restOf("key a", now - 1000, { message: "ours" }),
      restOf("key b", now - 2000, { message: "ours" }),
      restOf("key c", now, { message: "ours" }),
    ],
    [],
  );
  const store = openState(stateOptions(file));
  attachState(router, store)();
  store.close();
  const next = openState(stateOptions(file));
  const expected = [
    ["key a", "ours"],
    ["key b", "stored"],
    ["key c", "ours"],
  ];
  const messages = (rests: Iterable<{ id: string; message: string }>): string[][] =>
    [...rests].map(({ id, message }) => [id, message]).toSorted();
  expect(messages(router.health.values())).toEqual(expected);
  expect(messages(next.rests())).toEqual(expected);
  next.close();
});

test("two routers know of each other's rests, and of their end", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const [here, there] = [newRouter(), newRouter()];
  const stores: StateStore[] = [here, there].map((router) => {
    const store = openState(stateOptions(file));
    attachState(router, store);
    return store;
  });
  rest(here, "key a");
  await until(() => there.health.has("key a"));
  there.reset();
  await until(() => !here.health.has("key a"));
  for (const store of stores) store.close();
  expect(storedIn(file)).toEqual([]);
});

test("finished requests go into the ledger", () => {
  using folder = tempFolder();
  const store = openState(stateOptions(folder.in("state.db")));
  const router = newRouter();
  attachState(router, store);
  router.emit(finished(recordOf("r1", Date.now())));
  expect(store.requests({ limit: 10 }).map((record) => record.id)).toEqual(["r1"]);
  store.close();
});

test("once parted, neither hears of the other", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const [parted, joined] = [newRouter(), newRouter()];
  const store = openState(stateOptions(file));
  attachState(parted, store)();
  const other = openState(stateOptions(file));
  const third = openState(stateOptions(file));
  attachState(joined, third);
  rest(parted, "key a");
  other.note(rested(restOf("key b", Date.now())));
  other.flush();
  // By the time the one that still listens has heard of it, the parted one would have, too.
  await until(() => joined.health.has("key b"));
  expect(healthOf(parted)).toEqual(["key a"]);
  for (const one of [store, other, third]) one.close();
  expect(storedIn(file)).toEqual(["key b"]);
});
