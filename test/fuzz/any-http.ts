import fc from "fast-check";

/** Pieces of replies, good and bad, as a broken or a spiteful server would put them together. */
const PIECES = [
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.0 503 \r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 204 No Content\r\n",
  "content-length: 5\r\n",
  "Content-Length: 5, 5\r\n",
  "content-length: 6\r\n",
  "content-length: 0\r\n",
  "transfer-encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "connection: close\r\n",
  "connection: keep-alive\r\n",
  "x-a: b\n",
  "x-a : b\r\n",
  " folded: c\r\n",
  "\r\n",
  "\n",
  "hello",
  "5\r\nhello\r\n",
  "5;a=b\r\nhello\r\n",
  "05\r\nhello\r\n",
  "0\r\n\r\n",
  "0\r\nx-trailer: 1\r\n\r\n",
  "ffffffff\r\n",
  "-1\r\n",
];

/** Any bytes that may come where a reply is awaited: a likely head first, then pieces, with some bytes turned into others. */
export const anyHttp: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom("HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 429 No\r\n", ""),
    fc.array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ maxLength: 20 })), {
      maxLength: 12,
    }),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 2 }),
  )
  .map(([start, pieces, flips]) => {
    const bytes = new Uint8Array(Buffer.from(start + pieces.join(""), "latin1"));
    for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value;
    return bytes;
  });
