import { expect, test } from "bun:test";
import { calmText } from "../../../src/core/client/opencode.ts";
import {
  type ExhaustedKey,
  type Exhaustion,
  exhaustionSummary,
  exhaustionReport as reportAt,
} from "../../../src/core/routing/exhaustion.ts";
import { ownWords, providerWords } from "../../../src/core/scrub.ts";
import { classifyFailure } from "../../../src/core/verdict/failure.ts";
import { VERDICT_KINDS } from "../../../src/core/verdict/verdict.ts";

const AT = new Date(2026, 10, 21, 10, 53).getTime();
const REF = "719aa922-7fc8-49e7-a0d2-ee013279f741";

function keyWith(more: Partial<ExhaustedKey>): ExhaustedKey {
  return {
    keyName: "work",
    fingerprint: "10c44aa0b1",
    model: "ollama-cloud/glm-5.2",
    host: "ollama.com",
    wasAsked: true,
    status: 403,
    kind: "subscription",
    message: providerWords(`this model requires a subscription, upgrade for access (ref: ${REF})`, []),
    freeAtMs: undefined,
    isEndDeclared: false,
    ...more,
  };
}

/** Printed at once. */
const exhaustionReport = (exhaustion: Exhaustion): string => reportAt(exhaustion, exhaustion.atMs);

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
      message: ownWords("you have reached your session usage limit"),
      freeAtMs: new Date(2026, 10, 21, 14, 5).getTime(),
      isEndDeclared: true,
    }),
  ],
  unasked: [],
  otherModels: ["ollama-cloud/gpt-oss:120b"],
};

const reportOf = (...keys: Partial<ExhaustedKey>[]): string =>
  exhaustionReport({
    ...EXHAUSTION,
    keys: keys.map((key, nth) => keyWith({ keyName: `k${nth}`, fingerprint: `${nth}0aaaaaa`, ...key })),
    otherModels: [],
  });

test("the report has the form that people know, with the words and the fix of each key", () => {
  expect(exhaustionReport(EXHAUSTION)).toBe(`[orouter] ALL KEYS EXHAUSTED!
Summary: 3 keys failed.
1 out of quota, 2 no model access, 0 rate-limited, 0 other errors.
Reason: keys have no model access (subscription required)
Details:
  1. work (10c44…) - 403 on ollama-cloud/glm-5.2
     subscription_error: ref=${REF}
     this model requires a subscription, upgrade for access
     Fix: upgrade the plan, or use a model that it covers
  2. home (20d55…) - 403 on ollama-cloud/glm-5.2
     subscription_error: ref=${REF}
     this model requires a subscription, upgrade for access
     Fix: upgrade the plan, or use a model that it covers
  3. spare (30e66…) - 429 on ollama-cloud/glm-5.2
     quota: you have reached your session usage limit
     Fix: wait until 14:05 (3 h 12 m), or add a key
Next: the first key is free again at 14:05 (in 3 h 12 m). Other models you could use now: ollama-cloud/gpt-oss:120b
`);
});

test("the same stands in the agent, where words and fixes that keys share come once", () => {
  expect(exhaustionSummary(EXHAUSTION)).toBe(`[orouter] ALL KEYS EXHAUSTED!
Summary: 3 keys failed.
1 out of quota, 2 no model access, 0 rate-limited, 0 other errors.
Reason: keys have no model access (subscription required)
Details:
  1. work - 403 on ollama-cloud/glm-5.2: not in the plan
     this model requires a subscription, upgrade for access (ref: ${REF})
     Fix: upgrade the plan, or use a model that it covers
  2. home - 403 on ollama-cloud/glm-5.2: not in the plan
  3. spare - 429 on ollama-cloud/glm-5.2: plan limit used up
     you have reached your session usage limit
     Fix: wait until 14:05 (3 h 12 m), or add a key
Next: the first key is free again at 14:05 (in 3 h 12 m). Other models you could use now: ollama-cloud/gpt-oss:120b`);
});

test("times to wait are those of the moment when the report is printed", () => {
  const firstMs = new Date(2026, 10, 21, 14, 5).getTime();
  const later = reportAt(EXHAUSTION, firstMs - 41_000);
  expect(later).toContain("Next: the first key is free again at 14:05 (in 41 s).");
  expect(later).toContain("Fix: wait until 14:05 (41 s), or add a key");
  const after = reportAt(EXHAUSTION, firstMs + 1);
  expect(after).toContain("Next: the first key is free again since 14:05; send the message again.");
  expect(after).toContain("Fix: wait for the reset, or add a key");
});

test("a key that failed on two models is one key, in one row", () => {
  const keys = [keyWith({}), keyWith({ model: "a/other", kind: "auth", status: 401, message: ownWords("") })];
  const report = exhaustionReport({ ...EXHAUSTION, keys, otherModels: [] });
  expect(report).toContain("Summary: 1 key failed.");
  expect(report).toContain("  1. work (10c44…) - 403 on ollama-cloud/glm-5.2, 401 on a/other\n");
  expect(report).toContain("     auth\n     Fix: replace the key: orouter keys add\n");
  expect(report).not.toContain("  2. ");
  expect(report).toContain("Next: no key will recover on its own; add one with `orouter keys add`");
});

