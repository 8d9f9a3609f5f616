import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { StreamGate } from "../../../src/core/stream/stream-gate.ts";
import { runGate } from "./run-gate.ts";
import {
  anyChunks,
  callEvents,
  chatEvent,
  DONE,
  errorEvent,
  finishEvent,
  responsesAnswer,
  responsesEvents,
} from "./streams.ts";

const encoder = new TextEncoder();

/** Keep-alives, comments and blank lines as providers insert them. */
const anyNoise = fc.constantFrom(
  "",
  "",
  ": keep-alive\n\n",
  ":\n\n",
  "\n",
  "event: ping\n\n",
  "retry: 100\n\n",
);

const anyWords = fc
  .array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 })
  // An answer of blanks counts as empty.
  .filter((words) => words.join("").trim() !== "");

const anyChatAnswer = fc
  .tuple(anyWords, fc.array(anyNoise, { minLength: 8, maxLength: 8 }), fc.boolean(), fc.boolean())
  .map(([words, noise, hasUsage, isCrlf]) => {
    const events = [
      chatEvent({ role: "assistant", content: "" }),
      ...words.map((content) => chatEvent({ content })),
      finishEvent("stop"),
      ...(hasUsage
        ? [`data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 5 } })}\n\n`]
        : []),
    ];
    const text = events.map((event, index) => (noise[index % noise.length] ?? "") + event).join("") + DONE;
    return isCrlf ? text.replaceAll("\n", "\r\n") : text;
  });

