import { expect, test } from "bun:test";
import type { RouterEvent } from "../../src/core/routing/router-event.ts";
import { verdictWords } from "../../src/core/verdict/verdict-words.ts";
import { calmToasts, type Shown } from "../../src/harness/plugin/calm-toasts.ts";
import { backNotices, noticeOf } from "../../src/harness/plugin/notice.ts";
import { controlState, keyOf, restFor } from "./control-samples.ts";

/** Calm toasts with a clock that only moves when it is told to. */
function calmRig() {
  let nowMs = 0;
  const shown: (Shown & { atMs: number })[] = [];
  let timers: { atMs: number; call: () => void }[] = [];
  const tell = calmToasts({
    show: (toast) => shown.push({ ...toast, atMs: nowMs }),
    nowMs: () => nowMs,
    after: (ms, call) => timers.push({ atMs: nowMs + ms, call }),
  });
  return {
    shown,
    hear: (event: RouterEvent) => {
      const notice = noticeOf(event);
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

test("a change is told once, with who, why and to whom", () => {
  const rig = calmRig();
  rig.hear(rotated("work", "home"));
  rig.passTo(60_000);
  expect(rig.shown).toMatchObject([{ title: "Key changed", variant: "info" }]);
  expect(rig.shown[0]?.message).toBe(`work: ${verdictWords("rate-limit")}. Now on home, for big.`);
});

test.each<[name: string, to: string, expected: string]>([
  ["of the same provider", "a/small", "Now on small."],
  ["of another provider, which may call it nearly the same", "b/big", "Now on big of b."],
])("the model that answers in another's place is named: one %s", (_name, to, expected) => {
  const notice = noticeOf({ kind: "fell-back", from: "a/big", to, why: "overloaded" });
  expect(notice?.message).toBe(`big: ${verdictWords("overloaded")}. ${expected}`);
});

test("twenty changes within a second make two toasts, the last of which says what holds now", () => {
  const rig = calmRig();
  for (let nth = 0; nth < 20; nth++) {
    rig.hear(rotated(`key-${nth}`, `key-${nth + 1}`));
    rig.passTo((nth + 1) * 50);
  }
  rig.passTo(120_000);
  expect(rig.shown).toHaveLength(2);
  expect(rig.shown[1]?.message).toContain("now on key-20");
});

test("the same news twice, as a prompt and its title bring it, is one toast", () => {
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

test("what came together is told together, the worst first and in its colour", () => {
  const rig = calmRig();
  rig.hear(rotated("work", "home"));
  rig.hear({ kind: "fell-back", from: "a/big", to: "b/small", why: "overloaded" });
  rig.hear({
    kind: "exhausted",
    exhaustion: { atMs: 0, asked: "orouter/coding", keys: [], unasked: [], otherModels: [] },
  });
  rig.passTo(60_000);
  expect(rig.shown).toHaveLength(1);
  expect(rig.shown[0]?.variant).toBe("error");
  expect(rig.shown[0]?.message.split("\n")).toEqual([
    "Nobody can answer for coding. No key frees itself.",
    `big: ${verdictWords("overloaded")}. Now on small of b.`,
    `work: ${verdictWords("rate-limit")}. Now on home, for big.`,
  ]);
});

test.each<[name: string, event: RouterEvent]>([
  [
    "a key that was switched by hand",
    { kind: "key-changed", fingerprint: "f", keyName: "k", enabled: false },
  ],
  ["the end of a rest by hand", { kind: "cleared", id: "key f" }],
  ["settings that are in force", { kind: "settings-taken" }],
])("%s is no news", (_name, event) => {
  expect(noticeOf(event)).toBeUndefined();
});

test("a key is back when its rest is no longer there", () => {
  const keys = [keyOf("work"), keyOf("home"), { ...keyOf("off"), enabled: false }];
  const rests = [restFor("work", "a/big"), restFor("home"), restFor("off"), restFor(undefined, "a/big")];
  const before = controlState({ keys, rests });
  const after = controlState({ keys, rests: [rests[1]].flatMap((rest) => rest ?? []) });
  // Neither a key that is off nor a model is a key that has come back.
  expect(backNotices(before, after).map(({ message }) => message)).toEqual([
    "work for big: the rest is over.",
  ]);
  expect(backNotices(undefined, after)).toEqual([]);
});
