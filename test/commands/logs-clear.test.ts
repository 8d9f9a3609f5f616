import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
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
import { tempMachine } from "./orouter.ts";

const SAID = "no access for you, Mr Smith";

async function machineWithLog(): Promise<ReturnType<typeof tempMachine>> {
  const machine = tempMachine();
  await machine.write("config.toml", "");
  const state = await openState(stateOptions(machine.file("state.db")));
  const attempts = [attemptOf(Date.now(), { verdict: "forbidden", message: SAID })];
  for (const id of ["r1", "r2"])
    note(state, finished(recordOf(id, Date.now(), { session: "smith", attempts })));
  note(state, cooldownStarted(cooldownOf("key a", Date.now(), { message: SAID })));
  await flush(state);
  await state.close();
  return machine;
}

/** Read by another process: reading the files here would drop the locks that SQLite holds on them. */
function bytesBeside(file: string): string {
  return Bun.spawnSync(["sh", "-c", `cat "${file}"*`]).stdout.toString("latin1");
}

test("logs clear erases every request, its bytes too, and keeps cooldowns without words", async () => {
  using machine = await machineWithLog();
  const file = machine.file("state.db");
  // A running orouter has the file open, too.
  const running = await openState(stateOptions(file));
  expect(bytesBeside(file)).toContain(SAID);
  const run = await machine.run(["logs", "clear", "--yes"]);
  expect([run.exitCode, run.stdout, run.stderr]).toEqual([
    0,
    "",
    expect.stringContaining("Erased 2 requests."),
  ]);
  const bytes = bytesBeside(file);
  for (const words of [SAID, "Mr Smith", "smith"]) expect(bytes).not.toContain(words);
  expect(running.ledger.requests({ limit: 9 })).toEqual([]);
  expect(await running.store.cooldowns.all()).toMatchObject([{ id: "key a", message: "" }]);
  note(running, finished(recordOf("r3", Date.now())));
  await flush(running);
  await running.close();
  expect((await machine.run(["logs", "--json"])).stdout).toContain('"id":"r3"');
});

test("without a terminal logs clear needs --yes, and changes nothing without it", async () => {
  using machine = await machineWithLog();
  const run = await machine.run(["logs", "clear"]);
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain("orouter logs clear --yes");
  expect((await machine.run(["logs", "--json"])).stdout.trim().split("\n")).toHaveLength(2);
});

test("where nothing was ever recorded, nothing is erased and no file is made", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", "[state]\nledger = false\n");
  const run = await machine.run(["logs", "clear", "--yes"]);
  expect([run.exitCode, run.stderr]).toEqual([0, expect.stringContaining("Erased 0 requests.")]);
  expect(await Bun.file(machine.file("state.db")).exists()).toBe(false);
  expect((await machine.run(["logs"])).stderr).toContain("[state] ledger = false");
});
