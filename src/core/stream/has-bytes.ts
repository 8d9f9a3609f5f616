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
