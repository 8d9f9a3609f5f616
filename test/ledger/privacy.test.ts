import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import { tempFolder } from "../config/temp-folder.ts";
import {
  attemptOf,
  cooldownOf,
  cooldownStarted,
  finished,
  flush,
  note,
  recordOf,
  stateOptions,
} from "../store/samples.ts";

const SAID = "no access for you, Mr Smith";

test("without a ledger nothing of a request is kept, and cooldowns still are", async () => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db"), { keepsRequests: false }));
  note(state, finished(recordOf("r1", Date.now())));
  note(state, cooldownStarted(cooldownOf("key a", Date.now())));
  await flush(state);
  expect(state.ledger.requests({ limit: 9 })).toEqual([]);
  expect(await state.store.cooldowns.all()).toHaveLength(1);
  await state.close();
});

test("without heads no words of a provider are kept, neither of a request nor of a cooldown", async () => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db"), { keepsHeads: false }));
  const attempts = [attemptOf(Date.now(), { status: 403, verdict: "forbidden", message: SAID })];
  note(state, finished(recordOf("r1", Date.now(), { attempts })));
  note(state, cooldownStarted(cooldownOf("key a", Date.now(), { message: SAID })));
  await flush(state);
  const [entry] = state.ledger.requests({ limit: 1 });
  expect(entry?.attempts).toMatchObject([{ status: 403, verdict: "forbidden", message: "" }]);
  expect(await state.store.cooldowns.all()).toMatchObject([{ kind: "quota", message: "" }]);
  await state.close();
});
