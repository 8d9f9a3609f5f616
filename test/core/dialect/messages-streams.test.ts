import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { WireEvent } from "../../../src/core/dialect/hub-answer.ts";
import { type Dialect, dialectSpec } from "../../../src/core/dialect/registry.ts";
import { AnswerTranslator } from "../../../src/core/dialect/translate.ts";
import { asObject, type JsonObject } from "../../../src/core/json.ts";
import { DONE, sseText } from "../../../src/core/stream/sse.ts";
import { StreamGate } from "../../../src/core/stream/stream-gate.ts";
import { runGate } from "../stream/run-gate.ts";
import { chunk, OPTIONS, readChat } from "./answers.ts";

function translate(from: Dialect, to: Dialect, events: readonly WireEvent[]): WireEvent[] {
  const translator = new AnswerTranslator({ from, to }, { ...OPTIONS, family: "kimi" });
  return [...events.flatMap((event) => translator.push(event)), ...translator.end()];
}

/** An event in short: its type, and what its delta or its block says. */
function brief(event: WireEvent): string {
  if (event === DONE) return DONE;
  const { type, index, delta, content_block: block, usage } = event;
  const said = Object.entries(asObject(delta ?? block)).filter(([name]) => name !== "type");
  const words = said
    .map(([, value]) => (typeof value === "string" ? value : JSON.stringify(value)))
    .join(" ");
  return [type, index, words, usage === undefined ? "" : JSON.stringify(usage)]
    .filter((one) => one !== "" && one !== undefined)
    .join(" ");
}

const start = (usage: object = { input_tokens: 1, output_tokens: 0 }) => ({
  type: "message_start",
  message: { id: "msg_1", type: "message", role: "assistant", model: "m1", content: [], usage },
});
const open = (index: number, content_block: object) => ({
  type: "content_block_start",
  index,
  content_block,
});
const delta = (index: number, one: object) => ({ type: "content_block_delta", index, delta: one });
const text = (index: number, words: string) => delta(index, { type: "text_delta", text: words });
const close = (index: number) => ({ type: "content_block_stop", index });
const end = (stop_reason: string | null, usage: object = { output_tokens: 2 }, more: object = {}) => ({
  type: "message_delta",
  delta: { stop_reason, stop_sequence: null, ...more },
  usage,
});
const STOP = { type: "message_stop" };
const PING = { type: "ping" };
const TEXT = { type: "text", text: "" };
const callBlock = (id: string) => ({ type: "tool_use", id, name: "ls", input: {} });
const HI = [start(), open(0, TEXT), text(0, "Hi"), close(0)];

const wire = (events: readonly JsonObject[]) => events.map(sseText).join("");
const throughGate = (events: readonly JsonObject[]) => runGate(wire(events), { dialect: "messages" });

const toolChunk = (index: number, more: object, given = "") =>
  chunk({
    tool_calls: [{ index, ...more, function: { ...("id" in more ? { name: "ls" } : {}), arguments: given } }],
  });

