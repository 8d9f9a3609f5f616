import { expect, test } from "bun:test";
import { NEVER_MS } from "../../src/core/routing/cooldown.ts";
import type { RouterEvent } from "../../src/core/routing/events.ts";
import { routerLine } from "../../src/demo/story.ts";
import { attemptOf, cooldownOf, cooldownStarted, finished, recordOf } from "../store/samples.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const LANE = "lane aaaaaaaaaaaa demo/m";

test.each<[event: RouterEvent, line: string | undefined]>([
  [cooldownStarted(cooldownOf("key aaaaaaaaaaaa", NOW)), "key work cools down for 1 h: plan limit used up"],
  [
    cooldownStarted(cooldownOf("key aaaaaaaaaaaa", NOW, { kind: "auth", untilMs: NEVER_MS })),
    "key work cools down until it changes: invalid key",
  ],
  [
    cooldownStarted(cooldownOf(LANE, NOW, { scope: "lane", kind: "subscription", untilMs: NOW + MINUTE })),
    "key work cools down for 1 m on m: not in the plan",
  ],
  [
    cooldownStarted(
      cooldownOf("model demo/m", NOW, { scope: "model", kind: "silent", untilMs: NOW + MINUTE }),
    ),
    "m cools down for 1 m: stayed silent",
  ],
  [
    cooldownStarted(
      cooldownOf("provider demo", NOW, { scope: "provider", kind: "forbidden", untilMs: NOW + MINUTE }),
    ),
    "all of demo cools down for 1 m: not allowed",
  ],
  // A failure that is counted, without a cooldown.
  [cooldownStarted(cooldownOf("model demo/m", NOW, { untilMs: 0 })), undefined],
  [finished(recordOf("r", NOW, { served: "demo/m" })), "answered by m with key work"],
  [
    finished(recordOf("r", NOW, { served: "demo/m", attempts: [attemptOf(NOW), attemptOf(NOW)] })),
    "answered by m with key work, on attempt 2",
  ],
  [finished(recordOf("r", NOW, { outcome: "broken" })), "the answer broke off: opencode will retry"],
  [finished(recordOf("r", NOW, { outcome: "exhausted" })), undefined],
  [{ kind: "cleared", id: LANE }, undefined],
])("%j is told in words", (event, line) => {
  expect(routerLine(event, NOW)).toBe(line);
});
