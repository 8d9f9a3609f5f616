import { fetchedReply } from "./fetched-reply.ts";
import type { Reply, ReplyBody } from "./reply.ts";

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
  const plain = streamOf(reply.body).pipeThrough(new DecompressionStream(format));
  return { ...fetchedReply(new Response(plain)), status: reply.status, headers: reply.headers };
}

function streamOf(body: ReplyBody): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await body.read();
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      },
      cancel: (reason) => body.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
