/** A refusal's reason stands in its beginning. */
const HEAD_BYTES = 64 * 1024;

/** The beginning of a body, as text. */
export class HeadText {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  /** False once there is enough. */
  add(chunk: Uint8Array): boolean {
    if (this.#bytes < HEAD_BYTES) this.#parts.push(chunk);
    this.#bytes += chunk.length;
    return this.#bytes < HEAD_BYTES;
  }

  text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#parts).subarray(0, HEAD_BYTES));
  }
}

/** Reads as much of a body as is looked at. */
export async function readHead(response: Response): Promise<string> {
  const head = new HeadText();
  try {
    for await (const chunk of response.body ?? []) {
      if (!head.add(chunk)) break;
    }
  } catch {
    // A body that breaks off still has its beginning, and the status.
  }
  return head.text();
}
