/** One character per byte. A Buffer over a small chunk would cost more. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.prototype.toString.call(bytes, "latin1");
}

/** Returns -1 if not found. Works on plain bytes: a Buffer would force Bun to create a real ArrayBuffer. */
export function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array, from = 0): number {
  return Buffer.prototype.indexOf.call(bytes, wanted, from);
}

export function hasBytes(bytes: Uint8Array, wanted: Uint8Array): boolean {
  return indexOfBytes(bytes, wanted) >= 0;
}

/** A single part is not copied. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

export function joined(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  return a === undefined || b === undefined ? (a ?? b) : joinBytes([a, b]);
}
