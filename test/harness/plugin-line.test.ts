import { expect, test } from "bun:test";
import { lineRoom } from "../../src/harness/plugin/host1.ts";
import type { RouterState } from "../../src/harness/plugin/router-client.ts";
import { holdTitle, keySection, statusLine } from "../../src/harness/plugin/words.ts";
import { controlState, cooldownFor, keyOf, NOW_MS } from "./control-samples.ts";

const MODEL = "nvidia/openai/gpt-oss-120b";
const LAST = { atMs: NOW_MS, model: MODEL, key: "work" };

const lineFor = (state: RouterState | undefined, room = 60, session?: string): string =>
  statusLine(state, { session, room, nowMs: NOW_MS });

test("between requests the line names the last lane and the next end of a cooldown", () => {
  expect(lineFor(undefined)).toBe("");
  expect(lineFor(controlState({ last: LAST }))).toBe("work · gpt-oss-120b");
  const cooling = lineFor(controlState({ last: LAST, cooldowns: [cooldownFor("work")] }));
  expect(cooling).toMatch(/^work · gpt-oss-120b · cooldown ends \d\d:\d\d$/);
  const gone = { ...cooldownFor("gone"), key: null };
  expect(lineFor(controlState({ last: LAST, cooldowns: [gone] }))).toBe("work · gpt-oss-120b");
});

type Answer = RouterState["answers"][number];
const ANSWER: Answer = {
  session: "ses_1",
  model: "ollama-cloud/gpt-oss:120b",
  key: "home",
  sinceMs: NOW_MS - 23_000,
  phase: "waiting",
};

test.each<[phase: string, answer: Partial<Answer>, expected: string]>([
  ["no token has come yet", {}, "home · gpt-oss:120b · waiting 23 s"],
  ["the model thinks", { phase: "thinking" }, "home · gpt-oss:120b · thinking 23 s"],
  ["text arrives", { phase: "text", chars: 40 }, "home · gpt-oss:120b · answering 23 s"],
  [
    "a call is written",
    { phase: "call", tool: "edit", chars: 3249 },
    "home · gpt-oss:120b · writing edit, 3.2k characters",
  ],
  [
    "a call without a name yet",
    { phase: "call", tool: null, chars: 0 },
    "home · gpt-oss:120b · writing a call, 0 characters",
  ],
])("during a request the line shows the lane in use: %s", (_phase, answer, expected) => {
  const state = controlState({ last: LAST, answers: [{ ...ANSWER, ...answer }] });
  expect(lineFor(state, 60, "ses_1")).toBe(expected);
});

test("the line shows the oldest request of the open session", () => {
  const other = { ...ANSWER, session: "ses_2", key: "spare", sinceMs: NOW_MS - 60_000 };
  const later = { ...ANSWER, key: "work", sinceMs: NOW_MS - 1000 };
  const state = controlState({ last: LAST, answers: [other, later, ANSWER] });
  expect(lineFor(state, 60, "ses_1")).toBe("home · gpt-oss:120b · waiting 23 s");
  expect(lineFor(state, 60, "ses_3")).toBe("work · gpt-oss-120b");
});

test.each<[ms: number, expected: RegExp]>([
  [5000, /^work · gpt-oss-120b · waiting 5 s$/],
  [900_000, /^work · gpt-oss-120b · waiting 5 s, until \d\d:\d\d$/],
])("a request without a lane shows how long it waits, and the end of a long wait: %i ms", (ms, expected) => {
  const times = { sinceMs: NOW_MS - 5000, untilMs: NOW_MS + ms };
  const wait = { session: null, model: MODEL, key: "work", ...times, isHold: false };
  expect(lineFor(controlState({ waits: [wait] }))).toMatch(expected);
});

