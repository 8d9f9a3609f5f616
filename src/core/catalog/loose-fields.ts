import type { Modality } from "./model-entry.ts";

/** Reads a value whose shape nobody has promised. Each field may go by several names; the first that fits counts. */
export interface LooseFields {
  /** Text without control characters, which could play tricks on a terminal. */
  text: (...names: string[]) => string | undefined;
  /** A number of tokens: whole and above 0. */
  count: (...names: string[]) => number | undefined;
  /** A number from 0 up, also when written as text. */
  amount: (...names: string[]) => number | undefined;
  flag: (...names: string[]) => boolean | undefined;
  texts: (...names: string[]) => string[] | undefined;
  modalities: (...names: string[]) => Modality[] | undefined;
}

/** No text of a catalogue needs to be longer. */
const MAX_CHARS = 256;
/** A window larger than this is a slip, or stands for "no limit". */
const MAX_TOKENS = 100_000_000;

const MODALITIES: Readonly<Record<string, Modality>> = {
  text: "text",
  image: "image",
  audio: "audio",
  video: "video",
  pdf: "pdf",
  // OpenRouter's word.
  file: "pdf",
};

/** Fields may lie deeper: `limit.context`. */
export function looseFields(value: unknown): LooseFields {
  const first = <T>(names: readonly string[], read: (found: unknown) => T | undefined): T | undefined => {
    for (const name of names) {
      const found = read(at(value, name));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    text: (...names) => first(names, readText),
    count: (...names) => first(names, readCount),
    amount: (...names) => first(names, readAmount),
    flag: (...names) => first(names, (found) => (typeof found === "boolean" ? found : undefined)),
    texts: (...names) => first(names, readTexts),
    modalities: (...names) => first(names, readModalities),
  };
}

function at(value: unknown, path: string): unknown {
  let current = value;
  for (const name of path.split(".")) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

function readText(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.replaceAll(/\p{Cc}/gu, "").trim();
  return text === "" || text.length > MAX_CHARS ? undefined : text;
}

function readCount(value: unknown): number | undefined {
  const amount = readAmount(value);
  if (amount === undefined || amount < 1 || amount > MAX_TOKENS) return undefined;
  return Math.floor(amount);
}

function readAmount(value: unknown): number | undefined {
  const amount = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof amount === "number" && Number.isFinite(amount) && amount >= 0 ? amount : undefined;
}

function readTexts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.flatMap((one) => readText(one) ?? []) : undefined;
}

function readModalities(value: unknown): Modality[] | undefined {
  const known = readTexts(value)?.flatMap((word) => MODALITIES[word.toLowerCase()] ?? []) ?? [];
  return known.length === 0 ? undefined : [...new Set(known)];
}
