import type { WireEvent } from "../../../src/core/dialect/hub-answer.ts";
import type { Dialect } from "../../../src/core/dialect/registry.ts";
import { AnswerTranslator, type Translating } from "../../../src/core/dialect/translate.ts";
import { asArray, asObject, asText, type JsonObject } from "../../../src/core/json.ts";
import { DONE } from "../../../src/core/stream/sse.ts";

export const OPTIONS = { model: "m", id: "t", createdS: 7, wantsUsage: true };

export function wayFrom(from: Dialect): Translating {
  return { from, to: from === "chat" ? "responses" : "chat" };
}

export function translateAll(from: Dialect, events: readonly WireEvent[], wantsUsage = true) {
  const translator = new AnswerTranslator(wayFrom(from), { ...OPTIONS, wantsUsage });
  return [...events.flatMap((event) => translator.push(event)), ...translator.end()];
}

export function chunk(delta: JsonObject, finish: string | null = null): JsonObject {
  return { id: "c1", created: 5, model: "m1", choices: [{ index: 0, delta, finish_reason: finish }] };
}

export function usageChunk(): JsonObject {
  const usage = {
    prompt_tokens: 11,
    completion_tokens: 5,
    total_tokens: 16,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 2 },
  };
  return { id: "c1", choices: [], usage };
}

/** What a client reads from the chunks of a chat. */
export function readChat(events: readonly WireEvent[]) {
  const read = { text: "", reasoning: "", refusal: "", finish: "", isDone: false };
  const calls: { id: string; name: string; args: string }[] = [];
  let usage: unknown;
  for (const event of events) {
    if (event === DONE) {
      read.isDone = true;
      continue;
    }
    usage = event["usage"] ?? usage;
    const choice = asObject(asArray(event["choices"])[0]);
    const delta = asObject(choice["delta"]);
    read.text += asText(delta["content"]);
    read.reasoning += asText(delta["reasoning_content"]);
    read.refusal += asText(delta["refusal"]);
    read.finish += asText(choice["finish_reason"]);
    for (const piece of asArray(delta["tool_calls"]).map(asObject)) {
      const at = Number(piece["index"]);
      const { name, arguments: args } = asObject(piece["function"]);
      const call = calls[at] ?? { id: asText(piece["id"]), name: asText(name), args: "" };
      call.args += asText(args);
      calls[at] = call;
    }
  }
  return { ...read, calls, usage };
}

/** Types of events, with repetitions collapsed. */
export function typesOf(events: readonly WireEvent[]): string[] {
  const types = events.map((event) => (event === DONE ? DONE : asText(event["type"])));
  return types.filter((type, index) => type !== types[index - 1]);
}
