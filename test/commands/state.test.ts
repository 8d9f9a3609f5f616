import { expect, test } from "bun:test";
import { attachState, openState, type State } from "../../src/commands/state.ts";
import { defaultSettings } from "../../src/core/settings/settings.ts";
import { Router } from "../../src/proxy/router.ts";
import { tempFolder } from "../config/temp-folder.ts";
import {
  cooldownOf,
  cooldownStarted,
  finished,
  flush,
  note,
  recordOf,
  stateOptions,
  until,
} from "../store/samples.ts";

function newRouter(): Router {
  return new Router({
    providers: new Map(),
    keys: [],
    knownModels: [],
    policy: defaultSettings().routing,
    quota: defaultSettings().quota,
    env: { now: Date.now, random: () => 0.5 },
  });
}

function healthOf(router: Router): string[] {
  return [...router.cooldowns.keys()].toSorted();
}

async function storedIn(file: string): Promise<string[]> {
  const state = await openState(stateOptions(file));
  const ids = (await state.store.cooldowns.all()).map((rest) => rest.id);
  await state.close();
  return ids.toSorted();
}

/** Puts a cooldown into a router as a failure would: stored and announced. */
function rest(router: Router, id: string, sinceMs = Date.now()): void {
  const one = cooldownOf(id, sinceMs);
  router.learn([one], []);
  router.emit(cooldownStarted(one));
}

test("a router begins with what earlier runs have learned", async () => {
  using folder = tempFolder();
  const earlier = await openState(stateOptions(folder.in("state.db")));
  note(earlier, cooldownStarted(cooldownOf("key a", Date.now())));
  await earlier.close();
  const state = await openState(stateOptions(folder.in("state.db")));
  const router = newRouter();
  const detach = await attachState(router, state);
  expect(healthOf(router)).toEqual(["key a"]);
  detach();
  await state.close();
});

test("what a router learned before the store was open is kept, and the younger of two holds", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const now = Date.now();
  const earlier = await openState(stateOptions(file));
  note(earlier, cooldownStarted(cooldownOf("key a", now - 2000, { message: "stored" })));
  note(earlier, cooldownStarted(cooldownOf("key b", now - 1000, { message: "stored" })));
  await earlier.close();
  const router = newRouter();
  router.learn(
    [
      cooldownOf("key a", now - 1000, { message: "ours" }),
      cooldownOf("key b", now - 2000, { message: "ours" }),
      cooldownOf("key c", now, { message: "ours" }),
    ],
    [],
  );
  const state = await openState(stateOptions(file));
  (await attachState(router, state))();
  await state.close();
  const next = await openState(stateOptions(file));
  const expected = [
    ["key a", "ours"],
    ["key b", "stored"],
    ["key c", "ours"],
  ];
  const messages = (rests: Iterable<{ id: string; message: string }>): string[][] =>
    [...rests].map(({ id, message }) => [id, message]).toSorted();
  expect(messages(router.cooldowns.values())).toEqual(expected);
  expect(messages(await next.store.cooldowns.all())).toEqual(expected);
  await next.close();
});

test("two routers know of each other's rests, and of their end", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const [here, there] = [newRouter(), newRouter()];
  const states: State[] = [];
  for (const router of [here, there]) {
    const state = await openState(stateOptions(file));
    await attachState(router, state);
    states.push(state);
  }
  rest(here, "key a");
  await until(() => there.cooldowns.has("key a"));
  there.reset();
  await until(() => !here.cooldowns.has("key a"));
  for (const state of states) await state.close();
  expect(await storedIn(file)).toEqual([]);
});

test("finished requests go into the ledger", async () => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db")));
  const router = newRouter();
  await attachState(router, state);
  router.emit(finished(recordOf("r1", Date.now())));
  expect(state.ledger.requests({ limit: 10 }).map((record) => record.id)).toEqual(["r1"]);
  await state.close();
});

test("once parted, neither hears of the other", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const [parted, joined] = [newRouter(), newRouter()];
  const state = await openState(stateOptions(file));
  (await attachState(parted, state))();
  const other = await openState(stateOptions(file));
  const third = await openState(stateOptions(file));
  await attachState(joined, third);
  rest(parted, "key a");
  note(other, cooldownStarted(cooldownOf("key b", Date.now())));
  await flush(other);
  // When the connected one has heard of it, the disconnected one would have, too.
  await until(() => joined.cooldowns.has("key b"));
  expect(healthOf(parted)).toEqual(["key a"]);
  for (const one of [state, other, third]) await one.close();
  expect(await storedIn(file)).toEqual(["key b"]);
});
