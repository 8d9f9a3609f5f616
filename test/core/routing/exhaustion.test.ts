import { expect, test } from "bun:test";
import {
  type ExhaustedKey,
  type Exhaustion,
  exhaustionReport,
  exhaustionSummary,
} from "../../../src/core/routing/exhaustion.ts";
import { finalError } from "../../../src/core/routing/final-error.ts";

const AT = new Date(2026, 10, 21, 10, 53).getTime();
const REF = "719aa922-7fc8-49e7-a0d2-ee013279f741";

function keyWith(more: Partial<ExhaustedKey>): ExhaustedKey {
  return {
    keyName: "work",
    fingerprint: "10c44aa0b1",
    model: "ollama-cloud/glm-5.2",
    status: 403,
    kind: "subscription",
    message: `this model requires a subscription, upgrade for access (ref: ${REF})`,
    freeAtMs: undefined,
    ...more,
  };
}

const EXHAUSTION: Exhaustion = {
  atMs: AT,
  asked: "ollama-cloud/glm-5.2",
  keys: [
    keyWith({}),
    keyWith({ keyName: "home", fingerprint: "20d55bb1c2" }),
    keyWith({
      keyName: "spare",
      fingerprint: "30e66cc2d3",
      status: 429,
      kind: "quota",
      message: "you have reached your session usage limit",
      freeAtMs: new Date(2026, 10, 21, 14, 5).getTime(),
    }),
  ],
  otherModels: ["ollama-cloud/gpt-oss:120b"],
};

test("the report has the form that people know", () => {
  expect(exhaustionReport(EXHAUSTION)).toBe(`[orouter] ALL KEYS EXHAUSTED!
Summary: 3 keys failed.
2 no model access, 1 rate-limited, 0 other errors.
Reason: keys have no model access (subscription required)
Details:
  1. work (10c44…) - 403 on ollama-cloud/glm-5.2
     subscription_error: ref=${REF}
  2. home (20d55…) - 403 on ollama-cloud/glm-5.2
     subscription_error: ref=${REF}
  3. spare (30e66…) - 429 on ollama-cloud/glm-5.2
     quota: you have reached your session usage limit
Next: the first key is free again at 14:05 (in 3 h 12 m). Other models you could use now: ollama-cloud/gpt-oss:120b
`);
});

test("a key that failed on two models is one key", () => {
  const keys = [keyWith({}), keyWith({ model: "a/other", kind: "auth", status: 401, message: "" })];
  const report = exhaustionReport({ ...EXHAUSTION, keys, otherModels: [] });
  expect(report).toContain("Summary: 1 key failed.");
  expect(report).toContain("  2. work (10c44…) - 401 on a/other\n     auth\n");
  expect(report).toContain("Next: no key frees itself; add one with `orouter keys add`");
});

test("a call that brought no reply has no status to show", () => {
  const report = exhaustionReport({
    ...EXHAUSTION,
    keys: [keyWith({ status: 0, kind: "reset", message: "it broke" })],
  });
  expect(report).toContain("work (10c44…) - no answer on");
});

test("in opencode it has few lines, without a number that would be retried", () => {
  const many = Array.from({ length: 8 }, (_, nth) =>
    keyWith({ keyName: `key-429-${nth}`, fingerprint: `f${nth}` }),
  );
  const summary = exhaustionSummary({ ...EXHAUSTION, keys: many });
  expect(summary.split("\n").length).toBe(9);
  expect(summary).toContain("… and 2 more");
  const { message } = finalError(summary).error;
  expect(message).not.toMatch(/429|50[0234]/);
  expect(message).toStartWith("[orouter] ALL KEYS EXHAUSTED: keys have no model access");
});

test("where there was no key at all that is what it says", () => {
  expect(exhaustionReport({ ...EXHAUSTION, keys: [] })).toContain(
    "Reason: there is no key for ollama-cloud/glm-5.2",
  );
});
