import type { Socket, SocketHandler } from "bun";
import { ReplyParser } from "../../core/http/reply-parser.ts";
import type { Carrier, Exchange } from "./exchange.ts";

/** One request that is to be carried. */
export interface Errand {
  exchange: Exchange;
  method: string;
  /** Head and body, in a buffer that serves the next errand, too: what has to wait is copied. */
  bytes: Uint8Array;
}

export interface ConnectionOptions {
  hostname: string;
  port: number;
  /** It can carry another errand. */
  onFree: (connection: Connection) => void;
  /** It will carry no more. */
  onGone: (connection: Connection) => void;
}

/** Servers close what idles for a minute or so; whoever closes first is not surprised. */
const IDLE_S = 45;

const HANDLERS: SocketHandler<Connection> = {
  open: (socket) => socket.data.opened(socket),
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.ended(),
  close: (socket, error) => socket.data.closed(error),
  error: (socket, error) => socket.data.closed(error),
  timeout: (socket) => socket.data.drop(),
};

/** One connection to a provider; it carries one exchange at a time. */
export class Connection implements Carrier {
  readonly #options: ConnectionOptions;
  #socket: Socket<Connection> | undefined;
  #exchange: Exchange | undefined;
  #parser: ReplyParser | undefined;
  #unsent: Uint8Array | undefined;
  #isGone = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Connects, for its first errand. */
  open(errand: Errand): void {
    const { hostname, port } = this.#options;
    this.#take(errand);
    this.#unsent = new Uint8Array(errand.bytes);
    Bun.connect<Connection>({ hostname, port, socket: HANDLERS, data: this }).catch((cause) =>
      this.closed(cause),
    );
  }

  /** Takes another errand, once it is free. */
  carry(errand: Errand): void {
    this.#take(errand);
    this.#socket?.timeout(0);
    this.#socket?.ref();
    const { bytes } = errand;
    const sent = this.#write(bytes);
    if (sent < bytes.length) this.#unsent = new Uint8Array(bytes.subarray(sent));
  }

  #take({ exchange, method }: Errand): void {
    this.#exchange = exchange;
    this.#parser = new ReplyParser(method);
    exchange.carriedBy(this);
  }

  /** How much of it the system takes now. */
  #write(bytes: Uint8Array): number {
    return Math.max(0, this.#socket?.write(bytes) ?? 0);
  }

  opened(socket: Socket<Connection>): void {
    this.#socket = socket;
    if (this.#isGone) socket.terminate();
    else this.drained();
  }

  drained(): void {
    const bytes = this.#unsent;
    if (bytes === undefined) return;
    const sent = this.#write(bytes);
    this.#unsent = sent < bytes.length ? bytes.subarray(sent) : undefined;
  }

  received(bytes: Uint8Array): void {
    const parser = this.#parser;
    const exchange = this.#exchange;
    // What comes unasked leaves it in no known state.
    if (parser === undefined || exchange === undefined) {
      this.drop();
      return;
    }
    try {
      const isHeadNew = parser.head === undefined;
      const body = parser.push(bytes);
      if (isHeadNew && parser.head !== undefined) exchange.begin(parser.head);
      if (body !== undefined) exchange.push(body);
      if (parser.isOver) this.#finish(exchange, parser);
    } catch (cause) {
      exchange.fail(cause);
      this.drop();
    }
  }

  #finish(exchange: Exchange, parser: ReplyParser): void {
    this.#exchange = undefined;
    this.#parser = undefined;
    exchange.finish();
    // A reply that came before its request was all sent leaves the rest of that in the way.
    if (parser.leavesOpen && this.#unsent === undefined) this.#becomeFree();
    else this.drop();
  }

  #becomeFree(): void {
    this.#socket?.timeout(IDLE_S);
    // It is no reason for a process to stay.
    this.#socket?.unref();
    this.#options.onFree(this);
  }

  /** The provider has ended it. */
  ended(): void {
    const exchange = this.#exchange;
    if (exchange !== undefined && this.#parser?.end() === true) {
      this.#exchange = undefined;
      exchange.finish();
    }
    this.closed(undefined);
    this.#socket?.terminate();
  }

  closed(cause: unknown): void {
    const exchange = this.#exchange;
    this.#leave();
    exchange?.fail(cause ?? Object.assign(new Error("The connection was closed."), { code: "ECONNRESET" }));
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  drop(): void {
    this.#leave();
    this.#socket?.terminate();
  }

  #leave(): void {
    this.#exchange = undefined;
    this.#parser = undefined;
    this.#unsent = undefined;
    if (this.#isGone) return;
    this.#isGone = true;
    this.#options.onGone(this);
  }
}
