import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Dialect } from "../../../src/core/routing/route.ts";
import { MISMATCH, StreamGate } from "../../../src/core/stream/stream-gate.ts";
import { anyChunks, chatEvent, DONE, errorEvent, finishEvent, responsesAnswer } from "./streams.ts";

const encoder = new TextEncoder();

/** Feeds a gate and says all that came of it. */
function run(chunks: Uint8Array[], options: { dialect?: Dialect; resumeAfter?: string } = {}) {
  const gate = new StreamGate({ dialect: "chat", ...options });
  const passed: Uint8Array[] = [];
  for (const chunk of chunks) {
    const step = gate.push(chunk);
    if (step.pass !== undefined) passed.push(step.pass);
    if (step.error !== undefined) return { gate, text: textOf(passed), error: step.error, end: undefined };
    if (gate.isDone) break;
  }
  const end = gate.end();
  if (end.kind === "complete" && end.tail !== undefined) passed.push(end.tail);
  return { gate, text: textOf(passed), error: undefined, end };
}

function textOf(parts: Uint8Array[]): string {
  return Buffer.concat(parts).toString();
}

const bytesOf = (text: string): Uint8Array[] => [encoder.encode(text)];

/** Keep-alives, comments and blank lines as providers strew them in. */
const anyNoise = fc.constantFrom(
  "",
  "",
  ": keep-alive\n\n",
  ":\n\n",
  "\n",
  "event: ping\n\n",
  "retry: 100\n\n",
);

const anyWords = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }), {
  minLength: 1,
  maxLength: 6,
});

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
        const seen = run(chunks);
        expect(seen.end?.kind).toBe("complete");
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
        const seen = run(chunks, { dialect: "responses" });
        expect(seen.end?.kind).toBe("complete");
        expect(seen.text).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  test("comes out the same byte by byte", () => {
    const text = `: hi\n\n${chatEvent({ content: "häß😀" })}${finishEvent("stop")}${DONE}`;
    const seen = run([...encoder.encode(text)].map((byte) => Uint8Array.of(byte)));
    expect(seen.text).toBe(text);
  });

  test("makes progress by what is said, not by chunks with nothing in them", () => {
    const gate = new StreamGate({ dialect: "chat" });
    const progressed = (text: string): boolean => gate.push(encoder.encode(text)).progressed;
    const word = chatEvent({ content: "Hi" });
    const empty = chatEvent({ content: "" });
    // Often enough for the form of the words to be known.
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
    expect(textOf([first.pass ?? new Uint8Array()])).toContain(": busy");
    const half = chatEvent({ content: "there" }).slice(0, 20);
    expect(gate.push(encoder.encode(half)).pass).toBeUndefined();
  });
});

