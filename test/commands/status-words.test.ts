import { expect, test } from "bun:test";
import fc from "fast-check";
import { PLAIN_PAINT } from "../../src/cli/colour.ts";
import { countText, spanText } from "../../src/commands/logs/log-text.ts";
import { type SnapshotParts, snapshotOf } from "../../src/commands/status/snapshot.ts";
import { fitSections, type Section, statusText } from "../../src/commands/status/status-text.ts";
import { fingerprint, type Key } from "../../src/core/key.ts";
import { type Cooldown, NEVER_MS } from "../../src/core/routing/cooldown.ts";
import { parseSettings } from "../../src/core/settings/settings.ts";
import { cooldownOf, recordOf } from "../store/samples.ts";

const NOW = new Date(2026, 10, 21, 14, 5, 9).getTime();
const HOUR = 3_600_000;
const A = fingerprint("secret-a");
const B = fingerprint("secret-b");

function keyOf(name: string, secret: string, parts: Partial<Key> = {}): Key {
  return {
    provider: "ollama-cloud",
    name,
    secret,
    fingerprint: fingerprint(secret),
    enabled: true,
    source: "environment",
    from: name,
    ...parts,
  };
}

const KEYS = [keyOf("a", "secret-a"), keyOf("b", "secret-b")];

function snapshot(cooldowns: Cooldown[], parts: Partial<SnapshotParts> & { keys?: Key[] } = {}) {
  const parsed = parseSettings({ chains: { coding: ["ollama-cloud/m", "groq/n"] } });
  if ("faults" in parsed) throw new Error("the settings of this test are wrong");
  const paths = { keysFile: "keys.toml" } as SnapshotParts["context"]["paths"];
  const context = { settings: parsed.settings, entries: [], keys: parts.keys ?? KEYS, paths };
  return snapshotOf({
    context,
    runs: [],
    cooldowns,
    usage: [],
    quotas: [],
    benches: [],
    requests: [],
    nowMs: NOW,
    ...parts,
  });
}

const lane = (print: string, untilMs: number) =>
  cooldownOf(`lane ${print} ollama-cloud/m`, NOW, { scope: "lane", kind: "subscription", untilMs });

test.each<[name: string, cooldowns: Cooldown[], keyState: string, modelState: string]>([
  ["nothing", [], "ready", "ready with 2 of 2 keys"],
  ["a rest that is over", [cooldownOf(`key ${A}`, NOW - 2 * HOUR)], "ready", "ready with 2 of 2 keys"],
  [
    "a key's rest",
    [cooldownOf(`key ${A}`, NOW)],
    "cooling down until 15:05: plan limit used up",
    "ready with 1 of 2 keys",
  ],
  ["a lane's rest", [lane(A, NOW + HOUR)], "ready", "ready with 1 of 2 keys"],
  [
    "rests of all lanes, the first end of them",
    [lane(A, NOW + 2 * HOUR), lane(B, NOW + HOUR)],
    "ready",
    "cooling down until 15:05: not in the plan",
  ],
  [
    "a provider's rest",
    [cooldownOf("provider ollama-cloud", NOW, { scope: "provider", kind: "forbidden" })],
    "cooling down until 15:05: not allowed",
    "cooling down until 15:05: not allowed",
  ],
  [
    "a dead key",
    [cooldownOf(`key ${A}`, NOW, { kind: "auth", untilMs: NEVER_MS })],
    "dead: invalid key",
    "ready with 1 of 2 keys",
  ],
])("the state shows %s", (_name, cooldowns, keyState, modelState) => {
  const lines = statusText(snapshot(cooldowns), { width: 140, height: 99, paint: PLAIN_PAINT }).split("\n");
  const lineOf = (word: string) => lines.find((line) => line.startsWith(word));
  expect(lineOf("ollama-cloud/a ")).toContain(`  ${keyState}  `);
  expect(lineOf("coding ")).toMatch(new RegExp(`ollama-cloud/m +${modelState}$`));
  expect(lines.some((line) => /^ +groq\/n +no key$/.test(line))).toBe(true);
});

