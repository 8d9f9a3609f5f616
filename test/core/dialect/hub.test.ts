import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { firstChoice, type HubEvent } from "../../../src/core/dialect/hub-answer.ts";
import {
  type HubContent,
  type HubRequest,
  type HubSpoken,
  type HubTurn,
  plainQuestion,
} from "../../../src/core/dialect/hub-request.ts";
import { DIALECT_NAMES, type Dialect, dialectAt, dialectSpec } from "../../../src/core/dialect/registry.ts";
import { AnswerTranslator, streamOfWhole } from "../../../src/core/dialect/translate.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import { runGate } from "../stream/run-gate.ts";
import { OPTIONS, readChat, translateAll, wayFrom } from "./answers.ts";

const PAIRS = DIALECT_NAMES.flatMap((from) =>
  DIALECT_NAMES.filter((to) => to !== from).map((to) => ({ from, to })),
);

// One dialect refuses blank texts, so that they are left out there.
const anyText = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
  .filter((said) => said.trim() !== "" && said.trimEnd() === said);
const text = anyText.map((said): { kind: "text"; text: string } => ({ kind: "text", text: said }));
const image = fc
  .constantFrom("high", "low")
  .map((detail): HubContent => ({ kind: "image", url: "data:image/png;base64,AA", detail }));
const file = fc.constant<HubContent>({
  kind: "file",
  name: "a.pdf",
  data: "data:application/pdf;base64,AA",
  id: undefined,
});