test("a call that brought no reply has no status to show", () => {
  const report = exhaustionReport({
    ...EXHAUSTION,
    keys: [keyWith({ status: 0, kind: "reset", message: ownWords("it broke") })],
  });
  expect(report).toContain("work (10c44…) - no answer on");
});

test("in opencode every key has its row, without a number that would be retried", () => {
  const many = Array.from({ length: 16 }, (_, nth) =>
    keyWith({
      keyName: `key-429-${nth}`,
      fingerprint: `f${nth}`,
      status: nth % 2 === 0 ? 429 : 503,
      kind: "rate-limit",
    }),
  );
  const summary = exhaustionSummary({ ...EXHAUSTION, keys: many });
  // Five lines in front, one behind, and the words and the fix that all share.
  expect(summary.split("\n").length).toBe(5 + 16 + 2 + 1);
  expect(summary).toContain("\n0 no model access, 16 rate-limited, 0 other errors.\n");
  const message = calmText(summary);
  expect(message).not.toMatch(/429|50[0234]/);
  expect(message).not.toContain("orouter logs");
  expect(message).toStartWith("[orouter] ALL KEYS EXHAUSTED!\nSummary: 16 keys failed.\n");
});

test("where there was no key at all that is what it says", () => {
  expect(exhaustionReport({ ...EXHAUSTION, keys: [] })).toContain(
    "Reason: there is no key for ollama-cloud/glm-5.2",
  );
});

test.each<[kind: ExhaustedKey["kind"], status: number, counts: string]>([
  ["auth", 401, "1 invalid, 0 no model access, 0 rate-limited, 0 other errors."],
  ["quota", 429, "1 out of quota, 0 no model access, 0 rate-limited, 0 other errors."],
  ["payment", 402, "1 out of credit, 0 no model access, 0 rate-limited, 0 other errors."],
  ["reset", 0, "1 not reached, 0 no model access, 0 rate-limited, 0 other errors."],
  ["rate-limit", 429, "0 no model access, 1 rate-limited, 0 other errors."],
  ["forbidden", 403, "0 no model access, 0 rate-limited, 1 other errors."],
])("a key that failed for %s with %d counts as what it is", (kind, status, counts) => {
  expect(reportOf({ kind, status })).toContain(`\n${counts}\n`);
  expect(exhaustionSummary({ ...EXHAUSTION, keys: [keyWith({ kind, status })] })).toContain(`\n${counts}\n`);
});

test("kinds that are equally frequent are all the reason; the others are not", () => {
  const tie = reportOf(
    { kind: "subscription" },
    { kind: "quota" },
    { kind: "quota" },
    { kind: "subscription" },
    { kind: "auth" },
  );
  expect(tie).toContain(
    "Reason: keys have no model access (subscription required); the usage limits of the plans are used up\n",
  );
});

test("keys that were not asked are named, and are no failures", () => {
  const unasked = [
    { keyName: "c", fingerprint: "ccccc11111" },
    { keyName: "d", fingerprint: "ddddd11111" },
  ];
  const report = exhaustionReport({ ...EXHAUSTION, unasked });
  expect(report).toContain("Summary: 3 keys failed.\n");
  expect(report).toContain("key\n2 keys were not asked: c (ccccc…), d (ddddd…)\nNext: ");
  const only = { ...EXHAUSTION, keys: [], unasked: unasked.slice(1), otherModels: [] };
  expect(exhaustionReport(only)).toContain("Summary: 0 keys failed.");
  expect(exhaustionSummary(only)).toBe(
    [
      "[orouter] ALL KEYS EXHAUSTED!",
      "Summary: 0 keys failed.",
      "0 no model access, 0 rate-limited, 0 other errors.",
      "Reason: no key had room for one more call",
      "1 key was not asked: d",
      "Next: this may pass by itself; send the message again in a while.",
    ].join("\n"),
  );
});

test.each<[kind: ExhaustedKey["kind"], next: string]>([
  ["auth", "no key will recover on its own"],
  ["subscription", "no key will recover on its own"],
  ["server-error", "this may pass by itself"],
  ["reset", "this may pass by itself"],
  ["overloaded", "this may pass by itself"],
])("after %s alone the report says: %s", (kind, next) => {
  expect(reportOf({ kind })).toContain(`Next: ${next}`);
});

test("an error in an answer of good status is called that", () => {
  expect(reportOf({ status: 200, kind: "server-error" })).toContain(
    "k0 (00aaa…) - error inside the answer on ollama-cloud/glm-5.2\n",
  );
});

