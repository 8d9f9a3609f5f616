import type { ReplyHeaders } from "../core/http/reply-headers.ts";

/** What is used of a reader; Bun's own type asks for more. */
export type ByteReader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** The body of a reply, read bit by bit or in one piece. */
export interface ReplyBody extends ByteReader {
  /** All of it; only where nothing has been read yet. */
  bytes: () => Promise<Uint8Array<ArrayBuffer>>;
}

/** What a provider has sent back, as far as its head. */
export interface Reply {
  status: number;
  headers: ReplyHeaders;
  /** Undefined where there is none. */
  body: ReplyBody | undefined;
}
