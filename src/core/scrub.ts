const MARK = "[redacted]";

/** Removing shorter "secrets" would damage every text. */
const MIN_SECRET_CHARS = 4;

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

/** Removes the given secrets and everything that looks like a key. Request ids stay. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  const known = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS);
  // Longest first: a secret may begin with another one.
  for (const secret of known.toSorted((a, b) => b.length - a.length)) {
    for (const form of new Set([secret, encodeURIComponent(secret.toWellFormed())]))
      clean = clean.replaceAll(form, MARK);
  }
  clean = clean.replace(BEARER, `$1 ${MARK}`).replace(URL_LOGIN, `$1${MARK}@`);
  for (const form of KEY_FORMS) clean = clean.replace(form, MARK);
  return clean.replace(ANNOUNCED, (all, before: string, value: string) =>
    UUID.test(value) || !/\d/.test(value) ? all : before + MARK,
  );
}

/** Removes control characters too. */
export function oneLine(text: string, maxChars: number): string {
  // An error message must not be able to control the terminal.
  const line = text
    .slice(0, maxChars * 4 + 256)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
    .replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, "")
    .replace(/[\s\p{Cc}\u2028\u2029]+/gu, " ")
    .trim();
  if (line.length <= maxChars) return line;
  return `${line
    .slice(0, Math.max(0, maxChars - 1))
    .toWellFormed()
    .replace(/\ufffd$/, "")}…`;
}

const MESSAGE_CHARS = 300;

/** Redacts before it cuts, or half a secret could stay at the end. */
export function scrubMessage(message: string, secrets: readonly string[]): string {
  return message === "" ? "" : oneLine(redact(message, secrets), MESSAGE_CHARS);
}

/** Changes only a name that contains a secret of ours: a model's name may look like a key. */
export function scrubName(name: string, secrets: readonly string[]): string {
  return isClean(name, secrets) ? name : redact(name, secrets);
}

/** Names without any of the secrets, and the number of secrets at that time. */
const clean = new WeakMap<readonly string[], { secrets: number; names: Set<string> }>();

const MAX_CLEAN_NAMES = 1000;

/** Requests repeat the same few names, and with a thousand keys each check is a thousand comparisons. */
function isClean(name: string, secrets: readonly string[]): boolean {
  const before = clean.get(secrets);
  const isKnown = before?.secrets === secrets.length && before.names.size < MAX_CLEAN_NAMES;
  const { names } = isKnown ? before : { names: new Set<string>() };
  if (!isKnown) clean.set(secrets, { secrets: secrets.length, names });
  if (names.has(name)) return true;
  if (secrets.some((secret) => secret !== "" && name.includes(secret))) return false;
  names.add(name);
  return true;
}
