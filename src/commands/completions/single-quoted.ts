/** A text as one word of bash or zsh, whatever is in it. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Words that hold no blanks, as one of them all. */
export function quotedList(words: readonly string[] = []): string {
  return singleQuoted(words.join(" "));
}
