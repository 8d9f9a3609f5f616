import { expect, test } from "bun:test";
import type { RouterEvent } from "../../src/core/routing/events.ts";
import { ownWords } from "../../src/core/scrub.ts";
import { verdictWords } from "../../src/core/verdict/verdict.ts";
import { backNotices, calmToasts, noticeOf, type Toast } from "../../src/harness/plugin/notices.ts";
import { newsIn } from "../../src/harness/plugin/router-client.ts";
import { controlState, cooldownFor, keyOf } from "./control-samples.ts";

function noticeFor(event: RouterEvent) {
  const news = newsIn(JSON.stringify(event));
  return news === undefined ? undefined : noticeOf(news);
}

function calmRig() {
  let nowMs = 0;
  const shown: (Toast & { atMs: number })[] = [];
  let timers: { atMs: number; call: () => void }[] = [];
  const tell = calmToasts({
    show: (toast) => shown.push({ ...toast, atMs: nowMs }),
    nowMs: () => nowMs,
    after: (ms, call) => timers.push({ atMs: nowMs + ms, call }),
  });
  return {
    shown,
    hear: (event: RouterEvent) => {
      const notice = noticeFor(event);
      if (notice !== undefined) tell(notice);
    },
    passTo: (ms: number) => {
      for (const { atMs, call } of timers
        .filter((timer) => timer.atMs <= ms)
        .toSorted((a, b) => a.atMs - b.atMs)) {
        nowMs = atMs;
        call();
      }
      timers = timers.filter((timer) => timer.atMs > ms);
      nowMs = ms;
    },
  };
}

const rotated = (from: string, to: string): RouterEvent => ({
  kind: "rotated",
  provider: "a",
  from,
  to,
  why: "rate-limit",
  model: "a/vendor/big",
});

test("a held request, and a quota that is nearly used up, have toasts of their own", () => {
  const times = { sinceMs: 1_000, untilMs: 7_201_000 };
  const lane = { model: "a/vendor/big", key: "work", fingerprint: "f", why: "quota" } as const;
  const wait = { id: "r1", session: null, asked: "orouter/coding", ...lane, ...times, isHold: true };
  const held = noticeFor({ kind: "waiting", wait });
  expect(held).toMatchObject({ kind: "waiting", title: "All keys are used up" });
  expect(held?.message).toMatch(
    /^The request for big waits for the reset of work and continues at .*\d\d:\d\d\. Esc ends it\.$/,
  );
  const warning = { id: "w", provider: "a", fingerprint: "f", window: "week" };
  const nearly = { ...warning, kind: "nearly used up", text: "week: 81 % used, resets Mon 02:00" } as const;
  expect(noticeFor({ kind: "quota-warning", keyName: "work", warning: nearly })).toMatchObject({
    title: "Quota nearly used up",
    message: "work: week: 81 % used, resets Mon 02:00.",
  });
  const dry = { ...warning, kind: "runs dry", text: "5 h: dry at 15:40, 2 h before the reset" } as const;
  expect(noticeFor({ kind: "quota-warning", keyName: "work", warning: dry })?.title).toBe("Quota runs dry");
});

test("a key change is shown with the old key, the reason and the new key", () => {
  const rig = calmRig();
  rig.hear(rotated("work", "home"));
  rig.passTo(60_000);
  expect(rig.shown).toMatchObject([{ title: "Key changed", variant: "info" }]);
  expect(rig.shown[0]?.message).toBe(`work: ${verdictWords("rate-limit")}. Now using home for big.`);
});

test.each<[name: string, to: string, expected: string]>([
  ["of the same provider", "a/small", "Now using small."],
  ["of another provider, which may call it nearly the same", "b/big", "Now using big of b."],
])("the fallback model is named: one %s", (_name, to, expected) => {
  const notice = noticeFor({ kind: "fell-back", from: "a/big", to, why: "overloaded" });
  expect(notice?.message).toBe(`big: ${verdictWords("overloaded")}. ${expected}`);
});

test("twenty changes within a second make two toasts, and the last one names the key in use", () => {
  const rig = calmRig();
  for (let nth = 0; nth < 20; nth++) {
    rig.hear(rotated(`key-${nth}`, `key-${nth + 1}`));
    rig.passTo((nth + 1) * 50);
  }
  rig.passTo(120_000);
  expect(rig.shown).toHaveLength(2);
  expect(rig.shown[1]?.message).toContain("now using key-20");
});

