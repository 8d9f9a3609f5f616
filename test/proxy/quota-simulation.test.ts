import { beforeAll, expect, test } from "bun:test";
import type { Strategy } from "../../src/core/routing/session.ts";
import { type Result, simulateQuota, type World } from "./quota-simulation.ts";

/** Three to thirty accounts, and work for a good half to nearly all of what they could serve at most. */
const WORLDS: World[] = [
  { accounts: 3, seed: 11, demand: 0.6 },
  { accounts: 3, seed: 13, demand: 0.8 },
  { accounts: 5, seed: 14, demand: 0.6 },
  { accounts: 5, seed: 15, demand: 0.75 },
  { accounts: 8, seed: 22, demand: 0.8 },
  { accounts: 15, seed: 25, demand: 0.75 },
  { accounts: 30, seed: 32, demand: 0.4 },
];

const OTHERS = ["sticky", "round-robin", "least-failures"] as const satisfies Strategy[];

const auto: Result[] = [];
const beside = new Map<Strategy, Result[]>();

beforeAll(async () => {
  for (const world of WORLDS) auto.push(await simulateQuota(world, "auto", true));
  for (const strategy of OTHERS) {
    const results: Result[] = [];
    for (const world of WORLDS) results.push(await simulateQuota(world, strategy, false));
    beside.set(strategy, results);
  }
}, 120_000);

function shareOf(results: readonly Result[]): number {
  const sum = (of: (result: Result) => number): number => results.reduce((all, one) => all + of(one), 0);
  return sum(({ served }) => served) / sum(({ optimum }) => optimum);
}

test("of what could be served at most, 95 % is, and in no world less than 92 %", () => {
  expect(shareOf(auto)).toBeGreaterThanOrEqual(0.95);
  for (const result of auto) {
    expect(shareOf([result])).toBeGreaterThanOrEqual(0.92);
    // An optimum that can be beaten is none.
    expect(shareOf([result])).toBeLessThanOrEqual(1);
  }
});

test("no key is asked that a reading has shown to be spent", () => {
  expect(auto.map(({ callsToSpent }) => callsToSpent)).toEqual(WORLDS.map(() => 0));
  // The count counts: without readings keys are asked in vain far more often.
  const refused = (results: readonly Result[]): number =>
    results.reduce((sum, one) => sum + one.refusedCalls, 0);
  for (const strategy of OTHERS) expect(refused(beside.get(strategy) ?? [])).toBeGreaterThan(refused(auto));
});

test.each([...OTHERS])("%s serves less of the same requests", (strategy) => {
  const results = beside.get(strategy) ?? [];
  expect(results.map(({ asked, optimum }) => [asked, optimum])).toEqual(
    auto.map(({ asked, optimum }) => [asked, optimum]),
  );
  expect(shareOf(results)).toBeLessThan(shareOf(auto));
});
