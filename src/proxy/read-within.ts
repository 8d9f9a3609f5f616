/**
 * A request's body, or why there is none: it is longer than allowed, or the client has left while sending it. Of a body
 * that announces its length not a byte more than needed is read.
 */
export async function readWithin(
  req: Request,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too-long" | "gone"> {
  const announced = req.headers.get("content-length");
  if (Number(announced) > maxBytes) return "too-long";
  try {
    if (announced !== null || req.body === null) return (await req.bytes()) as Uint8Array<ArrayBuffer>;
    return await readCounted(req.body, maxBytes);
  } catch {
    return "gone";
  }
}

async function readCounted(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too-long"> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > maxBytes) return "too-long";
    parts.push(part);
  }
  return Buffer.concat(parts);
}
