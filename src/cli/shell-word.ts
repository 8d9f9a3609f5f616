/** What a shell takes as it stands. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** A text as one word of a command line, in quotes where it needs them. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
