import type { ServerResponse } from "node:http";
import type { Transform } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { constants, createBrotliCompress, createGzip, createZstdCompress } from "node:zlib";
import type { Encoding } from "./reply.ts";
import type { Head } from "./step.ts";

/** The way from an event to the socket: compressed and cut into pieces where the script says so. */
export interface BodyWriter {
  /** Resolves once the bytes are handed to the socket, so that a wait behind it is a wait on the wire. */
  send: (bytes: string | Uint8Array) => Promise<void>;
  /** Whatever a compression still owes. */
  finish: () => Promise<void>;
}

/** Sends the head at once and returns the writer for what follows. */
export function openBody(response: ServerResponse, head: Head): BodyWriter {
  response.writeHead(head.status, head.headers);
  response.flushHeaders();
  const write = (bytes: Uint8Array) => writePieces(response, bytes, head.splitBytes ?? bytes.length);
  if (head.encoding) return compressed(head.encoding, write);
  return { send: (bytes) => write(Buffer.from(bytes)), finish: async () => {} };
}

async function writePieces(response: ServerResponse, bytes: Uint8Array, size: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    if (response.destroyed) return;
    const hasRoom = response.write(bytes.subarray(at, at + size));
    // A reader that does not keep up must slow the script down, and one that left must not hold it for ever.
    if (!hasRoom) await drained(response);
    // Pieces written in one breath would travel as one.
    if (size < bytes.length) await setImmediate();
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

const FLUSH = {
  gzip: { create: createGzip, mark: constants.Z_SYNC_FLUSH },
  br: { create: createBrotliCompress, mark: constants.BROTLI_OPERATION_FLUSH },
  zstd: { create: createZstdCompress, mark: constants.ZSTD_e_flush },
} as const;

function compressed(encoding: Encoding, write: (bytes: Uint8Array) => Promise<void>): BodyWriter {
  const { create, mark } = FLUSH[encoding];
  const squeeze: Transform & { flush(mark: number, done: () => void): void } = create();
  let pending: Uint8Array[] = [];
  squeeze.on("data", (bytes: Uint8Array) => pending.push(bytes));
  const pass = async () => {
    const ready = Buffer.concat(pending);
    pending = [];
    await write(ready);
  };
  return {
    send: async (bytes) => {
      squeeze.write(bytes);
      await new Promise<void>((resolve) => squeeze.flush(mark, resolve));
      await pass();
    },
    finish: async () => {
      await new Promise<void>((resolve) => squeeze.once("end", resolve).end());
      await pass();
    },
  };
}
