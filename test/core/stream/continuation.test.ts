import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Dialect } from "../../../src/core/dialect/registry.ts";
import { type SentAnswer, salvageOf } from "../../../src/core/stream/continuation.ts";
import { runGate } from "./run-gate.ts";
import {
  anyChunks,
  callEvents,
  chatEvent,
  DONE,
  finishEvent,
  type ResponsesPart,
  responsesEvents,
} from "./streams.ts";
import { type Read, readStrictly } from "./strict-reader.ts";

/** An answer in parts that both dialects have. */
interface Plan {
  think?: string[];
  say?: string[];
  calls?: { name: string; pieces: string[] }[];
}

/** Events of another provider have other ids. */
function eventsOf(dialect: Dialect, { think = [], say = [], calls = [] }: Plan, id = "a"): string[] {
  if (dialect === "chat")
    return [
      chatEvent({ role: "assistant", content: "" }),
      ...think.map((text) => chatEvent({ reasoning_content: text })),
      ...say.map((text) => chatEvent({ content: text })),
      ...calls.flatMap(({ name, pieces }, at) => callEvents(name, pieces, at)),
      finishEvent(calls.length > 0 ? "tool_calls" : "stop"),
      DONE,
    ];
  const parts: ResponsesPart[] = [
    ...(think.length > 0 ? [{ think }] : []),
    ...(say.length > 0 ? [{ say, id: `msg_${id}` }] : []),
    ...calls.map(({ name, pieces }) => ({ call: name, pieces })),
  ];
  return responsesEvents(parts);
}

const CALL = { name: "ls", pieces: ['{"path":', '"."}'] };
const ARGS = CALL.pieces.join("");

/** What the client sees of an answer that broke before event `at`, and of its continuation. */
function breakAndGoOn(
  dialect: Dialect,
  first: Plan,
  at: number,
  second: Plan,
  cut = (text: string) => [new TextEncoder().encode(text)],
): { read: Read | undefined; failure: string | undefined; sent: SentAnswer | undefined; text: string } {
  const { gate, text } = runGate(eventsOf(dialect, first).slice(0, at).join(""), { dialect }, "broken");
  const sent = gate.sent();
  const rest = runGate(cut(eventsOf(dialect, second, "b").join("")), { dialect, continues: sent });
  const all = text + rest.text;
  const read = rest.failure === undefined ? readStrictly(dialect, all) : undefined;
  return { read, failure: rest.failure?.kind, sent, text: rest.text };
}

const DIALECTS = [["chat"], ["responses"]] as const;

