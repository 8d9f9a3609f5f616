import { oneLine, redact } from "./redact.ts";

/** How much of a provider's message is kept. */
const MESSAGE_CHARS = 300;

/** A provider's message as it may be stored: one line, without secrets. Redacted before it is cut, or half a secret could stay at its end. */
export function scrubMessage(message: string, secrets: readonly string[]): string {
  return message === "" ? "" : oneLine(redact(message, secrets), MESSAGE_CHARS);
}

/** A name as it may be stored. Only one that contains a secret of ours changes: a model's name may look like a key. */
export function scrubName(name: string, secrets: readonly string[]): string {
  return isClean(name, secrets) ? name : redact(name, secrets);
}

/** Names that contain none of the secrets, and how many secrets there were then. */
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
