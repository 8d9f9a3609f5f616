import { expect, test } from "bun:test";
import { ModelFacts } from "../../../src/core/routing/model-facts.ts";
import { ownWords } from "../../../src/core/scrub.ts";
import type { Verdict, VerdictKind } from "../../../src/core/verdict/verdict.ts";

const REF = { provider: "a", model: "m" };
const OTHER = { provider: "a", model: "n" };

const verdict = (kind: VerdictKind, outputLimit?: number): Verdict => ({
  kind,
  fault: "request",
  status: 404,
  rule: "any",
  message: ownWords(""),
  waitMs: undefined,
  ...(outputLimit === undefined ? {} : { outputLimit }),
});

const chatCall = { dialect: "chat", outputTokens: undefined } as const;
const responsesCall = { dialect: "responses", outputTokens: undefined } as const;

test("a missing endpoint sends the model's next call to the other one, for that model alone", () => {
  const facts = new ModelFacts();
  expect(facts.learn(REF, verdict("path-not-found"), responsesCall)).toBe(true);
  expect(facts.dialectFor(REF, "responses")).toBe("chat");
  expect(facts.dialectFor(REF, "chat")).toBe("chat");
  expect(facts.dialectFor(OTHER, "responses")).toBe("responses");
});

test("where all endpoints are missing the wanted one is asked, once", () => {
  const facts = new ModelFacts();
  facts.learn(REF, verdict("path-not-found"), responsesCall);
  expect(facts.learn(REF, verdict("path-not-found"), chatCall)).toBe(true);
  expect(facts.learn(REF, verdict("path-not-found"), { ...chatCall, dialect: "messages" })).toBe(false);
  expect(facts.dialectFor(REF, "responses")).toBe("responses");
});

test("an endpoint that has answered is missing no more", () => {
  const facts = new ModelFacts();
  facts.learn(REF, verdict("path-not-found"), responsesCall);
  facts.answered(REF, "responses");
  expect(facts.dialectFor(REF, "responses")).toBe("responses");
});

test("an endpoint that is passed on unread has no other dialect", () => {
  const call = { dialect: undefined, outputTokens: undefined };
  expect(new ModelFacts().learn(REF, verdict("path-not-found"), call)).toBe(false);
});

test("a named output limit is kept", () => {
  const facts = new ModelFacts();
  expect(facts.learn(REF, verdict("output-limit", 8000), { dialect: "chat", outputTokens: 32_000 })).toBe(
    true,
  );
  expect(facts.outputLimit(REF)).toBe(8000);
  expect(facts.outputLimit(OTHER)).toBeUndefined();
});

test.each<[what: string, named: number | undefined]>([
  ["is not named", undefined],
  ["is named wrongly", 90_000],
])("an output limit that %s is found step by step, and the steps end", (_what, named) => {
  const facts = new ModelFacts();
  const tried: number[] = [];
  let outputTokens = 64_000;
  while (facts.learn(REF, verdict("output-limit", named), { dialect: "chat", outputTokens })) {
    outputTokens = facts.outputLimit(REF) ?? 0;
    tried.push(outputTokens);
  }
  expect(tried).toEqual([32_768, 16_384, 8192, 4096]);
});

test("nothing is learned where no limit was asked for, or of other refusals", () => {
  const facts = new ModelFacts();
  expect(facts.learn(REF, verdict("output-limit", 8000), chatCall)).toBe(false);
  expect(facts.learn(REF, verdict("overflow"), { dialect: "chat", outputTokens: 9000 })).toBe(false);
  expect([facts.outputLimit(REF), facts.dialectFor(REF, "chat")]).toEqual([undefined, "chat"]);
});

test("of many models the oldest are forgotten", () => {
  const facts = new ModelFacts();
  for (let nth = 0; nth <= 1000; nth++) {
    const ref = { provider: "a", model: `m${nth}` };
    facts.learn(ref, verdict("output-limit", 10), { dialect: "chat", outputTokens: 20 });
  }
  expect(facts.outputLimit({ provider: "a", model: "m0" })).toBeUndefined();
  expect(facts.outputLimit({ provider: "a", model: "m1000" })).toBe(10);
});

test("a model that has refused to continue a text, or began anew three times in a row, is not asked to again", () => {
  const facts = new ModelFacts();
  facts.learnPrefill(OTHER, "refused");
  expect([facts.mayContinue(REF), facts.mayContinue(OTHER)]).toEqual([true, false]);
  for (const outcome of ["began-anew", "began-anew", "continued", "began-anew", "began-anew"] as const)
    facts.learnPrefill(REF, outcome);
  expect(facts.mayContinue(REF)).toBe(true);
  facts.learnPrefill(REF, "began-anew");
  expect(facts.mayContinue(REF)).toBe(false);
});
