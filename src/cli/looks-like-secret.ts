import { redact } from "../core/redact.ts";

/** Fingerprints have twelve digits and names are words: a mixed run this long is neither. */
const MIXED_RUN = /[A-Za-z0-9+=]{16,}/g;
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;

/** Whether a word may be a key: then it must not be repeated, wherever it was typed. */
export function looksLikeSecret(word: string): boolean {
  if (redact(word, []) !== word || UUID.test(word)) return true;
  // A path or an address is made of words; what stands between its slashes is looked at on its own.
  const parts = word.includes("/") ? word.split("/") : [word];
  return parts.some((part) =>
    [...part.matchAll(MIXED_RUN)].some(([run]) => /\d/.test(run) && /[A-Za-z]/.test(run)),
  );
}