describe.each(DIALECTS)("a broken %s answer", (dialect) => {
  const finish = (calls: number): string =>
    dialect === "responses" ? "response.completed" : calls > 0 ? "tool_calls" : "stop";

  test("is continued to the letter wherever it broke, and no call of it is lost or there twice", () => {
    const anyPlan = fc.record({
      think: fc.array(fc.constantFrom("hm", " so"), { maxLength: 2 }),
      say: fc.array(fc.constantFrom("one", " two", "😀"), { maxLength: 4 }),
      calls: fc.array(fc.constant(CALL), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(
        anyPlan.filter(({ say, calls }) => say.length + calls.length > 0),
        fc.nat(),
        fc.array(fc.nat({ max: 4000 }), { maxLength: 6 }),
        (plan, cut, cuts) => {
          const events = eventsOf(dialect, plan);
          // A finished answer is complete.
          const at = cut % (events.length - (dialect === "chat" ? 1 : 0));
          const { read, failure } = breakAndGoOn(dialect, plan, at, plan, (text) => {
            const bytes = new TextEncoder().encode(text);
            const places = [
              0,
              ...cuts.map((one) => one % bytes.length).toSorted((a, b) => a - b),
              bytes.length,
            ];
            return places.slice(1).map((end, index) => bytes.slice(places[index], end));
          });
          expect(failure).toBeUndefined();
          expect(read?.text).toBe(plan.say.join(""));
          expect(read?.calls).toEqual(plan.calls.map(({ name }) => ({ name, args: ARGS })));
          expect(read?.finish).toBe(finish(plan.calls.length));
          // Reasoning is shown once, possibly in part.
          expect(plan.think.join("")).toStartWith(read?.reasoning ?? "");
        },
      ),
      { numRuns: 400 },
    );
  });

  test("goes on in other words that are longer than what was sent", () => {
    const first = { say: ["one", " two"] };
    const { read } = breakAndGoOn(dialect, first, dialect === "chat" ? 2 : 4, {
      say: ["on", "e or", " three"],
    });
    expect(read).toMatchObject({ text: "one or three", finish: finish(0) });
  });

  test("takes only the calls of an answer that says something else", () => {
    const first = { think: ["hm"], say: ["I look", " around"] };
    const at = dialect === "chat" ? 3 : 7;
    const { read, sent } = breakAndGoOn(dialect, first, at, {
      think: ["so"],
      say: ["Let me see"],
      calls: [CALL],
    });
    expect(sent?.text).toBe("I look");
    expect(read).toEqual({
      text: "I look",
      reasoning: "hm",
      calls: [{ name: "ls", args: ARGS }],
      finish: finish(1),
    });
  });

  test("takes the calls of an answer that says nothing else", () => {
    const at = dialect === "chat" ? 2 : 4;
    const { read } = breakAndGoOn(dialect, { say: ["I look"] }, at, { calls: [CALL, CALL] });
    expect(read).toMatchObject({ text: "I look", calls: [{ name: "ls" }, { name: "ls" }] });
  });

  test("gets nothing of an answer that says something else and calls nothing", () => {
    const at = dialect === "chat" ? 2 : 4;
    const seen = breakAndGoOn(dialect, { say: ["one two"] }, at, { say: ["quite another"] });
    expect([seen.failure, seen.text]).toEqual(["mismatch", ""]);
  });

  test("gets nothing of an answer that says less", () => {
    const at = dialect === "chat" ? 2 : 4;
    const seen = breakAndGoOn(dialect, { say: ["one two"] }, at, { say: ["one"] });
    expect([seen.failure, seen.text]).toEqual(["mismatch", ""]);
  });

  test("is not given up for a further one that breaks off itself, whatever that one has said", () => {
    const at = dialect === "chat" ? 2 : 4;
    const { gate } = runGate(
      eventsOf(dialect, { say: ["I look"] })
        .slice(0, at)
        .join(""),
      { dialect },
      "broken",
    );
    const said: Plan[] = [{ say: ["Let me"], calls: [CALL] }, { say: ["Let me"] }, { say: ["I"] }];
    for (const plan of said) {
      const events = eventsOf(dialect, plan, "b");
      const cutOff = events.slice(0, events.length - (dialect === "chat" ? 2 : 1)).join("");
      expect(runGate(cutOff, { dialect, continues: gate.sent() }).failure?.kind).toBe("cut");
    }
  });

  test("gets nothing of an answer that has no end", () => {
    const { gate } = runGate(
      eventsOf(dialect, { say: ["one"] })
        .slice(0, -2)
        .join(""),
      { dialect },
      "broken",
    );
    const continues = gate.sent();
    const rest = runGate(
      eventsOf(dialect, { say: ["one"], calls: [CALL] })
        .slice(0, -2)
        .join(""),
      {
        dialect,
        continues,
      },
    );
    expect([rest.failure?.kind, /ls/.test(rest.text)]).toEqual(["cut", false]);
  });

  test("knows all that the client has when it breaks again", () => {
    const first = eventsOf(dialect, { say: ["one"] }).slice(0, dialect === "chat" ? 2 : 4);
    const whole = { say: ["one two", " three", " four"], calls: [CALL] };
    const { gate: a, text } = runGate(first.join(""), { dialect }, "broken");
    const second = eventsOf(dialect, whole, "b").slice(0, dialect === "chat" ? 3 : 5);
    const { gate: b, text: more } = runGate(second.join(""), { dialect, continues: a.sent() }, "broken");
    expect(b.sent()).toMatchObject({ text: "one two three", isTextKept: true });
    const { text: rest } = runGate(eventsOf(dialect, whole, "c").join(""), { dialect, continues: b.sent() });
    expect(readStrictly(dialect, text + more + rest)).toMatchObject({
      text: "one two three four",
      calls: [{ name: "ls", args: ARGS }],
    });
  });

  test("that broke again in a held call has sent no more than before", () => {
    const first = eventsOf(dialect, { say: ["one"] }).slice(0, dialect === "chat" ? 2 : 4);
    const { gate: a, text } = runGate(first.join(""), { dialect }, "broken");
    const whole = { say: ["one"], calls: [CALL] };
    const events = eventsOf(dialect, whole, "b");
    const { gate: b, text: more } = runGate(
      events.slice(0, -3).join(""),
      { dialect, continues: a.sent() },
      "broken",
    );
    const { text: rest } = runGate(eventsOf(dialect, whole, "c").join(""), { dialect, continues: b.sent() });
    expect(readStrictly(dialect, text + more + rest)).toMatchObject({ text: "one", calls: [{ args: ARGS }] });
  });
});

test("without tools an answer that says something else is found out at its first word", () => {
  const { gate } = runGate(chatEvent({ content: "one" }), {}, "broken");
  const asked = { takesCalls: () => false };
  const rest = runGate(chatEvent({ content: "two" }), { continues: gate.sent(), asked });
  expect(rest.failure?.kind).toBe("mismatch");
});

test("a resumed chat goes on to the letter or not at all", () => {
  const anyText = fc.string({ unit: fc.constantFrom("a", "b", "😀"), maxLength: 8 });
  fc.assert(
    fc.property(
      anyText.filter((text) => text !== ""),
      anyText.chain((text) =>
        fc.array(fc.nat({ max: text.length }), { maxLength: 4 }).map((cuts) => {
          const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
          return at.slice(1).map((end, index) => text.slice(at[index], end));
        }),
      ),
      (sent, words) => {
        const { gate, text } = runGate(chatEvent({ content: sent }), {}, "broken");
        const answer = [...words.map((content) => chatEvent({ content })), finishEvent("stop"), DONE].join(
          "",
        );
        const rest = runGate(answer, { continues: gate.sent() });
        if (words.join("").startsWith(sent)) {
          expect(readStrictly("chat", text + rest.text)).toMatchObject({
            text: words.join(""),
            finish: "stop",
          });
        } else expect([rest.failure?.kind, rest.text]).toEqual(["mismatch", ""]);
      },
    ),
    { numRuns: 500 },
  );
});

test("the bytes of a continuation are the same however they are cut", () => {
  const { gate } = runGate(chatEvent({ content: "one" }), {}, "broken");
  const continues = gate.sent();
  const answer = [
    chatEvent({ reasoning_content: "hm" }),
    ...["on", "e", " a", " b", " c", " d", " e"].map((content) => chatEvent({ content })),
    ...callEvents("ls", ["{", '"a":', "1", "}"]),
    finishEvent("tool_calls"),
    DONE,
  ].join("");
  const whole = runGate(answer, { continues }).text;
  fc.assert(
    fc.property(anyChunks(answer), ({ chunks }) => {
      expect(runGate(chunks, { continues }).text).toBe(whole);
    }),
  );
});

describe("what can be done about a broken answer", () => {
  const SENT: SentAnswer = {
    text: "one",
    isTextKept: true,
    hasReasoning: false,
    isSealed: false,
    hasOther: false,
    record: undefined,
  };

  test.each<[what: string, sent: SentAnswer | undefined, mayResume: boolean, salvage: string]>([
    ["of which nothing was sent", undefined, false, "afresh"],
    ["that was text", SENT, true, "continue"],
    ["that was text, where the user wants no comparison", SENT, false, "none"],
    ["that was thoughts", { ...SENT, text: "", hasReasoning: true }, false, "continue"],
    ["that was thoughts and text", { ...SENT, hasReasoning: true }, true, "continue"],
    ["that was sealed thoughts", { ...SENT, text: "", isSealed: true }, true, "none"],
    ["that was a refusal", { ...SENT, hasOther: true }, true, "none"],
    ["that was too long a text", { ...SENT, isTextKept: false }, true, "none"],
  ])("%s", (_what, sent, mayResume, salvage) => {
    expect(salvageOf(sent, mayResume)).toBe(salvage as "none");
  });

  test("is seen by a seal among the thoughts", () => {
    const sealed = responsesEvents([{ think: ["hm"], seal: "xyz" }, { say: ["one"] }]).slice(0, 7);
    expect(runGate(sealed.join(""), { dialect: "responses" }, "broken").gate.sent()?.isSealed).toBe(true);
    const details = [{ type: "reasoning.encrypted", data: "xyz" }];
    const chat = chatEvent({ reasoning_details: details }) + chatEvent({ content: "one" });
    expect(runGate(chat, {}, "broken").gate.sent()?.isSealed).toBe(true);
  });
});
