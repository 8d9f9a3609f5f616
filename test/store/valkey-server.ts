import { type Subprocess, which } from "bun";
import { tempFolder } from "../config/temp-folder.ts";

const PROGRAMS = ["valkey-server", "redis-server"];

/** The server program of this machine. The gate fetches one; where none can be had, it says so and counts. */
export function serverProgram(): string | undefined {
  return PROGRAMS.map((name) => which(name)).find((path) => path !== null) ?? undefined;
}

/** A server of the test's own, on a free port. */
export class ValkeyServer implements AsyncDisposable {
  readonly password = "a password of the test";
  readonly #program: string;
  readonly #folder = tempFolder();
  readonly #more: readonly string[];
  #port = 0;
  #child: Subprocess | undefined;

  private constructor(program: string, more: readonly string[]) {
    this.#program = program;
    this.#more = more;
  }

  static async start(program: string, more: readonly string[] = []): Promise<ValkeyServer> {
    const server = new ValkeyServer(program, more);
    await server.start();
    return server;
  }

  get url(): string {
    return this.urlAt("127.0.0.1");
  }

  urlAt(host: string): string {
    return `redis://${host}:${this.#port}/0`;
  }

  /** Starts it, on the port that it had before. */
  async start(): Promise<void> {
    this.#port ||= freePort();
    const options = ["--port", String(this.#port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const own = ["--requirepass", this.password, "--dir", this.#folder.path, ...this.#more];
    this.#child = Bun.spawn([this.#program, ...options, ...own], { stdout: "pipe", stderr: "ignore" });
    const reader = this.#child.stdout;
    if (!(reader instanceof ReadableStream)) throw new Error("the server has no output");
    let said = "";
    for await (const bytes of reader) {
      said += new TextDecoder().decode(bytes);
      if (/Ready to accept connections/i.test(said)) return;
    }
    throw new Error(`the server did not start: ${said}`);
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(name);
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#folder[Symbol.dispose]();
  }
}

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = server;
  server.stop(true);
  return port;
}