test("cooldowns are listed, the first to end in front", () => {
  const dead = cooldownOf(`key ${B}`, NOW, { kind: "auth", untilMs: NEVER_MS });
  const gone = cooldownOf(`key ${fingerprint("gone")}`, NOW, { untilMs: NOW + 90_000 });
  const { cooldowns } = snapshot([dead, lane(A, NOW + HOUR), gone]);
  expect(cooldowns.map(({ key, model }) => [key, model])).toEqual([
    [`${fingerprint("gone").slice(0, 5)}…`, undefined],
    ["ollama-cloud/a", "ollama-cloud/m"],
    ["ollama-cloud/b", undefined],
  ]);
});

test("of two providers' keys with one secret a lane's model says which is meant", () => {
  const keys = [keyOf("first", "secret-a", { provider: "groq" }), keyOf("second", "secret-a")];
  expect(snapshot([lane(A, NOW + HOUR)], { keys }).cooldowns[0]?.key).toBe("ollama-cloud/second");
});

test("no status is wider or higher than the room it has", () => {
  const cooldowns = [lane(A, NOW + HOUR), lane(B, NOW + HOUR), cooldownOf(`key ${A}`, NOW)];
  const requests = Array.from({ length: 30 }, (_, seq) => ({
    ...recordOf(`r${seq}`, NOW - seq * 1000, { asked: `ollama-cloud/${"long-".repeat(9)}日本` }),
    seq,
  }));
  const full = snapshot(cooldowns, { requests });
  fc.assert(
    fc.property(fc.integer({ min: 80, max: 200 }), fc.integer({ min: 1, max: 60 }), (width, height) => {
      const lines = statusText(full, { width, height, paint: PLAIN_PAINT, note: "q quits" }).split("\n");
      expect(lines.length).toBeLessThanOrEqual(height);
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
    }),
  );
});

const section = (head: string, rows: number): Section => ({
  head: [head],
  rows: Array.from({ length: rows }, (_, at) => `${head}${at}`),
});

test.each<[name: string, sections: Section[], lines: number, expected: string[]]>([
  ["all of it where there is room", [section("a", 2), section("b", 1)], 9, ["a", "a0", "a1", "", "b", "b0"]],
  [
    "everyone the same, the rest to who needs more",
    [section("a", 9), section("b", 1)],
    7,
    ["a", "a0", "a1", "… and 7 more", "", "b", "b0"],
  ],
  ["only a count where one line is left", [section("a", 3)], 2, ["a", "… 3 in all"]],
  ["no count of what has no end", [{ ...section("a", 3), isOpenEnded: true }], 3, ["a", "a0", "a1"]],
  ["the first heads where not even those fit", [section("a", 3), section("b", 3)], 2, ["a", ""]],
])("sections get %s", (_name, sections, lines, expected) => {
  expect(fitSections(sections, lines)).toEqual(expected);
});

test("what fits is shown whole", () => {
  const counts = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(counts, (rows) => {
      const sections = rows.map((count, at) => section("abcde"[at] ?? "", count));
      const needed = rows.reduce((sum, count) => sum + count + 2, -1);
      expect(fitSections(sections, needed)).toEqual(fitSections(sections, Number.MAX_SAFE_INTEGER));
    }),
  );
});

test.each<[ms: number, text: string]>([
  [0, "0 ms"],
  [999, "999 ms"],
  [1000, "1.0 s"],
  [12_345, "12.3 s"],
  [59_949, "59.9 s"],
  [59_960, "1 m"],
  [185_000, "3 m 5 s"],
])("a span of %d ms is %s", (ms, text) => {
  expect(spanText(ms)).toBe(text);
});

test.each<[count: number, text: string]>([
  [0, "0"],
  [999, "999"],
  [1000, "1.0k"],
  [1234, "1.2k"],
  [34_400, "34k"],
  [999_600, "1.0M"],
  [1_500_000, "1.5M"],
])("%d tokens are %s", (count, text) => {
  expect(countText(count)).toBe(text);
});