test("repeats are suppressed: a prompt and its title cause the same change", () => {
  const rig = calmRig();
  rig.hear(rotated("work", "home"));
  rig.passTo(1000);
  rig.hear(rotated("work", "home"));
  rig.passTo(20_000);
  expect(rig.shown).toHaveLength(1);
  rig.passTo(40_000);
  rig.hear(rotated("work", "home"));
  rig.passTo(60_000);
  expect(rig.shown).toHaveLength(2);
});

test("a toast stays long enough to be read before the next takes its place", () => {
  const rig = calmRig();
  rig.hear(rotated("work", "home"));
  rig.passTo(1000);
  rig.hear(rotated("home", "spare"));
  rig.passTo(60_000);
  const [first, second] = rig.shown;
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(3000);
});

test("changes of one burst share a toast, the worst first and in its colour", () => {
  const rig = calmRig();
  rig.hear(rotated("work", "home"));
  rig.hear({ kind: "fell-back", from: "a/big", to: "b/small", why: "overloaded" });
  rig.hear({
    kind: "exhausted",
    headline: "ALL KEYS EXHAUSTED!",
    exhaustion: { atMs: 0, asked: "orouter/coding", keys: [], unasked: [], otherModels: [] },
  });
  rig.passTo(60_000);
  expect(rig.shown).toHaveLength(1);
  expect(rig.shown[0]?.variant).toBe("error");
  expect(rig.shown[0]?.message.split("\n")).toEqual([
    "No key can answer for coding. No key will recover on its own.",
    `big: ${verdictWords("overloaded")}. Now using small of b.`,
    `work: ${verdictWords("rate-limit")}. Now using home for big.`,
  ]);
});

test.each<[name: string, event: RouterEvent]>([
  [
    "a key that was switched by hand",
    { kind: "key-changed", fingerprint: "f", keyName: "k", enabled: false },
  ],
  ["a cooldown that was ended by hand", { kind: "cleared", id: "key f" }],
  ["settings that are in force", { kind: "settings-taken" }],
])("no toast for %s", (_name, event) => {
  expect(noticeFor(event)).toBeUndefined();
});

test("a key is back when its cooldown is gone", () => {
  const keys = [keyOf("work"), keyOf("home"), { ...keyOf("off"), enabled: false }];
  const cooldowns = [
    cooldownFor("work", "a/big"),
    cooldownFor("home"),
    cooldownFor("off"),
    cooldownFor(undefined, "a/big"),
  ];
  const before = controlState({ keys, cooldowns });
  const after = controlState({ keys, cooldowns: [cooldowns[1]].flatMap((rest) => rest ?? []) });
  // A disabled key and a model are not keys that are ready again.
  expect(backNotices(before, after).map(({ message }) => message)).toEqual([
    "work for big: the cooldown is over.",
  ]);
  expect(backNotices(undefined, after)).toEqual([]);
});

const TIRED = {
  keyName: "work",
  fingerprint: "a",
  model: "a/m",
  host: "a.example",
  wasAsked: true,
  status: 403,
  kind: "subscription",
  message: ownWords(""),
  freeAtMs: 3_600_000,
} as const;

test.each<[headline: string, isEndDeclared: boolean, title: string, start: string, end: string]>([
  ["ALL KEYS EXHAUSTED!", true, "All keys exhausted", "No key can answer for m.", "is free again at"],
  ["ALL KEYS EXHAUSTED!", false, "All keys exhausted", "No key can answer for m.", "is asked again at"],
  [
    "Cannot reach a.example: name lookup failed",
    false,
    "Request failed",
    "Cannot reach a.example",
    "is asked again at",
  ],
])("a failure with the headline %p is told as what it is", (headline, isEndDeclared, title, start, end) => {
  const rig = calmRig();
  const keys = [{ ...TIRED, isEndDeclared }];
  const exhaustion = { atMs: 0, asked: "a/m", keys, unasked: [], otherModels: [] };
  rig.hear({ kind: "exhausted", headline, exhaustion });
  rig.passTo(60_000);
  const [toast] = rig.shown;
  expect(toast?.title).toBe(title);
  expect(toast?.message).toStartWith(start);
  expect(toast?.message).toContain(end);
});
