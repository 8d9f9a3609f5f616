/** A text as one word of bash or zsh, whatever is in it. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
