import { describe, expect, test } from "bun:test";
import { streamOfWhole } from "../../../src/core/dialect/translate.ts";
import { windowOf } from "../../../src/core/overlay/window.ts";
import { SessionBook } from "../../../src/core/routing/session.ts";
import { askedRef, namedModels, parseRoute, targetsOf } from "../../../src/core/routing/targets.ts";
import { formatClock, formatWait } from "../../../src/core/text.ts";

test.each<[path: string, expected: object]>([
  ["/nvidia/v1/chat/completions", { kind: "api", provider: "nvidia", rest: "chat/completions" }],
  ["/v1/responses", { kind: "api", provider: undefined, rest: "responses" }],
  ["/v1", { kind: "api", provider: undefined, rest: "" }],
  ["/my%20box/v1/models", { kind: "api", provider: "my box", rest: "models" }],
  ["/a/v1/files/a..b", { kind: "api", provider: "a", rest: "files/a..b" }],
  ["/_orouter/health", { kind: "control", path: "/health" }],
  ["/a/v1/../keys", { kind: "unknown" }],
  ["/a/v1/%2E%2e/keys", { kind: "unknown" }],
  ["/a/v1/x%2f..%2fkeys", { kind: "unknown" }],
  ["/a/v1/x\\..\\keys", { kind: "unknown" }],
  ["/a/v2/models", { kind: "unknown" }],
  ["/", { kind: "unknown" }],
])("the path %s is understood", (path, expected) => {
  expect(parseRoute(path)).toEqual(expected as ReturnType<typeof parseRoute>);
});

const SETTINGS = {
  chains: { coding: ["a/one", "b/two"], all: ["coding", "c/three"] },
  fallbacks: { "a/one": ["b/two"], "*": ["coding"] },
};
const namesOf = (refs: readonly { provider: string; model: string }[]): string[] =>
  refs.map((ref) => `${ref.provider}/${ref.model}`);

test.each<[asked: string, expected: string[]]>([
  ["a/one", ["a/one", "b/two"]],
  ["d/x/y", ["d/x/y", "a/one", "b/two"]],
  ["orouter/all", ["a/one", "b/two", "c/three"]],
  ["orouter/none", []],
])("a request for %s may be answered by %j", (asked, expected) => {
  const ref = askedRef(undefined, asked);
  expect(namesOf(ref === undefined ? [] : targetsOf(ref, SETTINGS))).toEqual(expected);
});

test("under a provider's path its name is no part of the model's, and a bare name is a chain's", () => {
  expect(askedRef("nvidia", "openai/gpt-oss")).toEqual({ provider: "nvidia", model: "openai/gpt-oss" });
  expect(askedRef("orouter", "coding")).toEqual({ provider: "orouter", model: "coding" });
  expect(askedRef(undefined, "a/one")).toEqual({ provider: "a", model: "one" });
  expect(namesOf(namedModels(SETTINGS))).toEqual(["a/one", "b/two", "c/three"]);
});

test("the oldest session is forgotten", () => {
  const book = new SessionBook();
  const first = book.of("first");
  expect(book.of("first")).toBe(first);
  expect(book.of(undefined)).not.toBe(book.of(undefined));
  for (let nth = 0; nth < 2_000; nth++) book.of(`session ${nth}`);
  expect(book.of("first")).not.toBe(first);
});

test("the window of a chain is the smallest that is known of its models", () => {
  const models = [
    { id: "a/one", match: undefined, context: 8_192, output: undefined, addIfMissing: false },
    { id: undefined, match: /^b\//g, context: 4_096, output: undefined, addIfMissing: false },
  ];
  const windows = ["a/one", "b/two", "c/three", "orouter/all"].map((model) =>
    windowOf(model, { models, chains: SETTINGS.chains }),
  );
  expect(windows).toEqual([8_192, 4_096, undefined, 4_096]);
});

describe("times are told as people tell them", () => {
  const now = new Date(2026, 10, 21, 10, 53).getTime();
  test.each([
    [new Date(2026, 10, 21, 14, 5), "14:05"],
    [new Date(2026, 10, 23, 0, 0), "Mon 00:00"],
    [new Date(2026, 11, 1, 9, 30), "2026-12-01 09:30"],
  ])("%s is %s", (at, expected) => expect(formatClock(at.getTime(), now)).toBe(expected));

  test.each([
    [0, "1 s"],
    [44_100, "45 s"],
    [60_000, "1 m"],
    [3_600_000, "1 h"],
    [11_520_000, "3 h 12 m"],
    [86_400_000 * 13 + 7_200_000, "13 d 2 h"],
    [3_599_999, "1 h"],
  ])("%d ms are %s", (ms, expected) => expect(formatWait(ms)).toBe(expected));
});

test.each([[{}], [{ choices: [] }], [{ choices: [{ text: "old" }] }], ["text"], [undefined]])(
  "%j is no completion",
  (value) => {
    expect(streamOfWhole("chat", value)).toBeUndefined();
  },
);
