import { expect, test } from "bun:test";
import fc from "fast-check";
import type { CallPiece } from "../../../src/core/dialect/hub-answer.ts";
import { HeldEvents, KEPT_CHARS, SentText, WrittenCalls } from "../../../src/core/stream/held-calls.ts";

function piece(parts: Partial<CallPiece>): CallPiece {
  return { index: undefined, id: "", name: "", more: "", whole: undefined, isFreeform: false, ...parts };
}

function written(...pieces: Partial<CallPiece>[]): string[] {
  const calls = new WrittenCalls();
  for (const parts of pieces) calls.add(piece(parts));
  return calls.all.map(({ name, pieces: given }) => `${name}(${given})`);
}

test.each<[how: string, pieces: Partial<CallPiece>[], calls: string[]]>([
  [
    "mixed pieces with numbers",
    [
      { index: 0, id: "a", name: "read" },
      { index: 1, id: "b", name: "list" },
      { index: 0, more: "{}" },
      { index: 1, more: "[" },
    ],
    ["read({})", "list([)"],
  ],
  [
    "ids without numbers",
    [
      { id: "a", name: "read", more: "{" },
      { id: "a", more: "}" },
    ],
    ["read({})"],
  ],
  ["neither number nor id", [{ id: "a", name: "read" }, { more: "{" }, { more: "}" }], ["read({})"]],
  [
    "number 0 for every call",
    [
      { index: 0, id: "a", name: "read", more: "{}" },
      { index: 0, id: "b", name: "list", more: "{}" },
    ],
    ["read({})", "list({})"],
  ],
  [
    "a name that follows later",
    [
      { index: 0, id: "a", more: "{" },
      { index: 0, name: "read", more: "}" },
    ],
    ["read({})"],
  ],
])("calls are assembled from %s", (_how, pieces, calls) => {
  expect(written(...pieces)).toEqual(calls);
});

test.each<[call: Partial<CallPiece>, fault: string | undefined]>([
  [{ name: "read", more: '{"path":"a"}' }, undefined],
  [{ name: "read" }, undefined],
  [{ name: "read", more: '{"path":' }, "the arguments of a call of read are not whole"],
  [{ name: "read", more: "[1]" }, "the arguments of a call of read are not whole"],
  [{ name: "read", more: '{"path":', whole: '{"path":"a"}' }, undefined],
  [{ name: "patch", more: "*** Begin", isFreeform: true }, undefined],
  [{ id: "a", more: "{}" }, "a tool call has no name"],
])("%j has the fault %s", (parts, fault) => {
  const calls = new WrittenCalls();
  calls.add(piece(parts));
  expect(calls.fault()).toBe(fault);
});

test("held events come back byte for byte, in order, however many there are", () => {
  const anyParts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200_000 }), { maxLength: 6 });
  fc.assert(
    fc.property(anyParts, (parts) => {
      const held = new HeldEvents();
      for (const part of parts) held.add(part);
      expect(held.bytes).toBe(parts.reduce((sum, part) => sum + part.length, 0));
      expect(Buffer.concat([...held.take()]).equals(Buffer.concat(parts))).toBe(true);
      expect([held.bytes, held.isSmall, [...held.take()].length]).toEqual([0, true, 0]);
    }),
    { numRuns: 30 },
  );
});

test("a text is forgotten once it is too long, and events are read only when needed", () => {
  const text = new SentText();
  let reads = 0;
  const reader = {
    wordsOf: (events: string) => {
      reads++;
      return events.toUpperCase();
    },
  };
  text.add("a");
  text.addEvents(reader, "b");
  text.addEvents(reader, "c");
  expect(reads).toBe(0);
  expect([String(text), reads]).toEqual(["aBC", 1]);
  text.add("x".repeat(KEPT_CHARS));
  expect([text.isKept, String(text)]).toEqual([false, ""]);
});
