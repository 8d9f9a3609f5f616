import { fetchedReply } from "./fetched-reply.ts";
import { passThrough } from "./pass-through.ts";
import type { Reply } from "./reply.ts";

/** Encodings that an upstream may use although it was asked not to. */
const FORMATS = new Map<string, ConstructorParameters<typeof DecompressionStream>[0]>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "brotli"],
  ["zstd", "zstd"],
]);

/** The same reply, its body as it was before it was packed. */
export function unpacked(reply: Reply): Reply {
  const encoding = reply.headers.get("content-encoding");
  const format = encoding === null ? undefined : FORMATS.get(encoding.trim().toLowerCase());
  if (format === undefined || reply.body === undefined) return reply;
  const packed = passThrough(reply.body) as ReadableStream<Uint8Array<ArrayBuffer>>;
  const plain = packed.pipeThrough(new DecompressionStream(format));
  return { ...fetchedReply(new Response(plain)), status: reply.status, headers: reply.headers };
}