test("a held request shows when it goes on, in the line and in the terminal's title", () => {
  const times = { sinceMs: NOW_MS - 5000, untilMs: NOW_MS + 7_200_000 };
  const state = controlState({
    waits: [{ session: null, model: MODEL, key: "work", ...times, isHold: true }],
  });
  expect(lineFor(state)).toMatch(/^work · gpt-oss-120b · held until \d\d:\d\d$/);
  expect(holdTitle(state)).toMatch(/^waiting until \d\d:\d\d$/);
  expect(holdTitle(controlState({}))).toBeUndefined();
});

function quotaFor(
  name: string,
  usedShare: number,
  dryAt: number | null = null,
): RouterState["quotas"][number] {
  const { provider, fingerprint } = keyOf(name);
  const shown = { forecast: null, blocking: true, text: "", resetsAt: NOW_MS + 7_200_000 };
  return { provider, fingerprint, window: "week", usedShare, dryAt, ...shown };
}

test("the line and the sidebar show the window that stops a key first", () => {
  const keys = [keyOf("work"), keyOf("home"), keyOf("spare")];
  const quotas = [
    quotaFor("work", 0.3),
    { ...quotaFor("work", 0.825), window: "5 h" },
    quotaFor("home", 0.5, NOW_MS + 3_600_000),
  ];
  const state = controlState({ keys, quotas, last: { atMs: NOW_MS, model: "a/gpt-oss-120b", key: "work" } });
  expect(lineFor(state)).toBe("work · gpt-oss-120b · 5 h 82 %");
  const rows = keySection(state).rows.map(({ name, status, tone }) => [name, status, tone]);
  expect(rows[0]).toEqual(["work", "5 h 82 % used", "warning"]);
  expect(rows[1]?.[1]).toMatch(/^week 50 % used, dry \d\d:\d\d$/);
  expect(rows[2]).toEqual(["spare", "ready", "success"]);
});

test.each<[place: "home" | "session", columns: number, expected: RegExp]>([
  ["session", 80, /^work · cooldown ends \d\d:\d\d$/],
  ["session", 100, /^work · gpt-oss-120b · cooldown ends \d\d:\d\d$/],
  // The sidebar is open.
  ["session", 121, /^work · cooldown ends \d\d:\d\d$/],
  ["session", 126, /^work · gpt-oss-… · cooldown ends \d\d:\d\d$/],
  ["home", 200, /^work · cooldown ends \d\d:\d\d$/],
])("opencode 1: the line fits beside opencode's words, in a %s of %i columns", (place, columns, expected) => {
  const state = controlState({ last: LAST, cooldowns: [cooldownFor("work")] });
  expect(lineFor(state, lineRoom(place, columns))).toMatch(expected);
});

test("the sidebar lists each key with its state", () => {
  const keys = [
    { ...keyOf("work"), inFlight: 1 },
    keyOf("home"),
    { ...keyOf("off"), state: "disabled" as const, enabled: false },
    { ...keyOf("old"), state: "dead" as const, why: "auth" as const },
    { ...keyOf("tired"), state: "cooling-down" as const, untilMs: NOW_MS + 60_000 },
  ];
  const { summary, rows, more } = keySection(
    controlState({ keys, cooldowns: [cooldownFor("home", "a/big")] }),
  );
  expect([summary, more]).toEqual(["2 of 5 ready", ""]);
  expect(rows.map(({ name, status, tone }) => [name, status.replace(/\d\d:\d\d/, "…"), tone])).toEqual([
    ["work", "in use", "success"],
    ["home", "1 model in cooldown", "warning"],
    ["off", "off", "muted"],
    ["old", "dead", "error"],
    ["tired", "cooldown until …", "warning"],
  ]);
});

test("of many keys the sidebar shows those first that cannot be used, with their providers where there are several", () => {
  const keys = Array.from({ length: 12 }, (_, at) => ({
    ...keyOf(`key-${at}`),
    provider: at < 6 ? "a" : "b",
    ...(at === 11 ? { state: "dead" as const } : {}),
  }));
  const { rows, more } = keySection(controlState({ keys }));
  expect(rows.map(({ name }) => name).slice(0, 2)).toEqual(["b/key-11", "a/key-0"]);
  expect([rows.length, more]).toEqual([8, "and 4 more"]);
});
