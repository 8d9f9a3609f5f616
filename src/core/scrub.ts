import { isObject, parseJson } from "./json.ts";
import { MARK, SecretFinder } from "./secret-finder.ts";

declare const isClean: unique symbol;

/**
 * A provider's text that may be logged, stored, shown and sent on. Only the functions of this file make it, so the
 * compiler refuses any other text where a provider speaks.
 */
export type ProviderWords = string & { readonly [isClean]: true };

/** Request ids look like secrets, but users need them to ask the provider. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Forms that are keys in any context. */
const KEY_FORMS: readonly RegExp[] = [
  /\b(?:sk|pk|rk|csk|xai|gsk|hf|nvapi|fw|tgp|r8|glpat|pplx|fireworks|key)[-_](?=[\w-]{0,80}\d)[\w-]{12,}/g,
  /\b(?:sk|nvapi|gsk|hf|xai|csk)[-_][\w-]{16,}/g,
  /\bgh[opsu]_\w{16,}|\bgithub_pat_\w{16,}/g,
  /\bAIza[\w-]{30,}/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?/g,
  // Ollama and Z.AI: 32 hex digits, a dot, a tail.
  /\b[0-9a-f]{32}\.[\w-]{12,}/gi,
];

/** `Bearer …` and `https://user:password@host`: the word before stays, so that the text still reads. */
const BEARER = /\b(Bearer|Basic)\s+(?!\[redacted])[\w.~+/=-]{8,}/gi;
const URL_LOGIN = /(\b[a-z][\w+.-]*:\/\/)[^\s/@]+@/gi;

