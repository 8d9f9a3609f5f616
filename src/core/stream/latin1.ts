/** Bytes as text, one character each. To ask a small chunk for its buffer, as a Buffer over it has to, costs more. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.prototype.toString.call(bytes, "latin1");
}
