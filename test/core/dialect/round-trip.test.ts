import { expect, test } from "bun:test";
import fc from "fast-check";
import type { WireEvent } from "../../../src/core/dialect/hub-answer.ts";
import type { Dialect } from "../../../src/core/dialect/registry.ts";
import { createEventBytes, encodeEvents } from "../../../src/core/dialect/translate.ts";
import { DONE } from "../../../src/core/stream/sse.ts";
import { type GateEnd, StreamGate } from "../../../src/core/stream/stream-gate.ts";
import { anyChunks } from "../stream/streams.ts";
import { chunk, OPTIONS, readChat, translateAll, usageChunk, wayFrom } from "./answers.ts";

const anyText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });

/** Parts of an answer in any order; each call is opened once and its arguments arrive in mixed pieces. */
const anyAnswer = fc
  .record({
    pieces: fc.array(
      fc.oneof(
        anyText.map((text) => ({ kind: "content" as const, text })),
        anyText.map((text) => ({ kind: "reasoning_content" as const, text })),
        fc.tuple(fc.nat({ max: 2 }), anyText).map(([at, text]) => ({ kind: "call" as const, at, text })),
      ),
      { minLength: 1, maxLength: 16 },
    ),
    isCut: fc.boolean(),
  })
  .map(({ pieces, isCut }): WireEvent[] => {
    const open: number[] = [];
    const deltas = pieces.map((piece) => {
      if (piece.kind !== "call") return chunk({ [piece.kind]: piece.text });
      const known = open.indexOf(piece.at);
      const index = known < 0 ? open.push(piece.at) - 1 : known;
      const head = known < 0 ? { id: `id${index}`, type: "function" } : {};
      const name = known < 0 ? { name: `tool${index}` } : {};
      return chunk({ tool_calls: [{ index, ...head, function: { ...name, arguments: piece.text } }] });
    });
    const finish = isCut ? "length" : open.length > 0 ? "tool_calls" : "stop";
    const speaks = pieces.some(({ kind }) => kind !== "reasoning_content");
    return [
      chunk({ role: "assistant", content: "" }),
      ...deltas,
      ...(speaks ? [] : [chunk({ content: "." })]),
      chunk({}, finish),
      usageChunk(),
      DONE,
    ];
  });

test("a chat's answer is the same after it was a Responses answer", () => {
  fc.assert(
    fc.property(anyAnswer, (events) => {
      expect(readChat(translateAll("responses", translateAll("chat", events)))).toEqual(readChat(events));
    }),
    { numRuns: 300 },
  );
});

/** Translates a stream under every split of its bytes, and returns the gate's result. */
function translateBytes(
  from: Dialect,
  to: Dialect,
  chunks: readonly Uint8Array[],
): { text: string; end: GateEnd } {
  const translator = createEventBytes({ from, to }, OPTIONS);
  // The answers are generated: their calls need not be JSON, and some are empty.
  const asked = { mayBeEmpty: () => true, mayHaveBadCalls: () => true };
  const gate = new StreamGate({ dialect: to, asked });
  const parts = [...chunks.map((bytes) => translator.push(bytes)), translator.end()];
  for (const part of parts) if (!gate.isDone) expect(gate.push(part).failure).toBeUndefined();
  return { text: Buffer.concat(parts).toString(), end: gate.end() };
}

test.each<[from: Dialect, to: Dialect]>([
  ["chat", "responses"],
  ["responses", "chat"],
])(
  "from %s to %s the split of the bytes makes no difference, and the gate takes the outcome for whole",
  (from, to) => {
    const text = anyAnswer.map((chat) => {
      const events = from === "chat" ? chat : translateAll("chat", chat);
      return { events, text: `: hello\n\n${Buffer.from(encodeEvents(events)).toString()}` };
    });
    fc.assert(
      fc.property(
        text.chain(({ events, text }) => anyChunks(text).map(({ chunks }) => ({ events, chunks }))),
        ({ events, chunks }) => {
          const expected = Buffer.from(encodeEvents(translateAll(from, events))).toString();
          const { text, end } = translateBytes(from, to, chunks);
          expect(text).toBe(`: hello\n\n${expected}`);
          expect(end.kind).toBe("complete");
        },
      ),
      { numRuns: 200 },
    );
  },
);

test("an answer cut anywhere before its finish is never taken for whole", () => {
  fc.assert(
    fc.property(anyAnswer, fc.nat(), fc.constantFrom<Dialect>("chat", "responses"), (chat, at, from) => {
      const events = from === "chat" ? chat : translateAll("chat", chat);
      // In a chat three events follow the last word: the finish, the token count and the end mark.
      const cut = events.slice(0, at % (events.length - (from === "chat" ? 2 : 0)));
      const bytes = encodeEvents(cut);
      expect(translateBytes(from, from === "chat" ? "responses" : "chat", [bytes]).end.kind).toBe("broken");
    }),
  );
});

test("an event that is no JSON is left to the gate, which counts it", () => {
  const translator = createEventBytes(wayFrom("responses"), OPTIONS);
  const gate = new StreamGate({ dialect: "chat" });
  gate.push(translator.push(new TextEncoder().encode("data: {oh\n\n")));
  expect(gate.dropped).toBe(1);
});