/** A long run of hex or base64 after a word that announces a key. */
const ANNOUNCED =
  /\b((?:api[-_ ]?key|access[-_ ]?key|key|token|secret|password|authorization|credentials?)["']?(?:\s+provided)?\s*(?:[:=]|is)?\s*["'`]?)([\w+/=.~-]{16,})/gi;

/** Finders by the list they were made of, and how many secrets it had then: lists only grow. */
const finders = new WeakMap<readonly string[], { secrets: number; finder: SecretFinder }>();

const NO_SECRETS = new SecretFinder([]);

/** The finder of some secrets; made once for each list. */
export function finderOf(secrets: readonly string[]): SecretFinder {
  if (secrets.length === 0) return NO_SECRETS;
  const known = finders.get(secrets);
  if (known?.secrets === secrets.length) return known.finder;
  const finder = new SecretFinder(secrets);
  finders.set(secrets, { secrets: secrets.length, finder });
  return finder;
}

/** Takes out the given secrets in every usual form, and whatever looks like a key. Request ids stay. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = finderOf(secrets).clean(text);
  clean = clean.replace(BEARER, `$1 ${MARK}`).replace(URL_LOGIN, `$1${MARK}@`);
  for (const form of KEY_FORMS) clean = clean.replace(form, MARK);
  return clean.replace(ANNOUNCED, (all, before: string, value: string) =>
    UUID.test(value) || !/\d/.test(value) ? all : before + MARK,
  );
}

/** Commands to a terminal, with what they carry: titles, links, colours, the clipboard. */
const TERMINAL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  /(?:\x1b[\]P_^X]|[\x9d\x90\x9f\x9e\x98])[^\x07\x1b\x9c\n]*(?:\x07|\x9c|\x1b\\)?|(?:\x1b\[|\x9b)[0-9:;<=>?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]/g;

/** All other control characters but tabs and line breaks, and those that have no width or turn the direction of text. */
const INVISIBLE = /[^\P{Cc}\t\n\r]|\p{Cf}/gu;

/** Text that cannot steer a terminal or play tricks on a reader. Lines stay. */
export function plainText(text: string): string {
  return text.replace(TERMINAL, "").replace(INVISIBLE, "").toWellFormed();
}

/** One line without control characters, at most `maxChars` long. */
export function oneLine(text: string, maxChars: number): string {
  const line = plainText(text.slice(0, maxChars * 4 + 256))
    .replace(/[\s\u2028\u2029]+/gu, " ")
    .trim();
  if (line.length <= maxChars) return line;
  return `${line
    .slice(0, Math.max(0, maxChars - 1))
    .toWellFormed()
    .replace(/\ufffd$/, "")}…`;
}

const MESSAGE_CHARS = 300;

/**
 * A provider's message in one short line. Invisible characters go first, for one in the middle of a secret would hide
 * it; the cut comes last, or half a secret could stay at its end.
 */
export function providerWords(text: string, secrets: readonly string[]): ProviderWords {
  return oneLine(redact(plainText(text), secrets), MESSAGE_CHARS) as ProviderWords;
}

/** Words of our own where a provider's could be. Only for text that stands in the source: what came from outside does not compile. */
export function ownWords<const Text extends string>(text: string extends Text ? never : Text): ProviderWords {
  return text as string as ProviderWords;
}

/** A whole body of an error, as it may go back to a client; the very same where there is nothing to take out. */
export function providerBody(body: string, secrets: readonly string[]): ProviderWords {
  const value = parseJson(body);
  const clean =
    typeof value === "object" && value !== null && !isDeep(value)
      ? cleanJson(value, secrets)
      : redact(plainText(body).replace(ESCAPED, ""), secrets);
  return (
    typeof clean === "string" ? clean : clean === value ? body : JSON.stringify(clean)
  ) as ProviderWords;
}

/** Control characters in JSON that is not read as such, for example in an event. */
const ESCAPED =
  /\\u(?!000[9ad])(?:00[01][0-9a-f]|007f|00[89][0-9a-f]|061c|200[b-f]|202[a-e]|206[0-9a-f]|feff)/gi;

/** No error is nested deeper than this. */
const MAX_DEPTH = 40;

function isDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth > MAX_DEPTH || Object.values(value).some((entry) => isDeep(entry, depth + 1));
}

/** The same object where nothing in it changes. */
function cleanJson(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === "string") return redact(plainText(value), secrets);
  if (Array.isArray(value)) {
    const entries = value.map((entry) => cleanJson(entry, secrets));
    return entries.every((entry, index) => entry === value[index]) ? value : entries;
  }
  if (!isObject(value)) return value;
  const fields = Object.entries(value).map(
    ([name, entry]) => [finderOf(secrets).clean(plainText(name)), cleanJson(entry, secrets)] as const,
  );
  const isSame = Object.entries(value).every(
    ([name, entry], index) => fields[index]?.[0] === name && fields[index][1] === entry,
  );
  return isSame ? value : Object.fromEntries(fields);
}

/** A reply's header as it may go back to a client; undefined for one that is left out because of its characters. */
export function providerHeader(value: string, secrets: readonly string[]): string | undefined {
  return HEADER_TEXT.test(value) ? finderOf(secrets).clean(value) : undefined;
}

/** No header of HTTP may hold more than a tab and what can be seen. */
const HEADER_TEXT = /^[\t\x20-\x7e\xa0-\xff]*$/;

/** A name as it may be stored. Only one that contains a secret of ours changes: a model's name may look like a key. */
export function scrubName(name: string, secrets: readonly string[]): string {
  return isKnownClean(name, secrets) ? name : redact(name, secrets);
}

/** Names that contain none of the secrets, and how many secrets there were then. */
const cleanNames = new WeakMap<readonly string[], { secrets: number; names: Set<string> }>();

const MAX_CLEAN_NAMES = 1000;

/** Requests repeat the same few names, and each of them is looked through but once. */
function isKnownClean(name: string, secrets: readonly string[]): boolean {
  const before = cleanNames.get(secrets);
  const isKnown = before?.secrets === secrets.length && before.names.size < MAX_CLEAN_NAMES;
  const { names } = isKnown ? before : { names: new Set<string>() };
  if (!isKnown) cleanNames.set(secrets, { secrets: secrets.length, names });
  if (names.has(name)) return true;
  if (finderOf(secrets).isIn(name)) return false;
  names.add(name);
  return true;
}
