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
  type ResponsesPart,
  responsesEvents,
} from "./streams.ts";

const encoder = new TextEncoder();

const USAGE = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 5 } })}\n\n`;
const THOUGHT = chatEvent({ reasoning_content: "hm" });
const WORDS = [chatEvent({ content: "I look" }), chatEvent({ content: " around." })];
const FIRST = callEvents("ls", ['{"path"', ":", '"."}']);
const SECOND = callEvents("cat", ['{"path":', '"a"}'], 1);
const CALLS = [...FIRST, ...SECOND];

/** A chat with reasoning, text and two tool calls. */
const CHAT = [
  chatEvent({ role: "assistant", content: "" }),
  THOUGHT,
  ...WORDS,
  ...CALLS,
  finishEvent("tool_calls"),
  USAGE,
  DONE,
];

const PARTS: ResponsesPart[] = [
  { think: ["hm"] },
  { say: ["I look", " around."] },
  { call: "ls", pieces: ['{"path"', ":", '"."}'] },
  { call: "cat", pieces: ['{"path":', '"a"}'] },
];

const RESPONSES = responsesEvents(PARTS);

const isOfCall = (event: string): boolean => /tool_calls|function_call|"cat"|"ls"/.test(event);

describe.each([
  ["chat", CHAT],
  ["responses", RESPONSES],
] as const)("tool calls of a %s stream", (dialect, events) => {
  const finishAt = events.findIndex((event) => /"finish_reason":"|response\.completed/.test(event));
  const callAt = events.findIndex(isOfCall);

  test("go out with the finish, and all that comes before them at once", () => {
    const gate = new StreamGate({ dialect });
    const passed = events.map((event) => {
      const { pass } = gate.push(encoder.encode(event));
      return Buffer.from(pass ?? []).toString();
    });
    expect(passed.slice(callAt, finishAt).join("")).toBe("");
    expect(passed.slice(0, callAt).join("")).toBe(events.slice(0, callAt).join(""));
    expect(passed[finishAt]).toBe(events.slice(callAt, finishAt + 1).join(""));
    expect(gate.isFinished).toBe(true);
  });

  test("are whole byte for byte, however the stream is cut into chunks", () => {
    fc.assert(
      fc.property(anyChunks(events.join("")), ({ text, chunks }) => {
        const seen = runGate(chunks, { dialect });
        expect([seen.failure, seen.text]).toEqual([undefined, text]);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ["closed", "ends"],
    ["broken", "breaks"],
  ] as const)("never go out where the stream %s before the finish", (end) => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 0, max: events.slice(0, finishAt).join("").length })
          .chain((at) => anyChunks(events.join("").slice(0, at))),
        ({ chunks }) => {
          const seen = runGate(chunks, { dialect }, end);
          expect(seen.failure?.kind).toBe("cut");
          expect(isOfCall(seen.text)).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("never go out where an error comes before the finish", () => {
    const error = dialect === "chat" ? errorEvent("out") : 'data: {"type":"error","message":"out"}\n\n';
    for (let at = callAt; at < finishAt; at++) {
      const seen = runGate(events.slice(0, at).join("") + error, { dialect });
      expect(seen.failure?.kind).toBe("said");
      expect(isOfCall(seen.text)).toBe(false);
    }
  });

  test("are not part of what was sent while they are held", () => {
    const { gate } = runGate(events.slice(0, finishAt).join(""), { dialect });
    expect(gate.sent()).toMatchObject({ text: "I look around.", hasReasoning: true, hasOther: false });
    expect(gate.isHolding).toBe(true);
    expect(gate.progress()).toEqual({ phase: "call", tool: "cat", chars: 24 });
  });

  test("from the first event on hold the head, too: nothing was sent", () => {
    const parts = dialect === "chat" ? CALLS : responsesEvents(PARTS.slice(2)).slice(0, -1);
    const { gate, text } = runGate(parts.join(""), { dialect });
    expect([text, gate.isOpen, gate.sent()]).toEqual(["", true, undefined]);
  });
});

test("text behind a call is held with it", () => {
  const late = chatEvent({ content: "Done." });
  const stream = [...FIRST, late, late, late, late, late].join("");
  const { gate, text } = runGate(stream);
  expect([text, gate.sent()]).toEqual(["", undefined]);
  expect(runGate(stream + finishEvent("tool_calls") + DONE).text).toBe(
    stream + finishEvent("tool_calls") + DONE,
  );
});

test("text that was alike before a call is not taken for sent behind it", () => {
  const word = chatEvent({ content: "w" });
  const words = Array.from({ length: 8 }, () => word).join("");
  // Each in its own chunk, so that the form of the events is known when the call begins.
  const chunks = [...Array.from({ length: 8 }, () => word), ...FIRST, word, word].map((event) =>
    encoder.encode(event),
  );
  const { gate, text } = runGate(chunks);
  expect([text, gate.sent()?.text]).toEqual([words, "w".repeat(8)]);
});

describe("a call that is not whole", () => {
  const end = finishEvent("tool_calls") + DONE;

  test.each([
    ["is cut in its arguments", callEvents("ls", ['{"path":"'])],
    ["has arguments that are no object", callEvents("ls", ["[1]"])],
    ["has no name", callEvents("", ["{}"])],
    ["is the second of two", [...FIRST, ...callEvents("cat", ['{"a'], 1)]],
  ])("where it %s fails the answer", (_what, events) => {
    const { failure, text } = runGate(events.join("") + end);
    expect([failure?.kind, text]).toEqual(["bad-call", ""]);
  });

  test("fails a response", () => {
    const { failure, text } = runGate(responsesEvents([{ call: "ls", pieces: ['{"a'] }]).join(""), {
      dialect: "responses",
    });
    expect([failure?.kind, text]).toEqual(["bad-call", ""]);
  });

  test("is passed on where others have written it no better", () => {
    const events = callEvents("ls", ['{"path":"']).join("") + end;
    const { failure, text } = runGate(events, { asked: { mayHaveBadCalls: () => true } });
    expect([failure, text]).toEqual([undefined, events]);
  });

  test("is left out where a filter has ended the answer", () => {
    const filtered = finishEvent("content_filter") + DONE;
    const { failure, text } = runGate(callEvents("ls", ['{"path":"']).join("") + filtered);
    expect([failure, text]).toEqual([undefined, filtered]);
  });
});

test.each<[name: string, events: string[]]>([
  ["without arguments", callEvents("ls", [])],
  [
    "with the same number for each call",
    [
      chatEvent({ tool_calls: [{ index: 0, id: "a", function: { name: "ls", arguments: "{}" } }] }),
      chatEvent({ tool_calls: [{ index: 0, id: "b", function: { name: "cat", arguments: "{}" } }] }),
    ],
  ],
  [
    "without numbers",
    [
      chatEvent({ tool_calls: [{ id: "a", function: { name: "ls", arguments: "{" } }] }),
      chatEvent({ tool_calls: [{ function: { arguments: "}" } }] }),
      chatEvent({ tool_calls: [{ id: "b", function: { name: "cat", arguments: "{}" } }] }),
    ],
  ],
  [
    "with arguments before the name",
    [
      chatEvent({ tool_calls: [{ index: 0, id: "a", function: { arguments: "{}" } }] }),
      chatEvent({ tool_calls: [{ index: 0, function: { name: "ls" } }] }),
    ],
  ],
  [
    "with arguments that are a value",
    [chatEvent({ tool_calls: [{ index: 0, id: "a", function: { name: "ls", arguments: { a: 1 } } }] })],
  ],
  ["in the old form", [chatEvent({ function_call: { name: "ls", arguments: "{}" } })]],
])("a call %s is whole", (_name, events) => {
  const stream = events.join("") + finishEvent("tool_calls") + DONE;
  expect(runGate(stream)).toMatchObject({ failure: undefined, text: stream });
});

test("a call that the provider runs itself is not held", () => {
  const search = `data: ${JSON.stringify({ type: "response.output_item.added", output_index: 0, item: { type: "web_search_call", id: "ws" } })}\n\n`;
  const { gate, text } = runGate(search, { dialect: "responses" });
  expect([gate.isHolding, text]).toEqual([false, search]);
});

test("a call behind the finish is never passed on", () => {
  const stream = chatEvent({ content: "Hi" }) + finishEvent("stop") + FIRST.join("") + DONE;
  expect(isOfCall(runGate(stream).text)).toBe(false);
});

describe("a long call", () => {
  const events = (count: number): Uint8Array[] => {
    const piece = "x".repeat(60);
    const pieces = ['{"text":"', ...Array.from({ length: count }, () => piece), '"}'];
    return [...callEvents("write", pieces), finishEvent("tool_calls"), DONE].map((event) =>
      encoder.encode(event),
    );
  };

  test("comes out byte for byte, though it is held in little memory", () => {
    // 20,000 pieces: 4 MiB of events, and 1.2 MB of arguments.
    const chunks = events(20_000);
    const { failure, text } = runGate(chunks);
    expect(failure).toBeUndefined();
    expect(text === Buffer.concat(chunks).toString()).toBe(true);
  });

  test("of more than 4 MiB fails, and no part of it goes out", () => {
    const { failure, text } = runGate(events(75_000));
    expect([failure?.kind, text]).toEqual(["too-long", ""]);
  });

  test("of more than 4 MiB in one event fails, too", () => {
    const whole = callEvents("write", [`{"text":"${"x".repeat(5 * 1024 * 1024)}"}`]);
    const { failure, text } = runGate(whole.join("") + finishEvent("tool_calls"));
    expect([failure?.kind, text]).toEqual(["too-long", ""]);
  });

  test("of more than 4 MiB fails in the responses dialect, too", () => {
    const pieces = ['{"text":"', ...Array.from({ length: 50 }, () => "x".repeat(100_000)), '"}'];
    const stream = responsesEvents([{ call: "write", pieces }]).join("");
    const { failure, text } = runGate(stream, { dialect: "responses" });
    expect([failure?.kind, text]).toEqual(["too-long", ""]);
  });
});