describe("the stream of a chat as Messages", () => {
  test("has its blocks one after another, a marked signature, and usage without the cached part", () => {
    const usage = {
      prompt_tokens: 1000,
      completion_tokens: 50,
      prompt_tokens_details: { cached_tokens: 800 },
      completion_tokens_details: { reasoning_tokens: 20 },
    };
    const events = translate("chat", "messages", [
      chunk({ reasoning_content: "h" }),
      chunk({ reasoning_content: "m" }),
      chunk({ content: "Hi" }),
      chunk({}, "stop"),
      { choices: [], usage },
      DONE,
    ]);
    expect(events.slice(1).map(brief)).toEqual(
      [
        "content_block_start 0  ".trim(),
        "content_block_delta 0 h",
        "content_block_delta 0 m",
        "content_block_delta 0 orouter.1.kimi.",
        "content_block_stop 0",
        "content_block_start 1",
        "content_block_delta 1 Hi",
        "content_block_stop 1",
        'message_delta end_turn null {"input_tokens":200,"cache_read_input_tokens":800,"output_tokens":50,"output_tokens_details":{"thinking_tokens":20}}',
        "message_stop",
      ].map((line) => expect.stringContaining(line)),
    );
    for (const event of events as JsonObject[])
      expect(sseText(event)).toStartWith(`event: ${event["type"]}\ndata: `);
  });

  test("opens a call when its name is known, and writes one call whole before the next", () => {
    const events = translate("chat", "messages", [
      chunk({ tool_calls: [{ index: 0, id: "a", function: { arguments: '{"p"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { name: "ls" } }] }),
      toolChunk(1, { id: "b" }, '{"q":'),
      toolChunk(0, {}, ":1}"),
      toolChunk(1, {}, "2}"),
      chunk({}, "tool_calls"),
      DONE,
    ]);
    const blocks = events.filter((event) => brief(event).startsWith("content_block"));
    expect(blocks.map((event) => asObject(event)["index"])).toEqual(
      [0, 0, 0, 0, 1, 1, 1, 1].slice(0, blocks.length),
    );
    const whole = dialectSpec("messages").wholeOf(events);
    expect(whole?.["content"]).toMatchObject([
      { type: "tool_use", id: "a", input: { p: 1 } },
      { type: "tool_use", id: "b", input: { q: 2 } },
    ]);
  });

  test("has two calls where both have the same index and different ids", () => {
    const events = translate("chat", "messages", [
      toolChunk(0, { id: "a" }, "{}"),
      toolChunk(0, { id: "b" }, "{}"),
      chunk({}, "tool_calls"),
      DONE,
    ]);
    expect(dialectSpec("messages").wholeOf(events)?.["content"]).toMatchObject([{ id: "a" }, { id: "b" }]);
  });

  test.each([
    ["stop", [toolChunk(0, { id: "a" }, "{}")], "tool_use"],
    ["tool_calls", [chunk({ content: "Hi" })], "end_turn"],
  ])("ends as its content says, whatever %s says", (finish, said, reason) => {
    const events = translate("chat", "messages", [...said, chunk({}, finish), DONE]);
    expect(asObject(asObject(events.at(-2))["delta"])["stop_reason"]).toBe(reason);
  });

  test("has failed if it ends in a call and says nothing", () => {
    expect(brief(translate("chat", "messages", [chunk({}, "tool_calls"), DONE]).at(-1) ?? DONE)).toBe(
      "error",
    );
  });

  test("has no end if it was cut off", () => {
    const events = translate("chat", "messages", [chunk({ content: "Hi" })]);
    expect(events.map(brief).filter((line) => line.startsWith("message_"))).toEqual(["message_start"]);
  });

  test("from Responses has the arguments that came in one piece, and no delta for a call without any", () => {
    const item = (id: string, given: string) => ({
      type: "function_call",
      id,
      call_id: id,
      name: "ls",
      arguments: given,
    });
    const added = (at: number, id: string) => ({
      type: "response.output_item.added",
      output_index: at,
      item: item(id, ""),
    });
    const events = translate("responses", "messages", [
      added(0, "a"),
      { type: "response.function_call_arguments.done", output_index: 0, arguments: '{"p":1}' },
      added(1, "b"),
      { type: "response.completed", response: { status: "completed", output: [] } },
    ]);
    const lines = events.map(brief).filter((line) => line.startsWith("content_block_delta"));
    expect(lines).toEqual(['content_block_delta 0 {"p":1}']);
  });
});

describe("the stream of Messages as a chat", () => {
  test("counts cached input as input, and keeps counts that are not repeated", () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 5,
      cache_creation_input_tokens: 2,
      output_tokens: 1,
    };
    const late = { input_tokens: null, cache_read_input_tokens: null, output_tokens: 7 };
    const events = [start(usage), ...HI.slice(1), end("end_turn", late), STOP];
    expect(readChat(translate("messages", "chat", events)).usage).toMatchObject({
      prompt_tokens: 17,
      completion_tokens: 7,
      total_tokens: 24,
      prompt_tokens_details: { cached_tokens: 5 },
    });
  });

  test("says nothing of signs of life and of what only the provider can read", () => {
    const silent = [
      PING,
      open(0, { type: "thinking", thinking: "", signature: "" }),
      delta(0, { type: "signature_delta", signature: "s" }),
      open(1, { type: "redacted_thinking", data: "x" }),
      open(2, { type: "server_tool_use", id: "s", name: "web_search", input: {} }),
      delta(2, { type: "input_json_delta", partial_json: "{}" }),
      delta(2, { type: "citations_delta", citation: {} }),
    ];
    const translator = new AnswerTranslator({ from: "messages", to: "chat" }, OPTIONS);
    translator.push(start());
    expect(silent.flatMap((event) => translator.push(event))).toEqual([]);
    const [first] = translator.push(open(3, callBlock("a")));
    expect(JSON.stringify(first)).toContain('"tool_calls":[{"index":0');
  });

  test.each([
    ["refusal", "content_filter"],
    ["sensitive", "content_filter"],
    ["model_context_window_exceeded", "length"],
    ["max_tokens", "length"],
    ["pause_turn", "stop"],
    ["stop_sequence", "stop"],
  ])("ends with %s as %s", (reason, finish) => {
    const details = reason === "refusal" ? { stop_details: { explanation: "No." } } : {};
    const read = readChat(translate("messages", "chat", [...HI, end(reason, undefined, details), STOP]));
    expect([read.finish, read.refusal]).toEqual([finish, reason === "refusal" ? "No." : ""]);
  });
});

describe("the gate of Messages", () => {
  test("passes a whole stream byte for byte", () => {
    const events = [
      start(),
      open(0, { type: "thinking", thinking: "", signature: "" }),
      delta(0, { type: "thinking_delta", thinking: "hm" }),
      delta(0, { type: "signature_delta", signature: "sig" }),
      close(0),
      PING,
      open(1, TEXT),
      text(1, "a"),
      text(1, "b"),
      text(1, "c"),
      text(1, "ü"),
      close(1),
      open(2, callBlock("x")),
      delta(2, { type: "input_json_delta", partial_json: '{"a":1}' }),
      close(2),
      end("tool_use"),
      STOP,
    ];
    const { text: passed, failure, gate } = throughGate(events);
    expect([failure, gate.isDone, passed]).toEqual([undefined, true, wire(events)]);
  });

  test("lets nothing through before an error", () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    const { text: passed, failure } = throughGate([start(), PING, error]);
    expect([passed, failure]).toEqual(["", { kind: "said", text: JSON.stringify(error) }]);
    const behind = throughGate([...HI, error]);
    expect([behind.failure?.kind, behind.text]).toEqual(["said", wire(HI)]);
  });

  test("adds an end mark behind a finish, and a finish before an end mark", () => {
    const whole = throughGate([...HI, end("end_turn")]);
    expect(whole.text).toBe(wire([...HI, end("end_turn"), STOP]));
    const unfinished = throughGate([...HI, STOP]);
    expect(unfinished.failure).toBeUndefined();
    expect(unfinished.text).toContain('"stop_reason":"end_turn"');
    expect(unfinished.text).toEndWith(wire([STOP]));
  });

  test("takes an end without either for a cut", () => {
    expect(throughGate(HI).failure?.kind).toBe("cut");
    expect(throughGate([start(), STOP]).failure?.kind).toBe("cut");
  });

  test.each([
    ["tool_use", HI, "end_turn"],
    ["end_turn", [start(), open(0, callBlock("x")), close(0)], "tool_use"],
    ["some_new_reason", HI, "end_turn"],
  ])("rewrites %s where the content contradicts it", (reason, said, expected) => {
    expect(throughGate([...said, end(reason), STOP]).text).toContain(`"stop_reason":"${expected}"`);
  });

  test("counts keep-alives as progress only while the model thinks in silence", () => {
    const gate = new StreamGate({ dialect: "messages" });
    const push = (event: JsonObject) => gate.push(new TextEncoder().encode(sseText(event))).progressed;
    push(start());
    expect(push(PING)).toBe(false);
    push(open(0, { type: "thinking", thinking: "", signature: "" }));
    expect([gate.isOpen, push(PING)]).toEqual([true, true]);
    push(close(0));
    expect(push(PING)).toBe(false);
  });

  test("fits another answer to the text that was sent, in any split", () => {
    const words = fc
      .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 6 })
      .filter((one) => one.trim() === one);
    fc.assert(
      fc.property(
        fc.array(words, { minLength: 2, maxLength: 6 }),
        fc.nat({ max: 4 }),
        fc.boolean(),
        (said, at, thinks) => {
          const cut = Math.min(at + 1, said.length - 1);
          const first = new StreamGate({ dialect: "messages" });
          const begun = [start(), open(0, TEXT), ...said.slice(0, cut).map((one) => text(0, one))];
          const out = [first.push(new TextEncoder().encode(wire(begun))).pass ?? new Uint8Array(0)];
          const second = new StreamGate({ dialect: "messages", continues: first.sent() });
          const thought = { type: "thinking", thinking: "", signature: "" };
          const thinking = [open(0, thought), delta(0, { type: "thinking_delta", thinking: "hm" }), close(0)];
          const shift = thinks ? 1 : 0;
          const again = [
            start(),
            ...(thinks ? thinking : []),
            open(shift, TEXT),
            text(shift, said.join("")),
            close(shift),
            open(shift + 1, callBlock("x")),
            delta(shift + 1, { type: "input_json_delta", partial_json: "{}" }),
            close(shift + 1),
            end("tool_use"),
            STOP,
          ];
          const step = second.push(new TextEncoder().encode(wire(again)));
          expect(step.failure).toBeUndefined();
          out.push(step.pass ?? new Uint8Array(0));
          const events = Buffer.concat(out)
            .toString()
            .split("\n")
            .filter((line) => line.startsWith("data: "))
            .map((line) => JSON.parse(line.slice(6)) as JsonObject);
          const whole = dialectSpec("messages").wholeOf(events);
          expect(whole?.["content"]).toMatchObject([
            { type: "text", text: said.join("") },
            { type: "tool_use", id: "x", input: {} },
          ]);
          expect(events.filter(({ type }) => type === "message_start")).toHaveLength(1);
          const starts = events.filter(({ type }) => type === "content_block_start");
          const stops = events.filter(({ type }) => type === "content_block_stop");
          expect(stops.map(({ index }) => index)).toEqual(starts.map(({ index }) => index));
        },
      ),
    );
  });
});