describe("a good stream", () => {
  test("comes out with exactly the bytes that went in, however a chat is cut into chunks", () => {
    fc.assert(
      fc.property(anyChatAnswer.chain(anyChunks), ({ text, chunks }) => {
        const seen = runGate(chunks);
        expect(seen.failure).toBeUndefined();
        expect(seen.text).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  test("comes out with exactly the bytes that went in, however a response is cut into chunks", () => {
    const anyResponse = fc
      .tuple(anyWords, fc.boolean())
      .map(([words, isCrlf]) =>
        isCrlf ? responsesAnswer(words).replaceAll("\n", "\r\n") : responsesAnswer(words),
      );
    fc.assert(
      fc.property(anyResponse.chain(anyChunks), ({ text, chunks }) => {
        const seen = runGate(chunks, { dialect: "responses" });
        expect(seen.failure).toBeUndefined();
        expect(seen.text).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  test("comes out the same byte by byte", () => {
    const text = `: hi\n\n${chatEvent({ content: "häß😀" })}${finishEvent("stop")}${DONE}`;
    const seen = runGate([...encoder.encode(text)].map((byte) => Uint8Array.of(byte)));
    expect(seen.text).toBe(text);
  });

  test("makes progress by what is said, not by chunks with nothing in them", () => {
    const gate = new StreamGate({ dialect: "chat" });
    const progressed = (text: string): boolean => gate.push(encoder.encode(text)).progressed;
    const word = chatEvent({ content: "Hi" });
    const empty = chatEvent({ content: "" });
    // Often enough for the form of the events to be known.
    expect(Array.from({ length: 8 }, () => [progressed(word), progressed(empty)]).flat()).toEqual(
      Array.from({ length: 8 }, () => [true, false]).flat(),
    );
    expect([progressed(": busy\n\n"), progressed(finishEvent("stop"))]).toEqual([false, true]);
  });

  test("is held until its first word, and lets that go at once", () => {
    const gate = new StreamGate({ dialect: "chat" });
    expect(gate.push(encoder.encode(chatEvent({ role: "assistant", content: "" }))).pass).toBeUndefined();
    expect(gate.push(encoder.encode(": busy\n\n"))).toMatchObject({ pass: undefined, progressed: false });
    const first = gate.push(encoder.encode(chatEvent({ content: "Hi" })));
    expect(String(Buffer.from(first.pass ?? []))).toContain(": busy");
    const half = chatEvent({ content: "there" }).slice(0, 20);
    expect(gate.push(encoder.encode(half)).pass).toBeUndefined();
  });
});

const HI = chatEvent({ content: "Hi" });
const CALL = callEvents("ls", ["{", "}"]).join("");
const STOP = finishEvent("stop");

test.each<[name: string, stream: string, failure: string | undefined, contains: string]>([
  ["no [DONE]", HI + STOP, undefined, DONE],
  ["a last event without its blank line", HI + STOP + DONE.trimEnd(), undefined, "[DONE]"],
  ["[DONE] without a finish", HI + DONE, "cut", HI],
  ["[DONE] without a finish after a call", CALL + DONE, "cut", ""],
  ["no finish and no [DONE]", HI, "cut", HI],
  ["nothing at all", "", "cut", ""],
  ["[DONE] alone", DONE, "cut", ""],
  ["thoughts and [DONE]", chatEvent({ reasoning_content: "hm" }) + DONE, "cut", "hm"],
  ["an unknown finish", HI + finishEvent("eos") + DONE, undefined, '"finish_reason":"stop"'],
  ["max_tokens for length", HI + finishEvent("max_tokens") + DONE, undefined, '"finish_reason":"length"'],
  ["SAFETY for content_filter", HI + finishEvent("SAFETY"), undefined, '"finish_reason":"content_filter"'],
  ["tool_calls behind mere words", HI + finishEvent("tool_calls"), undefined, '"finish_reason":"stop"'],
  ["stop behind a call", CALL + STOP + DONE, undefined, '"finish_reason":"tool_calls"'],
  ["tool_calls without a call", finishEvent("tool_calls") + DONE, "flawed", ""],
  ["a finish named error", HI + finishEvent("error") + DONE, "flawed", HI],
  ["an error event", HI + errorEvent("out of luck"), "said", HI],
  ["an error behind the finish", HI + STOP + errorEvent("late") + DONE, undefined, "[DONE]"],
  ["an event that is no JSON", `data: {"half\n\n${HI}${STOP}${DONE}`, undefined, HI],
  ["a finish without a word", STOP + DONE, "hollow", ""],
  ["blanks and a finish", chatEvent({ content: "\n\n" }) + STOP + DONE, "hollow", ""],
  ["its token limit reached without a word", finishEvent("length"), "hollow", ""],
  ["thoughts and a finish", chatEvent({ reasoning: "hm" }) + STOP + DONE, "hollow", "hm"],
  ["a filter before the first word", finishEvent("content_filter"), undefined, "content_filter"],
  ["a refusal", chatEvent({ refusal: "I will not." }) + STOP, undefined, "I will not."],
  ["text in parts", chatEvent({ content: [{ type: "text", text: "Hi" }] }) + STOP, undefined, "Hi"],
])("%s", (_name, stream, failure, contains) => {
  const seen = runGate(stream);
  expect(seen.failure?.kind).toBe(failure as "cut");
  expect(seen.text).toContain(contains);
  expect(seen.text).not.toContain("half");
  // A failed answer must not look complete.
  if (failure !== undefined) expect(seen.text).not.toMatch(/\[DONE\]|"finish_reason":"/);
});

describe("a hollow answer", () => {
  test.each([
    ["no item", responsesEvents([])],
    ["thoughts alone", responsesEvents([{ think: ["hm"] }])],
    ["an empty message", responsesEvents([{ say: [""] }])],
    ["no item within its token limit", responsesEvents([], "response.incomplete")],
  ])("of the responses dialect has %s", (_name, events) => {
    const { failure, text } = runGate(events.join(""), { dialect: "responses" });
    expect(failure?.kind).toBe("hollow");
    expect(text).not.toContain("response.completed");
  });

  test("is not one whose text came in its last event only", () => {
    const [created = "", ...others] = responsesEvents([{ say: ["Hi"] }]);
    const stream = created + others.at(-1);
    expect(runGate(stream, { dialect: "responses" }).failure).toBeUndefined();
  });

  test("is passed on where the request may be answered by nothing", () => {
    const { failure, text } = runGate(STOP + DONE, { asked: { mayBeEmpty: () => true } });
    expect([failure, text]).toEqual([undefined, STOP + DONE]);
  });
});

test("a response that fails is an error, also in the middle", () => {
  const failed = `event: response.failed\ndata: ${JSON.stringify({ type: "response.failed", response: { error: { code: "server_error", message: "out" } } })}\n\n`;
  const { failure } = runGate(failed, { dialect: "responses" });
  const text = failure?.kind === "said" ? failure.text : "";
  expect(JSON.parse(text)).toEqual({ error: { code: "server_error", message: "out" } });
});

test("tokens are counted in both dialects", () => {
  const chat = `${HI}data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n`;
  expect(runGate(chat).gate.usage).toEqual({ input: 3, output: 5 });
  const responses = runGate(responsesAnswer(["Hi"]), { dialect: "responses" });
  expect(responses.gate.usage).toEqual({ input: 3, output: 5 });
});

test("a stream without a blank line is given up before it fills the memory", () => {
  const gate = new StreamGate({ dialect: "chat" });
  const chunk = new Uint8Array(1024 * 1024).fill(0x61);
  let chunks = 0;
  while (chunks < 64 && gate.push(chunk).failure === undefined) chunks++;
  expect(chunks).toBeLessThan(20);
});

describe("several answers in one stream", () => {
  const event = (index: number, delta: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ choices: [{ index, delta, finish_reason: finish }] })}\n\n`;
  const two = { choices: () => 2 };

  test("are whole when each of them is", () => {
    const early = event(0, { content: "a" }) + event(0, {}, "stop");
    const { gate } = runGate(early, { asked: two }, "broken");
    expect(gate.isFinished).toBe(false);
    // A broken connection must not look like an end.
    expect(runGate(early, { asked: two }, "broken").failure?.kind).toBe("cut");
    const both = early + event(1, { content: "b" });
    expect(runGate(both, { asked: two }).failure?.kind).toBe("cut");
    expect(runGate(both + event(1, {}, "stop"), { asked: two }, "broken").failure).toBeUndefined();
  });

  test("may be fewer than were asked for", () => {
    const { failure, text } = runGate(HI + STOP + DONE, { asked: two });
    expect([failure, text]).toEqual([undefined, HI + STOP + DONE]);
  });

  test("end each for a reason of its own", () => {
    const call = { tool_calls: [{ index: 0, id: "c", function: { name: "ls", arguments: "{}" } }] };
    const stream =
      event(0, { content: "a" }) + event(1, call) + event(0, {}, "stop") + event(1, {}, "stop") + DONE;
    const { text } = runGate(stream, { asked: two });
    expect(text).toContain(event(0, {}, "stop"));
    expect(text).toContain(event(1, {}, "tool_calls"));
  });

  test("in one event end each for a reason of its own, too", () => {
    const choices = [
      { index: 0, delta: { content: "a" }, finish_reason: "eos" },
      { index: 1, delta: { content: "b" }, finish_reason: "length" },
    ];
    const { text } = runGate(`data: ${JSON.stringify({ choices })}\n\n`, { asked: two });
    expect(text).toContain('"finish_reason":"stop"');
    expect(text).toContain('"finish_reason":"length"');
  });
});
