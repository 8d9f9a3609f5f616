import { expect, test } from "bun:test";
import type { ImportedKey } from "../../../src/core/imports/export.ts";
import {
  planImport,
  type StandingKey,
  settingOffers,
  withImported,
} from "../../../src/core/imports/plan-import.ts";
import { fingerprint } from "../../../src/core/key.ts";
import { parseSettings } from "../../../src/core/settings/settings.ts";

function key(secret: string, name?: string, provider = "nvidia"): ImportedKey {
  return { provider, name, enabled: true, place: { kind: "value", secret } };
}

function standing(secret: string, name: string, provider = "nvidia"): StandingKey {
  return { provider, name, place: { kind: "value", secret }, fingerprint: fingerprint(secret) };
}

const names = (keys: readonly { provider: string; name: string }[]) =>
  keys.map(({ provider, name }) => `${provider}/${name}`);

test("the same secret counts once for a provider, and what is there is not taken again", () => {
  const plan = planImport(
    [key("a"), key("a", "again"), key("b"), key("a", "other", "groq")],
    [standing("b", "mine")],
  );
  expect(names(plan.fresh)).toEqual(["nvidia/key-1", "groq/other"]);
  expect(names(plan.twice)).toEqual(["nvidia/key-1"]);
  expect(names(plan.known)).toEqual(["nvidia/mine"]);
});

test("a variable is the same key as long as its name is, and so is what it holds", () => {
  const variable: StandingKey = {
    provider: "nvidia",
    name: "env",
    place: { kind: "env", variable: "A" },
    fingerprint: fingerprint("a"),
  };
  const again: ImportedKey = { ...key(""), place: { kind: "env", variable: "A" } };
  const plan = planImport([again, key("a")], [variable]);
  expect(plan.fresh).toEqual([]);
  expect(names(plan.known)).toEqual(["nvidia/env"]);
});

test.each<[wish: string | undefined, name: string]>([
  ["work key", "work-key"],
  ["work", "work-2"],
  ["  (x) ", "x-"],
  ["…", "key-1"],
  [undefined, "key-1"],
  ["x".repeat(90), "x".repeat(60)],
])("a key that was called %p is called %p", (wish, name) => {
  expect(planImport([key("a", wish)], [standing("b", "work")]).fresh[0]?.name).toBe(name);
});

function settingsOf(file: Record<string, unknown>) {
  const parsed = parseSettings(file);
  if ("faults" in parsed) throw new Error(`the settings of this test are wrong: ${parsed.faults[0]?.what}`);
  return parsed.settings;
}

test("two tools that disagree do not take turns: the first one's value stays when it is taken over again", () => {
  const parsed = parseSettings({ routing: { fail_window: "2h" } });
  if (!("settings" in parsed)) throw new Error("the settings are fine");
  expect(settingOffers([{ failWindowMs: 7_200_000 }, { failWindowMs: 3_600_000 }], parsed.settings)).toEqual(
    [],
  );
});

test("only settings that would change something are offered, each once", () => {
  const file = { routing: { strategy: "random", fail_window: "2h" }, chains: { nim: ["nvidia/x"] } };
  const offers = settingOffers(
    [
      { strategy: "round-robin", failWindowMs: 7_200_000, triesPerKey: 1 },
      { strategy: "least-failures", rateLimitThreshold: 5, chain: ["nvidia/y", "nvidia/z"] },
      { chain: ["nvidia/x"] },
    ],
    settingsOf(file),
  );
  expect(offers).toEqual([
    { path: ["routing", "strategy"], value: "round-robin", now: "random" },
    { path: ["routing", "rate_limit_threshold"], value: 5, now: 3 },
    { path: ["chains", "nim-2"], value: ["nvidia/y", "nvidia/z"], now: undefined },
  ]);
  const changed = withImported(file, offers, [{ id: "own", baseUrl: "http://127.0.0.1:1/v1" }]);
  expect(changed).toEqual({
    routing: { strategy: "round-robin", fail_window: "2h", rate_limit_threshold: 5 },
    chains: { nim: ["nvidia/x"], "nim-2": ["nvidia/y", "nvidia/z"] },
    providers: { own: { base_url: "http://127.0.0.1:1/v1" } },
  });
  expect("settings" in parseSettings(changed)).toBe(true);
});
