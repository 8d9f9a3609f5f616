import type { Socket } from "bun";

export interface Reply {
  status: number;
  /** By `performance.now()`. */
  firstByteMs: number;
  /** Of the body, its framing included. */
  bytes: number;
}

type OnText = (text: string, atMs: number) => void;

const CR_LF_CR_LF = "\r\n\r\n";
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** One connection that asks and takes the answer, and does as little as that takes. */
export class Line {
  #socket: Socket | undefined;
  #unsent: Buffer | undefined;
  #onText: OnText | undefined;
  #reply: Reply = { status: 0, firstByteMs: 0, bytes: 0 };
  #head = "";
  #isInBody = false;
  /** Bytes of the body to come; undefined for a chunked one. */
  #left: number | undefined;
  #tail: Buffer = Buffer.alloc(0);
  #answered: PromiseWithResolvers<Reply> | undefined;

  static async open(port: number, onText?: OnText): Promise<Line> {
    const line = new Line();
    line.#onText = onText;
    line.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, chunk) => line.#take(chunk),
        drain: () => line.#send(),
        close: () => line.#answered?.reject(new Error("the connection was closed")),
        error: (_socket, error) => line.#answered?.reject(error),
      },
    });
    line.#socket.setNoDelay(true);
    return line;
  }

  ask(request: Buffer): Promise<Reply> {
    this.#reply = { status: 0, firstByteMs: 0, bytes: 0 };
    this.#head = "";
    this.#isInBody = false;
    this.#tail = Buffer.alloc(0);
    this.#unsent = request;
    this.#answered = Promise.withResolvers<Reply>();
    this.#send();
    return this.#answered.promise;
  }

  close(): void {
    this.#answered = undefined;
    this.#socket?.end();
  }

  #send(): void {
    if (this.#unsent === undefined || this.#socket === undefined) return;
    const sent = Math.max(0, this.#socket.write(this.#unsent));
    this.#unsent = sent < this.#unsent.length ? this.#unsent.subarray(sent) : undefined;
  }

  #take(chunk: Buffer): void {
    if (this.#reply.firstByteMs === 0) this.#reply.firstByteMs = performance.now();
    const body = this.#isInBody ? chunk : this.#takeHead(chunk);
    if (body === undefined) return;
    this.#onText?.(body.toString("latin1"), performance.timeOrigin + performance.now());
    this.#reply.bytes += body.length;
    if (this.#isAtEnd(body)) this.#answered?.resolve(this.#reply);
  }

  #takeHead(chunk: Buffer): Buffer | undefined {
    this.#head += chunk.toString("latin1");
    const end = this.#head.indexOf(CR_LF_CR_LF);
    if (end < 0) return undefined;
    this.#isInBody = true;
    this.#reply.status = Number(this.#head.slice(9, 12));
    const length = /content-length: *(\d+)/i.exec(this.#head.slice(0, end))?.[1];
    this.#left = length === undefined ? undefined : Number(length);
    return chunk.subarray(chunk.length - (this.#head.length - end - CR_LF_CR_LF.length));
  }

  #isAtEnd(body: Buffer): boolean {
    if (this.#left !== undefined) {
      this.#left -= body.length;
      return this.#left <= 0;
    }
    const last = LAST_CHUNK.length;
    this.#tail =
      body.length >= last ? body.subarray(-last) : Buffer.concat([this.#tail, body]).subarray(-last);
    return this.#tail.equals(LAST_CHUNK);
  }
}
