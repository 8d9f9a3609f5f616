import { upstreamHeaders } from "./headers.ts";

/** One call to a provider. */
export interface UpstreamCall {
  url: string;
  method: string;
  headers: Headers;
  secret: string;
  body: Uint8Array<ArrayBuffer> | undefined;
  signal: AbortSignal;
}

/** Encodings that an upstream may use although it was asked not to. */
const FORMATS = new Map<string, ConstructorParameters<typeof DecompressionStream>[0]>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "brotli"],
  ["zstd", "zstd"],
]);

/** Sends a call with the key in its one place. Redirects come back as they are: a key is for its own origin only. */
export function send(call: UpstreamCall): Promise<Response> {
  return fetch(call.url, {
    method: call.method,
    headers: upstreamHeaders(call.headers, call.secret),
    body: call.body ?? null,
    redirect: "manual",
    signal: call.signal,
    // Bun's own limit of silence (6 minutes) would cut thinking models; ours are settings.
    timeout: false,
    // Bun would undo an encoding by itself, but it prints what it cannot undo, into the middle of opencode's screen.
    decompress: false,
  } as RequestInit);
}

/** The same reply, its body as it was before it was packed. */
export function unpacked(response: Response): Response {
  const format = FORMATS.get(response.headers.get("content-encoding")?.trim().toLowerCase() ?? "");
  if (format === undefined || response.body === null) return response;
  const { status, headers } = response;
  const plain = response.body.pipeThrough(new DecompressionStream(format));
  return new Response(plain, { status, headers });
}

/** The first bytes of a body as text; the rest is not worth its time. */
export async function readHead(response: Response, maxBytes: number): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (bytes < maxBytes) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      bytes += value.length;
    }
  } catch {
    // A body that breaks off still has its beginning, and the status.
  }
  void reader.cancel().catch(() => {});
  return new TextDecoder().decode(Buffer.concat(parts).subarray(0, maxBytes));
}