test("a refused key says so in opencode, and every word there survives", () => {
  const keys = VERDICT_KINDS.map((kind, nth) =>
    keyWith({ keyName: `k${nth}`, fingerprint: `f${nth}`, kind }),
  );
  for (const key of keys) {
    const unasked = [{ keyName: "spare", fingerprint: "f" }];
    const message = calmText(exhaustionSummary({ ...EXHAUSTION, keys: [key], unasked }));
    expect(message).toContain(`1. ${key.keyName} - `);
    expect(message).toContain("not asked: spare");
  }
  expect(exhaustionSummary({ ...EXHAUSTION, keys: [keyWith({ kind: "auth", status: 401 })] })).toContain(
    "work - 401 on ollama-cloud/glm-5.2: invalid key\n",
  );
});

const FREE_AT = AT + 41_000;
const LIMIT = {
  kind: "rate-limit",
  status: 429,
  message: ownWords(""),
  freeAtMs: FREE_AT,
  isEndDeclared: true,
} as const;

test.each<[what: string, keys: Partial<ExhaustedKey>[], headline: string]>([
  [
    "refused keys",
    [{ kind: "auth" }, { kind: "auth" }, { kind: "auth" }],
    "All 3 keys were rejected (wrong or expired)",
  ],
  ["keys refused for other reasons", [{ kind: "auth" }, { kind: "forbidden" }], "All 2 keys were rejected"],
  ["a refused key", [{ kind: "auth" }], "The only key was rejected (wrong or expired)"],
  [
    "keys whose limits name their ends",
    [LIMIT, { ...LIMIT, freeAtMs: FREE_AT + 60_000 }],
    "All keys are cooling down: first free at 10:53 (in 41 s)",
  ],
  ["keys whose limits name no end", [{ ...LIMIT, isEndDeclared: false }], "ALL KEYS EXHAUSTED!"],
  ["a limited key beside a refused one", [LIMIT, { kind: "auth" }], "ALL KEYS EXHAUSTED!"],
])("of %s the headline says so, in the agent too", (_what, keys, headline) => {
  const exhaustion = {
    ...EXHAUSTION,
    keys: keys.map((key, nth) => keyWith({ keyName: `k${nth}`, fingerprint: `${nth}0aaaaaa`, ...key })),
  };
  expect(exhaustionReport(exhaustion)).toStartWith(`[orouter] ${headline}\nSummary: `);
  expect(exhaustionSummary(exhaustion)).toStartWith(`[orouter] ${headline}\nSummary: `);
  expect(calmText(exhaustionSummary(exhaustion))).toStartWith(`[orouter] ${headline}\nSummary: `);
});

test("the countdown in a headline is true when it is printed", () => {
  const exhaustion = { ...EXHAUSTION, keys: [keyWith(LIMIT)] };
  expect(reportAt(exhaustion, FREE_AT - 5_000)).toStartWith(
    "[orouter] The only key is cooling down: first free at 10:53 (in 5 s)\n",
  );
  expect(reportAt(exhaustion, FREE_AT)).toStartWith("[orouter] The only key was cooling down until 10:53\n");
});

test("a service that cannot be reached is the headline, since no key has run out", () => {
  const gone = {
    status: 0,
    kind: "server-error",
    message: ownWords("The service refused the connection."),
  } as const;
  const exhaustion = {
    ...EXHAUSTION,
    keys: [keyWith(gone), keyWith({ ...gone, fingerprint: "20d55bb1c2" })],
  };
  const headline = "[orouter] Cannot reach ollama.com: the service refused the connection\n";
  expect(exhaustionReport(exhaustion)).toStartWith(`${headline}Summary: 2 keys failed.\n`);
  expect(exhaustionSummary(exhaustion)).toStartWith(headline);
  const unknown = keyWith({
    status: 0,
    kind: "server-error",
    message: classifyFailure({ code: "ENOTFOUND" }).message,
  });
  const summary = exhaustionSummary({ ...EXHAUSTION, keys: [unknown] });
  expect(summary).toStartWith("[orouter] Cannot reach ollama.com: name lookup failed\n");
  expect(summary).toContain("\nReason: the provider cannot be reached\n");
  expect(summary).toContain("     Fix: check your network, and the provider's base_url in config.toml\n");
  expect(calmText(headline)).toBe(headline);
  const answered = { ...exhaustion, keys: [keyWith(gone), keyWith({ status: 502, kind: "server-error" })] };
  expect(exhaustionReport(answered)).toStartWith("[orouter] ALL KEYS EXHAUSTED!\n");
});

test("a key that a cooldown of its model kept out has heard no status", () => {
  expect(
    reportOf({ wasAsked: false, status: 404, kind: "model-not-found", message: ownWords("not found") }),
  ).toContain("  1. k0 (00aaa…) - not asked on ollama-cloud/glm-5.2\n     model_not_found: not found\n");
});

test("a time that only orouter has set is no fix, and no key is free then for sure", () => {
  const freeAtMs = AT + 5 * 3_600_000;
  const report = exhaustionReport({ ...EXHAUSTION, keys: [keyWith({ freeAtMs })] });
  expect(report).toContain("     Fix: upgrade the plan, or use a model that it covers\n");
  expect(report).toContain("Next: the first key is asked again at 15:53 (in 5 h).");
});
