import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { loadConfig } from "../../src/config/load.ts";
import { traitsOf } from "../../src/core/dialect/model-traits.ts";
import { DIALECT_NAMES, type Dialect, dialectSpec } from "../../src/core/dialect/registry.ts";
import { translateRequest } from "../../src/core/dialect/translate.ts";
import { asObject, parseJson } from "../../src/core/json.ts";
import { Problem } from "../../src/core/problem.ts";
import { PRESETS } from "../../src/core/settings/presets.ts";
import { parseSettings } from "../../src/core/settings/settings.ts";
import { findField, readField, spliceValue } from "../../src/core/stream/rewrite.ts";
import { classify } from "../../src/core/verdict/classify.ts";
import { VERDICT_KINDS, type Verdict } from "../../src/core/verdict/verdict.ts";
import { runGate } from "../core/stream/run-gate.ts";
import { anyConfigText, PLANTED } from "./any-config.ts";
import { anyReply } from "./any-reply.ts";
import { anyStream, cutAnywhere } from "./any-stream.ts";

/** Must hold for any input; `scratch` is a file to write to. */
export type FuzzTarget = (scratch: string) => fc.IAsyncProperty<unknown> | fc.IProperty<unknown>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a gate passes on of these chunks, and how it ended. */
function passThrough(chunks: readonly Uint8Array[], dialect: Dialect) {
  const { text, failure } = runGate(chunks, { dialect });
  return { kind: failure?.kind ?? "complete", text };
}

/** The events that a client would read from it. */
function eventsIn(text: string): string[] {
  return text
    .replaceAll(/\r\n|\r/g, "\n")
    .split("\n\n")
    .map((block) => [...block.matchAll(/^data: ?(.*)$/gm)].map(([, line]) => line).join("\n"))
    .filter((data) => data !== "");
}

const anyBlock = fc.oneof(
  fc.constantFrom(
    { type: "text", text: "a" },
    { type: "thinking", thinking: "hm", signature: "s" },
    { type: "thinking" },
    { type: "redacted_thinking", data: "x" },
    { type: "tool_use", id: "t", name: "ls", input: null },
    { type: "tool_result", tool_use_id: "t", content: [{ type: "image", source: {} }] },
    { type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } },
    { type: "document", source: null },
    { type: "image_url", image_url: "data:;base64," },
  ),
  fc.anything({ maxDepth: 1 }),
);
const anyRequest = fc
  .record({
    model: fc.constant("m"),
    system: fc.oneof(fc.string(), fc.array(anyBlock)),
    messages: fc.array(
      fc.record({
        role: fc.constantFrom("user", "assistant", "system", "tool", "x"),
        content: fc.oneof(fc.string(), fc.array(anyBlock), fc.constant(null)),
        tool_calls: fc.array(fc.anything({ maxDepth: 2 })),
        tool_call_id: fc.constantFrom("t", ""),
      }),
    ),
    tools: fc.array(
      fc.oneof(fc.constantFrom({ name: "ls" }, { type: "web_search_1" }), fc.anything({ maxDepth: 2 })),
    ),
    thinking: fc.anything({ maxDepth: 1 }),
    metadata: fc.anything({ maxDepth: 1 }),
  })
  .map((body) => asObject(JSON.parse(JSON.stringify(body))));

const END = /"finish_reason":"(?:stop|length|tool_calls|content_filter|function_call)"/;

function expectEnd(events: readonly string[]): void {
  if (!events.some((event) => END.test(event))) throw new Error("an answer without an end looks whole");
  if (events.at(-1) !== "[DONE]") throw new Error("nothing may follow the end mark, and it must be there");
  for (const event of events) if (event !== "[DONE]") JSON.parse(event);
}

function expectStop(events: readonly string[]): void {
  const types = events.map((event) => asObject(parseJson(event))["type"]);
  if (!types.includes("message_delta")) throw new Error("a message without a finish looks whole");
  if (types.at(-1) !== "message_stop")
    throw new Error("nothing may follow message_stop, and it must be there");
}

/** Requests of any shape are translated or refused, and never throw; the copy for another provider is JSON. */
const requests: FuzzTarget = () =>
  fc.property(
    anyRequest,
    fc.constantFrom(...DIALECT_NAMES),
    fc.constantFrom(...DIALECT_NAMES),
    (body, from, to) => {
      if (from !== to) translateRequest({ from, to }, body);
      const bytes = encoder.encode(JSON.stringify(body));
      for (const model of ["claude-opus-5-5", "MiniMax-M3", "m"]) {
        const traits = traitsOf(
          { id: model === "m" ? "kimi" : "minimax", baseUrl: "https://x.example/v1" },
          model,
        );
        const passed = dialectSpec(from).passRequest?.(bytes, traits, () => "other") ?? bytes;
        JSON.parse(decoder.decode(passed));
      }
    },
  );

