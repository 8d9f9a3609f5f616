/** A key as it goes into a header: printable ASCII in one piece. */
const SENDABLE = /^[\x21-\x7e]+$/;

/** Cleans a secret of the blanks that copying adds; undefined where it could not be sent in a header. */
export function cleanSecret(text: string): string | undefined {
  const trimmed = text.trim();
  return SENDABLE.test(trimmed) ? trimmed : undefined;
}
