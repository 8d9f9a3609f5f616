/** One expression, blind to case, out of several: so that a table of phrases can be read line by line. */
export function anyOf(...parts: readonly RegExp[]): RegExp {
  return new RegExp(parts.map((part) => part.source).join("|"), "i");
}
