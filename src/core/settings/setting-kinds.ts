import * as v from "valibot";
import { BUDGET_UNITS, parseBudget } from "../quota/budget.ts";
import { parseDuration } from "../text.ts";
import { normalizeBaseUrl } from "./presets.ts";

const SLASHED = /^\/(.+)\/([dgimsuvy]*)$/s;

/** Flags that only matter to a caller; `g` and `y` would even make the pattern stateful. */
const IDLE_FLAGS = /[dgy]/g;

/** Accepts `/x/i` and plain `x`; undefined if it does not compile. */
export function parsePattern(text: string): RegExp | undefined {
  if (text === "") return undefined;
  const [, source = text, flags = ""] = SLASHED.exec(text) ?? [];
  try {
    return new RegExp(source, flags.replaceAll(IDLE_FLAGS, ""));
  } catch {
    return undefined;
  }
}

export type SettingKind =
  | "choice"
  | "duration"
  | "count"
  | "number"
  | "flag"
  | "percent"
  | "budget"
  | "text"
  | "address"
  | "pattern"
  | "variable"
  | "list"
  | "table";

/** Help, docs and faults use this metadata of a setting's schema. */
export type SettingMeta = {
  kind: SettingKind;
  help: string;
  allowed: string;
  /** As written in the file; empty if there is no default. */
  defaultText: string;
};

/** Timers have 31 bits: a longer delay would fire at once. */
const LONGEST_MS = 24 * 86_400_000;
const DURATION = 'a duration such as "30s", "5m" or "1h30m"';
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function isVariableName(text: string): boolean {
  return VARIABLE.test(text);
}

function meta<Input>(
  kind: SettingKind,
  help: string,
  allowed: string,
  fallback?: unknown,
): v.MetadataAction<Input, SettingMeta> {
  const defaultText = fallback === undefined ? "" : JSON.stringify(fallback);
  return v.metadata({ kind, help, allowed, defaultText });
}

const durationMs = (minMs: number) =>
  v.pipe(
    v.string(),
    v.transform((text) => parseDuration(text) ?? Number.NaN),
    v.number(),
    v.minValue(minMs),
    v.maxValue(LONGEST_MS),
  );

export function duration(fallback: string, help: string, minMs = 1) {
  const allowed = minMs === 0 ? `${DURATION}, or "0s" for none` : DURATION;
  return v.pipe(v.optional(durationMs(minMs), fallback), meta("duration", help, allowed, fallback));
}

export function maybeDuration(help: string) {
  return v.pipe(v.optional(durationMs(1)), meta("duration", help, DURATION));
}

export interface Range {
  min: number;
  max: number;
}

const wholeNumber = (range: Range) =>
  v.pipe(v.number(), v.integer(), v.minValue(range.min), v.maxValue(range.max));

export function count(fallback: number, range: Range, help: string) {
  const allowed = `a whole number from ${range.min} to ${range.max}`;
  return v.pipe(v.optional(wholeNumber(range), fallback), meta("count", help, allowed, fallback));
}

export function maybeCount(range: Range, help: string) {
  const allowed = `a whole number from ${range.min} to ${range.max}`;
  return v.pipe(v.optional(wholeNumber(range)), meta("count", help, allowed));
}

export function amount(fallback: number, range: Range, help: string) {
  const schema = v.pipe(v.number(), v.minValue(range.min), v.maxValue(range.max));
  const allowed = `a number from ${range.min} to ${range.max}`;
  return v.pipe(v.optional(schema, fallback), meta("number", help, allowed, fallback));
}

export function flag(fallback: boolean, help: string) {
  return v.pipe(v.optional(v.boolean(), fallback), meta("flag", help, "true or false", fallback));
}

/** The first word is the default. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words, help: string) {
  const fallback: Words[number] = words[0];
  const allowed = `one of ${words.join(", ")}`;
  return v.pipe(v.optional(v.picklist(words), fallback), meta("choice", help, allowed, fallback));
}

export function requiredChoice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  help: string,
) {
  return v.pipe(v.picklist(words), meta("choice", help, `one of ${words.join(", ")}`));
}

const PERCENT = /^(\d{1,2}(?:\.\d+)?)\s*%$/;

/** A percentage with a default, as a share from 0 to 1. */
export function percent(fallback: string, help: string) {
  const schema = v.pipe(
    v.string(),
    v.transform((text) => Number(PERCENT.exec(text.trim())?.[1] ?? Number.NaN) / 100),
    v.number(),
  );
  return v.pipe(
    v.optional(schema, fallback),
    meta("percent", help, 'a percentage below 100, such as "10%"', fallback),
  );
}