describe("a resumed stream", () => {
  test("goes on to the letter or not at all", () => {
    // Few letters, so that likeness is common.
    const anyText = fc.string({ unit: fc.constantFrom("a", "b", "😀"), maxLength: 8 });
    const anyPieces = (text: string) =>
      fc.array(fc.nat({ max: text.length }), { maxLength: 4 }).map((cuts) => pieces(text, cuts));
    fc.assert(
      fc.property(
        anyText.filter((text) => text !== ""),
        anyText.chain(anyPieces),
        fc.boolean(),
        (sent, words, isOneEvent) => {
          const whole = words.join("");
          const last = words.at(-1) ?? "";
          const events = isOneEvent
            ? [
                ...words.slice(0, -1).map((content) => chatEvent({ content })),
                chatEvent({ content: last }, "stop"),
              ]
            : [...words.map((content) => chatEvent({ content })), finishEvent("stop")];
          const seen = run(bytesOf(events.join("") + DONE), { resumeAfter: sent });
          if (whole.startsWith(sent)) {
            expect(seen.end?.kind).toBe("complete");
            expect(sent + said(seen.text)).toBe(whole);
            expect(seen.text).toContain('"finish_reason":"stop"');
          } else {
            expect(seen.error ?? (seen.end?.kind === "cut" && seen.end.why)).toBe(MISMATCH);
            expect(seen.text).toBe("");
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test("knows all that the client has when it breaks again", () => {
    const text = chatEvent({ content: "one two" }) + chatEvent({ content: " three" });
    const { gate } = run(bytesOf(text), { resumeAfter: "one" });
    expect(gate.sent()).toEqual({ text: "one two three", onlyText: true });
  });

  test.each([
    ["a tool call", chatEvent({ tool_calls: [{ index: 0, function: { name: "ls", arguments: "{}" } }] })],
    ["an end", finishEvent("stop")],
    ["the end mark", DONE],
  ])("is another answer when %s comes before the point where it broke", (_name, event) => {
    const seen = run(bytesOf(chatEvent({ content: "on" }) + event), { resumeAfter: "one" });
    expect(seen).toMatchObject({ error: MISMATCH, text: "" });
  });

  test("leaves out what a model thinks before it says the same again", () => {
    const text =
      chatEvent({ reasoning_content: "hm" }) + chatEvent({ content: "one!" }) + finishEvent("stop") + DONE;
    expect(run(bytesOf(text), { resumeAfter: "one" }).text).not.toContain("hm");
  });
});

function pieces(text: string, cuts: number[]): string[] {
  const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}

function said(stream: string): string {
  return [...stream.matchAll(/^data: (\{.*\})$/gm)]
    .map(([, json = ""]) => JSON.parse(json).choices[0]?.delta?.content ?? "")
    .join("");
}

const HI = chatEvent({ content: "Hi" });
const CALL = chatEvent({ tool_calls: [{ index: 0, id: "c", function: { name: "ls", arguments: "{}" } }] });

test.each<[name: string, stream: string, what: string, contains: string]>([
  ["no [DONE]", HI + finishEvent("stop"), "complete", DONE],
  ["a last event without its blank line", HI + finishEvent("stop") + DONE.trimEnd(), "complete", "[DONE]"],
  ["[DONE] without a finish", HI + DONE, "cut", HI],
  ["[DONE] without a finish after a call", CALL + DONE, "cut", CALL],
  ["no finish and no [DONE]", HI, "cut", HI],
  ["nothing at all", "", "cut", ""],
  ["[DONE] alone", DONE, "cut", ""],
  ["thoughts and [DONE]", chatEvent({ reasoning_content: "hm" }) + DONE, "cut", "hm"],
  ["a finish without a word", finishEvent("stop") + DONE, "complete", '"finish_reason":"stop"'],
  ["an unknown finish", HI + finishEvent("eos") + DONE, "complete", '"finish_reason":"stop"'],
  ["max_tokens for length", HI + finishEvent("max_tokens") + DONE, "complete", '"finish_reason":"length"'],
  [
    "SAFETY for content_filter",
    HI + finishEvent("SAFETY") + DONE,
    "complete",
    '"finish_reason":"content_filter"',
  ],
  [
    "tool_calls behind mere words",
    HI + finishEvent("tool_calls") + DONE,
    "complete",
    '"finish_reason":"stop"',
  ],
  ["stop behind a call", CALL + finishEvent("stop") + DONE, "complete", '"finish_reason":"tool_calls"'],
  ["tool_calls without a call", finishEvent("tool_calls") + DONE, "error", ""],
  ["a finish named error", HI + finishEvent("error") + DONE, "error", HI],
  ["an error event", HI + errorEvent("out of luck"), "error", HI],
  ["an error behind the finish", HI + finishEvent("stop") + errorEvent("late") + DONE, "complete", "[DONE]"],
  ["an event that is no JSON", `data: {"half\n\n${HI}${finishEvent("stop")}${DONE}`, "complete", HI],
])("%s", (_name, stream, what, contains) => {
  const seen = run(bytesOf(stream));
  expect(seen.error === undefined ? seen.end?.kind : "error").toBe(what as "cut");
  expect(seen.text).toContain(contains);
  expect(seen.text).not.toContain("half");
  // What did not end well must not look as if it had.
  if (what !== "complete") expect(seen.text).not.toContain("[DONE]");
});

test("a response that fails is an error, also in the middle", () => {
  const failed = `event: response.failed\ndata: ${JSON.stringify({ type: "response.failed", response: { error: { code: "server_error", message: "out" } } })}\n\n`;
  const seen = run(bytesOf(failed), { dialect: "responses" });
  expect(JSON.parse(seen.error ?? "")).toEqual({ error: { code: "server_error", message: "out" } });
});

test("tokens are counted in both dialects", () => {
  const chat = `${HI}data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n`;
  expect(run(bytesOf(chat)).gate.usage).toEqual({ input: 3, output: 5 });
  const responses = run(bytesOf(responsesAnswer(["Hi"])), { dialect: "responses" });
  expect(responses.gate.usage).toEqual({ input: 3, output: 5 });
});

test("a stream without a blank line is given up before it fills the memory", () => {
  const gate = new StreamGate({ dialect: "chat" });
  const chunk = new Uint8Array(1024 * 1024).fill(0x61);
  let chunks = 0;
  while (chunks < 64 && gate.push(chunk).error === undefined) chunks++;
  expect(chunks).toBeLessThan(20);
});
