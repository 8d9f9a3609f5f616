import {
  type ModelCost,
  type ModelEntry,
  type ModelTraits,
  takesImages,
} from "../../core/catalog/model-entry.ts";

const KIB = 1024;
const MILLION = 1_000_000;

/** A number of tokens as people say it: `128k`, `1M`, `976k`; `-` for an unknown one. */
export function tokenText(tokens: number | undefined): string {
  if (tokens === undefined) return "-";
  if (tokens < 1000) return String(tokens);
  // Windows are round in either way of counting; what is round in neither is told to the nearest thousand.
  const isBinary = tokens % KIB === 0 && tokens % 1000 !== 0;
  const thousands = tokens / (isBinary ? KIB : 1000);
  const million = isBinary ? KIB : 1000;
  if (tokens >= MILLION) return `${trimmed(thousands / million)}M`;
  return `${trimmed(thousands < 10 ? thousands : Math.round(thousands))}k`;
}

/** In and out, for a million tokens. */
export function costText(cost: ModelCost | undefined): string {
  if (cost === undefined) return "-";
  if (cost.input === 0 && cost.output === 0) return "free";
  return `$${trimmed(cost.input)} / $${trimmed(cost.output)}`;
}

export function yesNo(flag: boolean | undefined): string {
  return flag === undefined ? "-" : flag ? "yes" : "no";
}

/** What a person should know before choosing it. */
export function remarkOf(entry: ModelEntry): string {
  if (!entry.isRetired) return "";
  return entry.replacement === undefined ? "retired" : `retired, use ${entry.replacement}`;
}

/** What is known of a model or of a chain: `window 128k, output 32k, tools, no vision`. */
export function traitsText(traits: ModelTraits): string {
  const parts = [
    traits.context === undefined ? "window unknown" : `window ${tokenText(traits.context)}`,
    ...(traits.output === undefined ? [] : [`output ${tokenText(traits.output)}`]),
    ...abilityText(traits.toolCall, "tools"),
    ...abilityText(takesImages(traits), "vision"),
  ];
  return parts.join(", ");
}

/** The same of a model that may be chosen, with what speaks against it. */
export function choiceHint(entry: ModelEntry): string {
  const remark = remarkOf(entry);
  const traits = traitsText({ ...entry, output: undefined });
  return remark === "" ? traits : `${traits}, ${remark}`;
}

function abilityText(has: boolean | undefined, what: string): string[] {
  if (has === undefined) return [];
  return [has ? what : `no ${what}`];
}

function trimmed(amount: number): string {
  return String(Number(amount.toFixed(2)));
}
