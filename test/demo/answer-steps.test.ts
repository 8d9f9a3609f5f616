import { expect, test } from "bun:test";
import fc from "fast-check";
import { readAsked, tokensOf } from "../../src/demo/call.ts";
import type { Answer, Cut } from "../../src/demo/reply.ts";
import { answerSteps, type Step } from "../../src/demo/steps.ts";
import { createTally } from "../../src/demo/story.ts";
import { readEvents, textOf } from "./read-events.ts";

function steps(answer: Partial<Answer>, stream = true): Step[] {
  const parts = {
    method: "POST",
    path: "/",
    headers: new Headers(),
    body: JSON.stringify({ stream }),
    atMs: 0,
  };
  return answerSteps(
    { kind: "answer", text: ["a ", "b ", "c"], ...answer },
    createTally([]).arrive(readAsked(parts, "chat")),
  );
}

/** Words stand for tokens, numbers for waits, in the order a reader sees them. */
function rhythm(answer: Partial<Answer>, stream = true): (string | number)[] {
  return steps(answer, stream).flatMap((step): (string | number)[] => {
    if (step.do === "wait") return [step.ms];
    if (step.do !== "send") return step.do === "head" ? ["head"] : [];
    return stream ? tokensOf(textOf(readEvents(String(step.bytes)))).map((word) => word.trim()) : ["body"];
  });
}

test.each<[name: string, answer: Partial<Answer>, expected: (string | number)[]]>([
  ["no wait unless asked for", {}, ["head", "a", "b", "c"]],
  ["silence before the head", { headAfterMs: 9 }, [9, "head", "a", "b", "c"]],
  ["silence before the first token", { firstTokenAfterMs: 9 }, ["head", 9, "a", "b", "c"]],
  ["a pace between tokens", { chunkEveryMs: 5 }, ["head", "a", 5, "b", 5, "c"]],
  ["one long pause", { pause: { afterTokens: 2, ms: 30 } }, ["head", "a", "b", 30, "c"]],
  ["a pause after the last token", { pause: { afterTokens: 3, ms: 30 } }, ["head", "a", "b", "c", 30]],
  ["a cut before the first token", { cut: { afterTokens: 0, how: "reset" } }, ["head"]],
])("a stream has %s", (_name, answer, expected) => {
  expect(rhythm(answer)).toEqual(expected);
});

test("an answer that is not a stream waits before its head", () => {
  expect(rhythm({ headAfterMs: 2, firstTokenAfterMs: 3, chunkEveryMs: 5 }, false)).toEqual([
    5,
    "head",
    "body",
  ]);
});

test("the opening event of a cut stream carries no token", () => {
  const [, opening, last] = steps({ cut: { afterTokens: 0, how: "close" } });
  expect(opening).toMatchObject({ do: "send", bytes: expect.stringContaining('"role":"assistant"') });
  expect(last).toEqual({ do: "close" });
});

test("a cut stream never sends a token too many or a closing event", () => {
  const anyCut = fc.record({
    afterTokens: fc.nat(6),
    how: fc.constantFrom<Cut["how"]>("reset", "close", "stall", "end", "error-event"),
  });
  fc.assert(
    fc.property(fc.array(fc.constantFrom("x ", "yy ", "z"), { maxLength: 6 }), anyCut, (text, cut) => {
      fc.pre(cut.afterTokens <= text.length);
      const sent = steps({ text, cut }).flatMap((step) => (step.do === "send" ? [String(step.bytes)] : []));
      expect(textOf(readEvents(sent.join("")))).toBe(text.slice(0, cut.afterTokens).join(""));
      expect(sent.join("")).not.toMatch(/\[DONE\]|"finish_reason":"/);
    }),
  );
});

test("cutting a text into tokens loses nothing", () => {
  fc.assert(fc.property(fc.string(), (text) => tokensOf(text).join("") === text));
});
