import { RedisClient } from "bun";
import { Problem } from "../../core/problem.ts";
import type { OnTrouble } from "../store.ts";

export interface ValkeyAddress {
  /** `redis://` or `rediss://` (TLS), without a password: that comes apart from it. */
  url: string;
  password: string | undefined;
}

/** A server that answers later than this is as good as gone: a request waits for it. */
const REPLY_MS = 300;

const CONNECT_MS = 2_000;

/** Between tries to reach a server that is gone. */
const RETRY_MS = 1_000;

/** A connection to Valkey or Redis that comes back by itself. Each kind of trouble is reported once. */
export class ValkeyClient {
  readonly #address: ValkeyAddress;
  readonly #onTrouble: OnTrouble;
  readonly #onUp: () => void;
  readonly #told = new Set<string>();
  readonly #hashes = new Map<string, string>();
  #client: RedisClient | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /** `onUp` is called each time the server can be used again, the first time included. */
  constructor(address: ValkeyAddress, onTrouble: OnTrouble, onUp: () => void) {
    this.#address = address;
    this.#onTrouble = onTrouble;
    this.#onUp = onUp;
  }

  get isUp(): boolean {
    return this.#client !== undefined;
  }

  /** Tries once; whether it works or not, later tries follow by themselves. */
  async connect(): Promise<void> {
    clearTimeout(this.#retry);
    const client = new RedisClient(withPassword(this.#address), {
      connectionTimeout: CONNECT_MS,
      autoReconnect: false,
      enableOfflineQueue: false,
      maxRetries: 0,
    });
    try {
      await client.connect();
      if (this.#isClosed) return client.close();
      this.#client = client;
      client.onclose = () => this.#lose(client);
      this.#onUp();
    } catch {
      this.#tell(await explain(this.#address));
      this.#retryLater();
    }
  }

  /** Runs a script. Undefined where the server cannot be asked now, or refuses. */
  async run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const client = this.#client;
    if (client === undefined) return undefined;
    try {
      return await withinTime(this.#evaluate(client, script, [String(keys.length), ...keys, ...args]));
    } catch (error) {
      this.#failed(client, error);
      return undefined;
    }
  }

  /** Sends what needs no answer. */
  send(command: string, args: string[]): void {
    const client = this.#client;
    client?.send(command, args).catch((error: unknown) => this.#failed(client, error));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#client?.close();
    this.#client = undefined;
  }

  async #evaluate(client: RedisClient, script: string, args: string[]): Promise<unknown> {
    const hash = this.#hashes.get(script) ?? new Bun.CryptoHasher("sha1").update(script).digest("hex");
    this.#hashes.set(script, hash);
    try {
      return await client.send("EVALSHA", [hash, ...args]);
    } catch (error) {
      if (!messageOf(error).startsWith("NOSCRIPT")) throw error;
      return await client.send("EVAL", [script, ...args]);
    }
  }

  #failed(client: RedisClient, error: unknown): void {
    const message = messageOf(error);
    const isLost = error instanceof TooLate || isConnectionError(error);
    if (!isLost) this.#tell(refusalProblem(this.#address, message));
    // A replica that took over, or a full server, may be right again with the next connection.
    if (isLost || /^(?:READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|MOVED)/.test(message)) this.#lose(client);
  }

  #lose(client: RedisClient): void {
    if (this.#client !== client || this.#isClosed) return;
    this.#client = undefined;
    client.close();
    this.#tell(lostProblem(this.#address));
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.connect(), RETRY_MS);
    this.#retry.unref();
  }

  #tell(problem: Problem): void {
    if (this.#isClosed || this.#told.has(problem.code)) return;
    this.#told.add(problem.code);
    this.#onTrouble(problem);
  }
}

class TooLate extends Error {}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TooLate()), REPLY_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function isConnectionError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code !== "ERR_REDIS_SERVER_ERROR";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function withPassword({ url, password }: ValkeyAddress): string {
  const full = new URL(url);
  if (password !== undefined) full.password = encodeURIComponent(password);
  return full.href;
}

/** The address as it may be shown. */
export function shownAddress({ url }: Pick<ValkeyAddress, "url">): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href;
}

/** Why no connection could be made: Bun's client closes without a word, so the server is asked by hand. */
async function explain(address: ValkeyAddress): Promise<Problem> {
  const url = new URL(address.url);
  const isTls = url.protocol === "rediss:";
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(""), CONNECT_MS);
  const user = url.username === "" ? [] : [decodeURIComponent(url.username)];
  const words = address.password === undefined ? ["PING"] : ["AUTH", ...user, address.password];
  try {
    const socket = await Bun.connect({
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port === "" ? 6379 : url.port),
      tls: isTls,
      socket: {
        data: (_socket, bytes) => resolve(bytes.toString("utf8")),
        close: () => resolve(""),
        error: () => resolve(""),
      },
    });
    socket.write(
      `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`,
    );
    const reply = await promise;
    socket.end();
    return reply.startsWith("-")
      ? refusalProblem(address, reply.slice(1).split("\r\n")[0] ?? "")
      : lostProblem(address);
  } catch {
    return lostProblem(address);
  } finally {
    clearTimeout(timer);
  }
}

const GOES_ON = "This run goes on with the state of this machine, and joins the others as soon as it can.";

function lostProblem(address: ValkeyAddress): Problem {
  return new Problem({
    code: "store-lost",
    what: `The store at ${shownAddress(address)} does not answer. ${GOES_ON}`,
    fix: "Check that the server runs and can be reached, or remove [store] url from config.toml.",
  });
}

function refusalProblem(address: ValkeyAddress, message: string): Problem {
  const [word = ""] = message.split(" ");
  const at = `The store at ${shownAddress(address)}`;
  if (["WRONGPASS", "NOAUTH", "ERR"].includes(word) && /pass|auth/i.test(message)) {
    return new Problem({
      code: "store-password",
      what: `${at} refuses the password. ${GOES_ON}`,
      fix: "Set the password in OROUTER_STORE_PASSWORD, and the user in [store] url: redis://USER@HOST:6379/0",
    });
  }
  if (word === "NOPERM") {
    return new Problem({
      code: "store-permission",
      what: `${at} does not let this user do what is needed (${message}). ${GOES_ON}`,
      fix: "Allow the user the keys under [store] prefix, and scripts: +@all ~PREFIX:*",
    });
  }
  const why = { READONLY: "is read-only", OOM: "is full", LOADING: "is still starting" }[word];
  return new Problem({
    code: `store-${word.toLowerCase()}`,
    what: `${at} ${why ?? `refused a command (${message})`}. ${GOES_ON}`,
    fix: "Check the server. Valkey 7.2 and Redis 6.2 or later are known to work.",
  });
}