/** An agent's conversation: a prompt, then rounds of text, calls and their results. */
const anyTurns = fc
  .array(
    fc.record({
      asked: fc.array(fc.oneof(text, image, file), { minLength: 1, maxLength: 3 }),
      said: fc.option(anyText, { nil: undefined }),
      results: fc.array(anyText, { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((rounds): HubTurn[] =>
    rounds.flatMap(({ asked, said, results }, round): HubTurn[] => {
      const calls = results.map(
        (_, at): HubSpoken => ({ kind: "call", id: `c${round}${at}`, name: "ls", arguments: '{"p":"."}' }),
      );
      const words: HubSpoken[] = said === undefined ? [] : [{ kind: "text", text: said }];
      const parts = [...words, ...calls];
      const told = results.map((result, at) => ({
        callId: `c${round}${at}`,
        parts: [{ kind: "text", text: result } as const],
      }));
      return [
        { role: "user", parts: asked },
        ...(parts.length === 0 ? [] : [{ role: "assistant", parts } as const]),
        ...(told.length === 0 ? [] : [{ role: "tool", results: told } as const]),
      ];
    }),
  );

const anyRequest = fc
  .record({
    turns: anyTurns,
    tool: fc.option(fc.constantFrom("auto", "none", "required", { name: "ls" }), { nil: undefined }),
    effort: fc.option(fc.constantFrom("low", "medium", "high"), { nil: undefined }),
    limit: fc.integer({ min: 1, max: 1000 }),
    stream: fc.boolean(),
  })
  .map(
    ({ turns, tool, effort, limit, stream }): HubRequest => ({
      ...plainQuestion("m", "", limit),
      turns,
      effort,
      stream,
      wantsUsage: true,
      tools:
        tool === undefined
          ? []
          : [{ name: "ls", description: "lists", parameters: { type: "object" }, strict: true }],
      toolChoice: tool,
      parallelToolCalls: tool === undefined ? undefined : false,
      temperature: 0.5,
    }),
  );

/** What is left of turns in a dialect: Messages has no details of images, and joins turns of the same role. */
function turnsIn(dialect: Dialect, turns: readonly HubTurn[]): HubTurn[] {
  if (dialect !== "messages") return [...turns];
  const kept: HubTurn[] = [];
  for (const turn of turns) {
    const last = kept.at(-1);
    if (turn.role !== "user") kept.push(turn);
    else {
      const parts = turn.parts.map((part) => (part.kind === "image" ? { ...part, detail: undefined } : part));
      if (last?.role === "user") last.parts.push(...parts);
      else kept.push({ role: "user", parts });
    }
  }
  return kept;
}

/** The request as far as a dialect can say it: a model of Messages that thinks takes neither a temperature nor a forced call. */
function requestIn(dialect: Dialect, request: HubRequest): HubRequest {
  if (dialect !== "messages") return request;
  const toolChoice = request.toolChoice === "none" ? "auto" : request.toolChoice;
  return { ...request, effort: undefined, toolChoice, turns: turnsIn(dialect, request.turns) };
}

describe.each(DIALECT_NAMES.map((name) => [name]))("a request in the dialect %s", (dialect) => {
  test("is read as it was written", () => {
    const { readRequest, writeRequest } = dialectSpec(dialect);
    fc.assert(
      fc.property(anyRequest, (any) => {
        const request = requestIn(dialect, any);
        const unsaid: string[] = [];
        const read = readRequest(JSON.parse(JSON.stringify(writeRequest(request, unsaid))), unsaid);
        expect(unsaid).toEqual([]);
        expect(read).toEqual({ ...request, wantsUsage: read.wantsUsage });
      }),
    );
  });

  test("is found by its path, which no other has", () => {
    const { path } = dialectSpec(dialect);
    expect(dialectAt(path)).toBe(dialect);
    expect(dialectAt(`${path}/x`)).toBeUndefined();
  });
});

test("a request keeps its meaning from each dialect into each other one and back", () => {
  fc.assert(
    fc.property(anyRequest, fc.constantFrom(...PAIRS), (request, { from, to }) => {
      const [a, b] = [dialectSpec(from), dialectSpec(to)];
      const there = b.writeRequest(a.readRequest(a.writeRequest(request, []), []), []);
      expect(turnsIn("messages", b.readRequest(there, []).turns)).toEqual(turnsIn("messages", request.turns));
    }),
  );
});

test("earlier reasoning is read with its seal and its family, in its place", () => {
  const chat = dialectSpec("chat").readRequest(
    {
      messages: [
        {
          role: "assistant",
          content: "Hi",
          reasoning: "hm",
          reasoning_details: [{ type: "reasoning.encrypted", data: "xyz", format: "a-v1" }],
        },
      ],
    },
    [],
  );
  expect(chat.turns).toEqual([
    {
      role: "assistant",
      parts: [
        { kind: "reasoning", text: "hm", seal: { family: "a-v1", data: "xyz" } },
        { kind: "text", text: "Hi" },
      ],
    },
  ]);
  const responses = dialectSpec("responses").readRequest(
    {
      input: [
        { type: "reasoning", summary: [{ text: "hm" }], encrypted_content: "xyz" },
        { type: "function_call", call_id: "a", name: "ls", arguments: "" },
      ],
    },
    [],
  );
  expect(responses.turns).toEqual([
    {
      role: "assistant",
      parts: [
        { kind: "reasoning", text: "hm", seal: { family: "", data: "xyz" } },
        { kind: "call", id: "a", name: "ls", arguments: "{}" },
      ],
    },
  ]);
});

test("stop words are said in a chat and cannot be said in Responses", () => {
  const asked = { ...plainQuestion("m", "hi", 5), stop: ["x"] };
  expect(dialectSpec("chat").writeRequest(asked, [])["stop"]).toEqual(["x"]);
  const unsaid: string[] = [];
  dialectSpec("responses").writeRequest(asked, unsaid);
  expect(unsaid).toEqual(["stop"]);
});

function readAll(dialect: Dialect, events: readonly JsonObject[]): HubEvent[] {
  const reader = dialectSpec(dialect).reader();
  return events.map((event) => reader.read(event));
}

/** A refusal is a text in Messages. */
function kindIn(dialect: Dialect, kind: string): string {
  return dialect === "messages" && kind === "refusal" ? "text" : kind;
}

describe.each(DIALECT_NAMES.map((name) => [name]))("an answer in the dialect %s", (dialect) => {
  const spec = dialectSpec(dialect);

  test("is read as it was written", () => {
    const anyPieces = fc.array(
      fc.record({ kind: fc.constantFrom("text", "refusal", "reasoning"), words: anyText }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(anyPieces, fc.array(anyText, { maxLength: 3 }), (pieces, calls) => {
        const writer = spec.writer(OPTIONS);
        const usage = { input: 3, output: 4, total: 7, cached: 1, reasoning: 2 };
        const events = [
          ...writer.begin({ id: "", model: "m1", createdS: undefined }),
          ...pieces.flatMap(({ kind, words }) => writer.write(kind, words)),
          ...calls.flatMap((_, at) => writer.openCall(at, `c${at}`, `tool${at}`)),
          ...calls.flatMap((given, at) => writer.writeArguments(at, given)),
          ...writer.finish({ finish: calls.length > 0 ? "tool_calls" : "stop", usage }),
        ].filter((event): event is JsonObject => typeof event === "object");
        const said = readAll(dialect, events);
        const choices = said.map(firstChoice);
        const joined = (kind: "text" | "refusal" | "reasoning"): string =>
          choices.map((choice) => choice[kind]).join("");
        for (const kind of ["text", "refusal", "reasoning"] as const)
          expect(joined(kind).replaceAll("\n\n", "")).toBe(
            pieces
              .filter((piece) => kindIn(dialect, piece.kind) === kind)
              .map((piece) => piece.words)
              .join("")
              .replaceAll("\n\n", ""),
          );
        for (const [at, given] of calls.entries()) {
          const own = choices.flatMap((choice) => choice.calls).filter((piece) => piece.index === at);
          expect(own.find((piece) => piece.name !== "")).toMatchObject({ id: `c${at}`, name: `tool${at}` });
          expect(own.map((piece) => piece.more).join("")).toBe(given);
        }
        expect(choices.flatMap((choice) => choice.late)).toEqual([]);
        expect(choices.filter((choice) => choice.finish !== undefined)).toHaveLength(1);
        expect(said.findLast((event) => event.usage !== undefined)?.usage).toEqual(usage);
        expect(said.every((event) => event.error === undefined)).toBe(true);
      }),
    );
  });

  test("in one piece is the stream that was asked for", () => {
    const writer = spec.writer(OPTIONS);
    const whole = spec.wholeOf([
      ...writer.begin({ id: "", model: "m1", createdS: undefined }),
      ...writer.write("reasoning", "hm"),
      ...writer.write("text", "Hi"),
      ...writer.openCall(0, "a", "ls"),
      ...writer.writeArguments(0, "{}"),
      ...writer.finish({ finish: "tool_calls", usage: undefined }),
    ]);
    const { failure, gate, text } = runGate(streamOfWhole(dialect, whole) ?? "", { dialect });
    expect([failure, gate.isFinished]).toEqual([undefined, true]);
    for (const words of ['"hm"', '"Hi"', '"ls"']) expect(text).toContain(words);
    const choices = readAll(dialect, spec.eventsOf(whole ?? {}) ?? []).map(firstChoice);
    expect(choices.flatMap((choice) => choice.calls)[0]).toMatchObject({ id: "a", name: "ls" });
  });

  test("that fails is read as an error", () => {
    const data = spec
      .errorEvent({ message: "boom", type: "server_error", code: "x" })
      .split("\n")
      .filter((line) => line.startsWith("data: "))
      .map((line) => JSON.parse(line.slice("data: ".length)) as JsonObject);
    for (const said of readAll(dialect, data))
      expect(said.error).toMatchObject({ error: { message: "boom" } });
  });
});

describe("the calls of a Responses answer", () => {
  const item = (id: string, callId: string, given = "") => ({
    type: "function_call",
    id,
    call_id: callId,
    name: "ls",
    arguments: given,
  });
  const added = (at: number, one: JsonObject) => ({
    type: "response.output_item.added",
    output_index: at,
    item: one,
  });
  const done = (at: number, one: JsonObject) => ({
    type: "response.output_item.done",
    output_index: at,
    item: one,
  });
  const end = { type: "response.completed", response: { status: "completed", output: [] } };
  const argsOf = (events: JsonObject[]): string[] =>
    readChat(translateAll("responses", [...events, end])).calls.map((call) => call.args);

  test("are two where all items have the same id", () => {
    const events = [done(0, item("x", "a", "{}")), done(1, item("x", "b", '{"p":1}'))];
    expect(argsOf(events)).toEqual(["{}", '{"p":1}']);
  });

  test("are two where both open at the same place", () => {
    const events = [added(0, item("f1", "a")), added(0, item("f2", "b")), done(0, item("f2", "b", "{}"))];
    expect(argsOf(events)).toEqual(["", "{}"]);
  });

  test("are one where its place changes on the way", () => {
    expect(argsOf([added(0, item("f1", "a")), done(1, item("f2", "a", "{}"))])).toEqual(["{}"]);
  });
});

test("text without a place in the output is not told again by the last event", () => {
  const output = [{ type: "message", content: [{ type: "output_text", text: "Hi" }] }];
  const events = [
    { type: "response.output_text.delta", delta: "Hi" },
    { type: "response.completed", response: { status: "completed", output } },
  ];
  expect(readChat(translateAll("responses", events)).text).toBe("Hi");
});

test("what was not streamed comes with the last event, even if other content was streamed", () => {
  const output = [
    { type: "message", id: "m", content: [{ type: "output_text", text: "Hi" }] },
    { type: "function_call", id: "f", call_id: "a", name: "ls", arguments: "{}" },
  ];
  const events = [
    { type: "response.output_text.delta", output_index: 0, item_id: "m", delta: "Hi" },
    { type: "response.completed", response: { status: "completed", output } },
  ];
  expect(readChat(translateAll("responses", events))).toMatchObject({
    text: "Hi",
    calls: [{ id: "a", name: "ls", args: "{}" }],
    finish: "tool_calls",
  });
});

test("a call whose name comes late is opened with it, and keeps what was written before", () => {
  const translator = new AnswerTranslator(wayFrom("chat"), OPTIONS);
  const piece = (described: JsonObject) => ({
    choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: "a", function: described }] } }],
  });
  translator.push(piece({ arguments: '{"p"' }));
  const events = translator.push(piece({ name: "ls", arguments: ":1}" }));
  expect(events).toMatchObject([
    { type: "response.output_item.added", item: { name: "ls", call_id: "a" } },
    { type: "response.function_call_arguments.delta", delta: '{"p":1}' },
  ]);
});
