/** Bytes as text, one character each. To ask a small chunk for its buffer, as a Buffer over it has to, costs more. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.prototype.toString.call(bytes, "latin1");
}

/**
 * Where bytes stand in others, from a place on; -1 where they do not. Called on the bytes as they are: to make a Buffer
 * of them first, Bun has to make a real ArrayBuffer.
 */
export function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array, from = 0): number {
  return Buffer.prototype.indexOf.call(bytes, wanted, from);
}

export function hasBytes(bytes: Uint8Array, wanted: Uint8Array): boolean {
  return indexOfBytes(bytes, wanted) >= 0;
}

/** One piece of many; the only one is not copied. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

/** One piece behind the other, where there are both. */
export function joined(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  return a === undefined || b === undefined ? (a ?? b) : joinBytes([a, b]);
}