const gate: FuzzTarget = () =>
  fc.property(
    anyStream,
    fc.array(fc.nat(), { maxLength: 8 }),
    fc.constantFrom(...DIALECT_NAMES),
    (bytes, cuts, dialect) => {
      const whole = passThrough([bytes], dialect);
      const split = passThrough(cutAnywhere(bytes, cuts), dialect);
      if (whole.kind !== split.kind) throw new Error(`in one piece ${whole.kind}, in pieces ${split.kind}`);
      // A failure is noticed with its chunk; what came before it may be out or held.
      if (whole.kind === "complete" && whole.text !== split.text) throw new Error("the split shows");
      if (whole.kind === "complete" && dialect === "chat") expectEnd(eventsIn(whole.text));
      if (whole.kind === "complete" && dialect === "messages") expectStop(eventsIn(whole.text));
    },
  );

const anyBody = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.constantFrom("a/b", 'x"y', "ü", "", "m".repeat(300)),
    fc.array(fc.tuple(fc.string({ maxLength: 8 }), fc.json({ maxDepth: 2 })), { maxLength: 5 }),
    fc.nat({ max: 5 }),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 2 }),
  )
  .map(([messages, model, others, place, flips]) => {
    const members = others.map(([name, value]) => `${JSON.stringify(name)}: ${value}`);
    members.splice(place, 0, `"model" : ${JSON.stringify(model)}`, `"messages":${messages}`);
    const bytes = encoder.encode(`{ ${members.join(" ,\n")} }`);
    for (const [at, value] of flips) bytes[at % bytes.length] = value;
    return bytes;
  });

const splicer: FuzzTarget = () =>
  fc.property(anyBody, fc.string(), (body, model) => {
    const span = findField(body, "model");
    const parsed = parseObject(body);
    if (parsed === undefined) {
      // For invalid JSON, any span must at least be inside it.
      if (span !== undefined && !(0 <= span.start && span.start < span.end && span.end <= body.length))
        throw new Error("the span leaves the body");
      return;
    }
    if (!Bun.deepEquals(readField(body, "model"), parsed["model"])) throw new Error("another model was read");
    if (span === undefined) return;
    const spliced = parseObject(spliceValue(body, span, model));
    // If a name occurs twice, only the last one counts, for every reader.
    if (!Bun.deepEquals(spliced, { ...parsed, model: decoder.decode(encoder.encode(model)) }))
      throw new Error("more than the model has changed");
  });

function parseObject(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body),
    );
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const toml: FuzzTarget = (scratch) =>
  fc.asyncProperty(anyConfigText, async (text) => {
    writeFileSync(scratch, text);
    try {
      const { settings, warnings } = await loadConfig({ configFile: scratch });
      if (Object.keys(settings.providers).length > text.length) throw new Error("providers out of nothing");
      if (warnings.join("\n").includes(PLANTED)) throw new Error("a warning repeats a secret");
    } catch (error) {
      // Anything but a Problem is a bug.
      if (!(error instanceof Problem)) throw error;
      if (`${error.message}\n${error.fix}`.includes(PLANTED)) throw new Error("a message repeats a secret");
      if (!error.message.includes(scratch)) throw new Error("the message does not say in which file");
    }
  });

function expectVerdict({ kind, message, waitMs }: Verdict): void {
  if (!VERDICT_KINDS.includes(kind)) throw new Error(`${kind} is no verdict`);
  if (message.length > 300 || /\p{Cc}/u.test(message)) throw new Error("the message is too long or no line");
  if (message.includes(PLANTED)) throw new Error("the message repeats a secret");
  if (waitMs !== undefined && !(Number.isFinite(waitMs) && waitMs >= 0))
    throw new Error(`a wait of ${waitMs}`);
}

const rules: FuzzTarget = () =>
  fc.property(anyReply, fc.constantFrom(...PRESETS.map(({ id }) => id)), (reply, provider) => {
    const nowMs = Date.UTC(2026, 10, 21);
    const verdict = classify(
      { ...reply, provider, path: "/chat/completions" },
      { userRules: [], secrets: [], nowMs },
    );
    if (verdict === undefined) {
      if (reply.status >= 400) throw new Error("a refusal was taken for an answer");
      return;
    }
    expectVerdict(verdict);
  });

const settings: FuzzTarget = () =>
  fc.property(fc.object({ maxDepth: 4, maxKeys: 6 }), (value) => {
    const parsed = parseSettings(value);
    if ("faults" in parsed && parsed.faults.length === 0) throw new Error("refused without a reason");
  });

export const FUZZ_TARGETS: Readonly<Record<string, FuzzTarget>> = {
  gate,
  requests,
  splicer,
  toml,
  settings,
  rules,
};
