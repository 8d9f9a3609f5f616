import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { latin1 } from "../../../src/core/stream/bytes.ts";
import { EventForm, WordFinder } from "../../../src/core/stream/event-fast-path.ts";
import { runGate } from "./run-gate.ts";
import { chatEvent, DONE, errorEvent, finishEvent } from "./streams.ts";

const encoder = new TextEncoder();
const FINDER = new WordFinder({
  text: ["content"],
  reasoning: ["reasoning_content", "reasoning"],
  arguments: ["arguments"],
});
const latin1Of = (text: string): string => latin1(encoder.encode(text));
const lengthOf = (text: string): number => encoder.encode(text).length;

/** The form of an event with the text "Hi". */
function formOf(event = chatEvent({ content: "Hi" }), text = "Hi", argumentText = ""): EventForm {
  const form = EventForm.of(encoder.encode(event), { text, argumentText }, FINDER);
  if (form === undefined) throw new Error("the event has no form");
  return form;
}

describe("the form of an event", () => {
  test("is followed as long as only the words differ, and gives them as a parser would", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary", minLength: 1, maxLength: 12 }), { maxLength: 6 }),
        (words) => {
          const events = words.map((content) => chatEvent({ content })).join("");
          const stream = latin1Of(events + finishEvent("stop"));
          const end = formOf().endFrom(stream, 0);
          expect(end).toBe(lengthOf(events));
          // A lone surrogate has no bytes: it is written and read as an escape.
          expect(formOf().wordsOf(stream.slice(0, end))).toBe(words.join(""));
        },
      ),
    );
  });

  test.each([
    ["an end", finishEvent("stop")],
    ["no words at all", chatEvent({ content: "" })],
    ["words with an end", chatEvent({ content: "Hi" }, "stop")],
    ["an error", errorEvent("no")],
    ["the end mark", DONE],
    ["a tool call", chatEvent({ tool_calls: [{ index: 0, function: { name: "ls", arguments: "{}" } }] })],
    ["words and thoughts", chatEvent({ content: "Hi", reasoning_content: "hm" })],
    ["an event that is not all there", chatEvent({ content: "Hi" }).slice(0, -1)],
    ["an event that breaks off in its words", `${chatEvent({ content: "Hi" }).slice(0, -50)}\n\n`],
    ["a quote that ends the words too soon", chatEvent({ content: "Hi" }).replace("Hi", 'H"i')],
    ["an escape that is none", chatEvent({ content: "Hi" }).replace("Hi", "H\\i")],
    ["a line break in the words", chatEvent({ content: "Hi" }).replace("Hi", "H\ni")],
    ["a quote that is let go by a backslash", chatEvent({ content: "Hi" }).replace("Hi", "Hi\\")],
    ["a comment", ": still here\n\n"],
    ["lines that end otherwise", chatEvent({ content: "Hi" }).replaceAll("\n", "\r\n")],
  ])("does not fit %s", (_name, event) => {
    expect(formOf().endFrom(latin1Of(event), 0)).toBe(0);
  });

  test.each<[name: string, event: string, text: string]>([
    ["words that are empty", chatEvent({ content: "" }), ""],
    ["two strings that could differ", chatEvent({ content: "a", reasoning_content: "b" }), "a"],
    ["words that stand elsewhere than the answer's", chatEvent({ x: { content: "a" } }), ""],
    ["more than one line", `id: x\n${chatEvent({ content: "a" })}`, "a"],
  ])("is not taken of %s", (_name, event, text) => {
    expect(EventForm.of(encoder.encode(event), { text, argumentText: "" }, FINDER)).toBeUndefined();
  });

  test("is found for thoughts and for arguments, too", () => {
    const thought = (text: string): string => chatEvent({ content: "", reasoning_content: text });
    const form = formOf(thought("hm"), "");
    const thoughts = latin1Of(thought("so") + thought("well"));
    expect(form.endFrom(thoughts, 0)).toBe(thoughts.length);
    const piece = (text: string): string =>
      chatEvent({ tool_calls: [{ index: 0, function: { arguments: text } }] });
    const pieces = latin1Of(piece('{"a":') + piece("1}"));
    expect(formOf(piece("x"), "", "x").wordsOf(pieces)).toBe('{"a":1}');
  });
});

function passed(chunks: Uint8Array[]): unknown {
  const { gate, text, failure } = runGate(chunks);
  return { text, failure, usage: gate.usage, sent: gate.sent() };
}

const anyEvent = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.string({ unit: "grapheme", maxLength: 6 }).map((content) => chatEvent({ content })),
  },
  { weight: 3, arbitrary: fc.string({ maxLength: 6 }).map((hm) => chatEvent({ reasoning_content: hm })) },
  {
    weight: 2,
    arbitrary: fc
      .string({ maxLength: 6 })
      .map((json) => chatEvent({ tool_calls: [{ index: 0, function: { arguments: json } }] })),
  },
  fc.constantFrom(
    ": hm\n\n",
    "data: {\n\n",
    errorEvent("no"),
    finishEvent("stop"),
    chatEvent({ content: "a" }, "length"),
    `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } })}\n\n`,
    `data: ${JSON.stringify({ choices: [{ delta: null }] })}\n\n`,
    DONE,
  ),
);

test("a stream comes to the same whether its events are known by their form or each is parsed", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), fc.integer({ min: 1, max: 400 }), (events, size) => {
      const bytes = encoder.encode(events.join(""));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.slice(at * size, (at + 1) * size),
      );
      // In one chunk no form is known before its end, so everything is parsed.
      expect(passed(chunks)).toEqual(passed([bytes]));
    }),
    { numRuns: 500 },
  );
});