/** An amount a day that may be left out. */
export function maybeBudget(help: string) {
  const schema = v.pipe(
    v.string(),
    v.transform((text) => parseBudget(text) ?? null),
    v.object({ amount: v.number(), unit: v.picklist(BUDGET_UNITS) }),
  );
  return v.pipe(
    v.optional(schema),
    meta("budget", help, 'an amount a day, such as "2 USD", "500000 tokens" or "300 requests"'),
  );
}

/** Text that may be left out, but not left empty. */
export function maybeText(help: string, allowed = "text") {
  return v.pipe(v.optional(v.pipe(v.string(), v.trim(), v.nonEmpty())), meta("text", help, allowed));
}

/** "bearer", or the name of a header. */
export function maybeHeader(help: string) {
  const name = v.pipe(
    v.string(),
    v.trim(),
    v.toLowerCase(),
    v.regex(/^[a-z0-9-]+$/),
    v.notValue("authorization"),
  );
  return v.pipe(v.optional(name), meta("text", help, "bearer, x-api-key or the name of a header", "bearer"));
}

export function text(fallback: string, help: string, allowed: string) {
  const schema = v.pipe(v.string(), v.trim(), v.nonEmpty());
  return v.pipe(v.optional(schema, fallback), meta("text", help, allowed, fallback));
}

export function texts(help: string, allowed: string) {
  const list = v.array(v.pipe(v.string(), v.nonEmpty()));
  return v.pipe(
    v.optional(list, () => []),
    meta("list", help, allowed, []),
  );
}

/** The name of an environment variable; never a secret itself. */
export function maybeVariable(help: string) {
  const allowed = "the name of an environment variable, not its value";
  return v.pipe(v.optional(v.pipe(v.string(), v.regex(VARIABLE))), meta("variable", help, allowed));
}

export function maybeBaseUrl(help: string) {
  const schema = v.pipe(
    v.string(),
    v.transform((text) => normalizeBaseUrl(text) ?? null),
    v.string(),
  );
  const allowed = "an http:// or https:// address without user name, query or fragment";
  return v.pipe(v.optional(schema), meta("address", help, allowed));
}

/** An http(s) address, not normalised. */
export function address(fallback: string, help: string) {
  const isWeb = (text: string) => /^https?:$/.test(URL.parse(text)?.protocol ?? "");
  const schema = v.pipe(v.string(), v.check(isWeb));
  return v.pipe(
    v.optional(schema, fallback),
    meta("address", help, "an http:// or https:// address", fallback),
  );
}

const STORE_URL = /^rediss?:$/;

/** The address of a shared store. A password in it would be readable in config.toml, so none is taken. */
export function maybeStoreUrl(help: string) {
  const isStore = (text: string): boolean => {
    const url = URL.parse(text);
    return url !== null && STORE_URL.test(url.protocol) && url.hostname !== "" && url.password === "";
  };
  const allowed = "redis://HOST:PORT/NUMBER, or rediss:// for TLS, without a password";
  return v.pipe(v.optional(v.pipe(v.string(), v.check(isStore))), meta("address", help, allowed));
}

/** A pattern that may be left out, compiled. */
export function maybePattern(help: string) {
  const schema = v.pipe(
    v.string(),
    v.transform((text) => parsePattern(text) ?? null),
    v.instance(RegExp),
  );
  const allowed = "a regular expression, plain or as /…/i";
  return v.pipe(v.optional(schema), meta("pattern", help, allowed));
}

/** Metadata for a group of settings. */
export function about<Input>(help: string, allowed = "a table"): v.MetadataAction<Input, SettingMeta> {
  return meta("table", help, allowed);
}

export function requiredTexts(help: string, allowed: string) {
  const list = v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.nonEmpty());
  return v.pipe(list, meta("list", help, allowed));
}

/** Keys of tables and indexes of lists. */
export type SettingPath = readonly (string | number)[];

const BARE = /^[A-Za-z0-9_-]+$/;

/** In TOML's notation: `chains.coding[1]`, `fallbacks."a/b"`. */
export function formatSettingPath(path: SettingPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${BARE.test(step) ? step : JSON.stringify(step)}`;
  }
  return text;
}
