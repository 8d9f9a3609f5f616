import { asArray, asObject, asText, isObject, type JsonObject, parseJsonBytes } from "../../json.ts";
import { hasBytes } from "../../stream/bytes.ts";
import { findField, spliceValue } from "../../stream/rewrite.ts";
import type { FamilyOf, ReasoningRepair } from "../dialect-spec.ts";
import { type ModelTraits, readMark } from "../model-traits.ts";
import { BILLING_BLOCK } from "./read-request.ts";

const encoder = new TextEncoder();
const THINKING = [encoder.encode('"thinking"'), encoder.encode('"redacted_thinking"')];
const BILLING = encoder.encode("x-anthropic-billing-header");
const SYSTEM_ROLE = /"role"\s*:\s*"system"/;

/**
 * The copy of a request for a provider of the same dialect. Only what the model cannot accept is changed: signatures of
 * others, a header block for another service, and system messages behind the first turn. All other bytes are the client's.
 */
export function passMessages(
  body: Uint8Array<ArrayBuffer>,
  traits: ModelTraits,
  familyOf: FamilyOf,
): Uint8Array<ArrayBuffer> {
  let passed = body;
  if (!traits.takesBillingBlock && hasBytes(body, BILLING))
    passed = withField(passed, "system", (system) => withoutBilling(asArray(system)));
  const hasThinking = THINKING.some((mark) => hasBytes(body, mark));
  const hasSystem = !traits.takesLateSystem && SYSTEM_ROLE.test(Buffer.from(body).toString("latin1"));
  if (!hasThinking && !hasSystem) return passed;
  return withField(passed, "messages", (messages) => {
    const turns = asArray(messages);
    const portable = hasThinking ? withPortableThinking(turns, traits, familyOf) : turns;
    return hasSystem ? withReminders(portable) : portable;
  });
}

/** Replaces the list in a field. A list of the same values leaves the bytes as they are. */
function withField(
  body: Uint8Array<ArrayBuffer>,
  name: string,
  change: (value: unknown) => unknown[],
): Uint8Array<ArrayBuffer> {
  const span = findField(body, name);
  const value = span === undefined ? undefined : parseJsonBytes(body.subarray(span.start, span.end));
  if (span === undefined || !Array.isArray(value)) return body;
  const changed = change(value);
  const isSame = changed.length === value.length && changed.every((one, at) => one === value[at]);
  return isSame || changed.length === 0 ? body : spliceValue(body, span, changed);
}

function withoutBilling(blocks: unknown[]): unknown[] {
  return blocks.filter((block) => !BILLING_BLOCK.test(asText(asObject(block)["text"])));
}

function withPortableThinking(turns: unknown[], traits: ModelTraits, familyOf: FamilyOf): unknown[] {
  return mapBlocks(turns, (block) => portable(block, traits, familyOf));
}

/** Turns with changed blocks. A turn that has lost all of its blocks is left out. */
function mapBlocks(turns: unknown[], change: (block: JsonObject) => JsonObject | undefined): unknown[] {
  return turns.flatMap((value) => {
    const turn = asObject(value);
    const { role, content } = turn;
    if (role !== "assistant" || !Array.isArray(content)) return [value];
    const changed = content.map((block) => change(asObject(block)));
    if (changed.every((block, at) => block === content[at])) return [value];
    const kept = changed.filter((block) => block !== undefined);
    return kept.length === 0 ? [] : [{ ...turn, content: kept }];
  });
}

/** A block of reasoning as the model accepts it; undefined if it does not. */
function portable(block: JsonObject, traits: ModelTraits, familyOf: FamilyOf): JsonObject | undefined {
  if (block["type"] === "redacted_thinking") {
    const family = familyOf(asText(block["data"]));
    return family === undefined || family === traits.family ? block : undefined;
  }
  if (block["type"] !== "thinking") return block;
  const signature = asText(block["signature"]);
  const mark = readMark(signature);
  const family = mark?.family ?? familyOf(signature);
  const own = mark?.data ?? signature;
  const isOwn = family === undefined || family === traits.family;
  if (traits.reasoning === "signed") return isOwn && own !== "" ? signed(block, own) : undefined;
  if (isOwn) return signed(block, own);
  return traits.reasoning === "text" && asText(block["thinking"]) !== "" ? signed(block, "") : undefined;
}

function signed(block: JsonObject, signature: string): JsonObject {
  return block["signature"] === signature || (signature === "" && block["signature"] === undefined)
    ? block
    : { ...block, signature };
}

/** Appends system messages behind the first turn to the user's turn next to them. */
function withReminders(turns: unknown[]): unknown[] {
  const kept: unknown[] = [];
  for (const value of turns) {
    const turn = asObject(value);
    if (turn["role"] !== "system") {
      kept.push(value);
      continue;
    }
    const last = asObject(kept.at(-1));
    const blocks = blocksOf(turn["content"]).map((block) => ({
      type: "text",
      text: `<system-reminder>\n${asText(block["text"])}\n</system-reminder>`,
    }));
    if (last["role"] === "user")
      kept.splice(-1, 1, { ...last, content: [...blocksOf(last["content"]), ...blocks] });
    else kept.push({ role: "user", content: blocks });
  }
  return kept;
}

function blocksOf(content: unknown): JsonObject[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : asArray(content).map(asObject);
}

/** The request after its reasoning was refused: without any of it, or with empty reasoning before each call. */
export function repairReasoning(
  body: Uint8Array<ArrayBuffer>,
  repair: ReasoningRepair,
): Uint8Array<ArrayBuffer> {
  const request = parseJsonBytes(body);
  if (!isObject(request)) return body;
  const turns = asArray(request["messages"]);
  const repaired =
    repair === "empty"
      ? { ...request, messages: turns.map(withEmptyThinking) }
      : withoutThinking(
          request,
          mapBlocks(turns, (block) => (isThinking(block) ? undefined : block)),
        );
  return encoder.encode(JSON.stringify(repaired));
}

function isThinking({ type }: JsonObject): boolean {
  return type === "thinking" || type === "redacted_thinking";
}

function withEmptyThinking(value: unknown): unknown {
  const turn = asObject(value);
  const content = asArray(turn["content"]).map(asObject);
  const needs = content.some((block) => block["type"] === "tool_use") && !content.some(isThinking);
  if (turn["role"] !== "assistant" || !needs) return value;
  return { ...turn, content: [{ type: "thinking", thinking: "", signature: "" }, ...content] };
}

/** With a budget, calls must begin with reasoning, so the model is asked not to think this time. */
function withoutThinking(request: JsonObject, messages: unknown[]): JsonObject {
  if (asObject(request["thinking"])["type"] !== "enabled") return { ...request, messages };
  const { context_management: _, ...others } = request;
  return { ...others, thinking: { type: "disabled" }, messages };
}
