import type { ByteReader } from "./reply.ts";

/** The first bytes of a body as text; the rest is not worth its time. */
export async function readHead(body: ByteReader | undefined, maxBytes: number): Promise<string> {
  if (body === undefined) return "";
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (bytes < maxBytes) {
      const { done, value } = await body.read();
      if (done) break;
      parts.push(value);
      bytes += value.length;
    }
  } catch {
    // A body that breaks off still has its beginning, and the status.
  }
  void body.cancel().catch(() => {});
  return new TextDecoder().decode(Buffer.concat(parts).subarray(0, maxBytes));
}
