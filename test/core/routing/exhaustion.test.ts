import { expect, test } from "bun:test";
import { calmText } from "../../../src/core/client/opencode.ts";
import {
  type ExhaustedKey,
  type Exhaustion,
  exhaustionReport,
  exhaustionSummary,
} from "../../../src/core/routing/exhaustion.ts";
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
    message: `this model requires a subscription, upgrade for access (ref: ${REF})`,
    freeAtMs: undefined,
    isEndDeclared: false,
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
  unasked: [],
  otherModels: ["ollama-cloud/gpt-oss:120b"],
};

const reportOf = (...keys: Partial<ExhaustedKey>[]): string =>
  exhaustionReport({
    ...EXHAUSTION,
    keys: keys.map((key, nth) => keyWith({ keyName: `k${nth}`, fingerprint: `${nth}0aaaaaa`, ...key })),
    otherModels: [],
  });

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
  const message = calmText(summary);
  expect(message).not.toMatch(/429|50[0234]/);
  expect(message).toStartWith("[orouter] ALL KEYS EXHAUSTED: keys have no model access");
});

test("where there was no key at all that is what it says", () => {
  expect(exhaustionReport({ ...EXHAUSTION, keys: [] })).toContain(
    "Reason: there is no key for ollama-cloud/glm-5.2",
  );
});

test("one other error is one, and no others are none", () => {
  expect(reportOf({ kind: "auth" })).toContain("0 no model access, 0 rate-limited, 1 other errors.\n");
  expect(reportOf({ kind: "auth" }, { kind: "forbidden" })).toContain(" 2 other errors.\n");
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
  expect(report).toContain("limit\n2 keys were not asked: c (ccccc…), d (ddddd…)\nNext: ");
  const only = { ...EXHAUSTION, keys: [], unasked: unasked.slice(1), otherModels: [] };
  expect(exhaustionReport(only)).toContain("Summary: 0 keys failed.");
  expect(exhaustionSummary(only)).toBe(
    [
      "[orouter] ALL KEYS EXHAUSTED: no key had room for one more call",
      "1 key was not asked: d",
      "Next: this may pass by itself; send the message again in a while.",
    ].join("\n"),
  );
});

test.each<[kind: ExhaustedKey["kind"], next: string]>([
  ["auth", "no key frees itself"],
  ["subscription", "no key frees itself"],
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
    expect(message).toContain(`${key.keyName}: `);
    expect(message).toContain("not asked: spare");
  }
  expect(exhaustionSummary({ ...EXHAUSTION, keys: [keyWith({ kind: "auth", status: 401 })] })).toContain(
    "work: refused until the key is changed on ollama-cloud/glm-5.2\n",
  );
});

const FREE_AT = AT + 41_000;
const LIMIT = {
  kind: "rate-limit",
  status: 429,
  message: "",
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
    "All keys are cooling down; first free at 10:53 (in 41 s)",
  ],
  ["keys whose limits name no end", [{ ...LIMIT, isEndDeclared: false }], "keys are rate-limited"],
  [
    "a limited key beside a refused one",
    [LIMIT, { kind: "auth" }],
    "keys are rate-limited; keys were refused (wrong or expired)",
  ],
])("of %s the report says so, in the agent too", (_what, keys, headline) => {
  const exhaustion = {
    ...EXHAUSTION,
    keys: keys.map((key, nth) => keyWith({ keyName: `k${nth}`, fingerprint: `${nth}0aaaaaa`, ...key })),
  };
  expect(exhaustionReport(exhaustion)).toContain(`[orouter] ALL KEYS EXHAUSTED!\nSummary: `);
  expect(exhaustionReport(exhaustion)).toContain(`Reason: ${headline}\n`);
  expect(exhaustionSummary(exhaustion)).toStartWith(`[orouter] ALL KEYS EXHAUSTED: ${headline}\n`);
});

test("a service that cannot be reached is the headline, since no key has run out", () => {
  const gone = { status: 0, kind: "server-error", message: "The service refused the connection." } as const;
  const exhaustion = {
    ...EXHAUSTION,
    keys: [keyWith(gone), keyWith({ ...gone, fingerprint: "20d55bb1c2" })],
  };
  const headline = "[orouter] Cannot reach ollama.com: The service refused the connection.\n";
  expect(exhaustionReport(exhaustion)).toStartWith(`${headline}Summary: 2 keys failed.\n`);
  expect(exhaustionSummary(exhaustion)).toStartWith(headline);
  expect(calmText(headline)).toBe(headline);
  const answered = { ...exhaustion, keys: [keyWith(gone), keyWith({ status: 502, kind: "server-error" })] };
  expect(exhaustionReport(answered)).toStartWith("[orouter] ALL KEYS EXHAUSTED!\n");
});

test("a key that a cooldown of its model kept out has heard no status", () => {
  expect(reportOf({ wasAsked: false, status: 404, kind: "model-not-found", message: "not found" })).toContain(
    "  1. k0 (00aaa…) - not asked on ollama-cloud/glm-5.2\n     model_not_found: not found\n",
  );
});
