import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import { type QuotaRecord, type Reading, withReading } from "../../src/core/quota/quota.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { stateOptions } from "./samples.ts";

const KEY = { provider: "acme", fingerprint: "aaaaaaaaaaaa" };
const NOW = Date.now();

function known(remaining: number, atMs: number, before?: QuotaRecord): QuotaRecord {
  const reading: Reading = {
    kind: "known",
    quotas: [{ window: "week", unit: "percent", remaining, blocking: true, pool: "account", exact: true }],
  };
  return withReading(before, KEY, reading, atMs);
}

test("a reading is kept between processes, with its trail", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const first = await openState(stateOptions(file));
  const before = known(80, NOW - 600_000);
  const record = known(70, NOW, before);
  first.store.quotas.set(before);
  first.store.quotas.set(record);
  expect(await first.store.quotas.all()).toEqual([record]);
  await first.close();
  const second = await openState(stateOptions(file));
  expect(await second.store.quotas.all()).toEqual([record]);
  await second.close();
});

test("of two readings the later holds, whichever was written last", async () => {
  using folder = tempFolder();
  const file = folder.in("state.db");
  const [one, other] = [await openState(stateOptions(file)), await openState(stateOptions(file))];
  one.store.quotas.set(known(50, NOW));
  await one.store.flush();
  other.store.quotas.set(known(60, NOW - 1_000));
  await other.store.flush();
  expect((await one.store.quotas.all()).map(({ atMs }) => atMs)).toEqual([NOW]);
  await Promise.all([one.close(), other.close()]);
});

test("words of a provider are kept without the secrets of this run", async () => {
  using folder = tempFolder();
  const secret = "sk-live-0123456789abcdefghij";
  const options = { ...stateOptions(folder.in("state.db")), secrets: [secret] };
  const state = await openState(options);
  const why = `the provider says: no such key ${secret}`;
  state.store.quotas.set(withReading(undefined, KEY, { kind: "unknown", why }, NOW));
  await state.close();
  const bytes = await Bun.file(folder.in("state.db")).text();
  expect(bytes).not.toContain(secret);
  expect(bytes).toContain("no such key");
});
