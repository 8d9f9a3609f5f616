import type { Dialect } from "../routing/route.ts";
import { firstChoice, type Meaning, meaningOf } from "../stream/stream-events.ts";

/** What one event of an answer adds to a measurement. */
export interface AnswerPiece {
  /** Characters of text and of reasoning. */
  chars: number;
  isReasoning: boolean;
  meaning: Meaning;
  /** Tokens in all, as the provider counts them, where this event tells. */
  tokens: { output: number; reasoning: number } | undefined;
}

type Json = { [key: string]: unknown };

/** The names that chat services have for what a model thinks. Some send it under two of them. */
const REASONING = ["reasoning_content", "reasoning", "reasoning_text"];

/** Reads one event's JSON for what can be measured of it. */
export function readPiece(dialect: Dialect, event: unknown): AnswerPiece {
  const meaning = meaningOf(dialect, event);
  const { text, hasReasoning } = firstChoice(meaning);
  const reasoning = hasReasoning ? reasoningText(dialect, asObject(event)) : "";
  return {
    chars: text.length + reasoning.length,
    isReasoning: reasoning !== "",
    meaning,
    tokens: tokensOf(dialect, asObject(event), meaning),
  };
}

function reasoningText(dialect: Dialect, event: Json): string {
  if (dialect === "responses") return asText(event["delta"]);
  const choices = event["choices"];
  const delta = asObject(asObject(Array.isArray(choices) ? choices[0] : undefined)["delta"]);
  return REASONING.map((field) => asText(delta[field])).find((text) => text !== "") ?? "";
}

function tokensOf(dialect: Dialect, event: Json, { usage }: Meaning): AnswerPiece["tokens"] {
  if (usage?.output === undefined) return undefined;
  const table = asObject(dialect === "chat" ? event["usage"] : asObject(event["response"])["usage"]);
  const details = asObject(table["completion_tokens_details"] ?? table["output_tokens_details"]);
  const reasoning = details["reasoning_tokens"];
  return { output: usage.output, reasoning: typeof reasoning === "number" ? reasoning : 0 };
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
