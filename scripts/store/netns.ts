import { which } from "bun";

/** Two network namespaces on one bridge, with this process on the bridge's own address. */
export class Netns {
  readonly host = "10.231.7.1";
  readonly #id = `or${process.pid % 10_000}`;

  private constructor() {}

  /** Undefined where that is not allowed. */
  static open(): Netns | undefined {
    if (which("ip") === null) return undefined;
    const net = new Netns();
    if (net.#build()) return net;
    net.close();
    return undefined;
  }

  /** The words that start a program within one of the two. */
  within(i: number): string[] {
    return ["ip", "netns", "exec", `${this.#id}n${i}`];
  }

  addressOf(i: number): string {
    return `10.231.7.${i + 2}`;
  }

  close(): void {
    for (const i of [0, 1]) this.#ip(`netns del ${this.#id}n${i}`);
    this.#ip(`link del ${this.#id}b`);
  }

  #build(): boolean {
    const id = this.#id;
    const bridge = [
      `link add ${id}b type bridge`,
      `addr add ${this.host}/24 dev ${id}b`,
      `link set ${id}b up`,
    ];
    const each = [0, 1].flatMap((i) => [
      `netns add ${id}n${i}`,
      `link add ${id}v${i} type veth peer name eth0 netns ${id}n${i}`,
      `link set ${id}v${i} master ${id}b`,
      `link set ${id}v${i} up`,
      `-n ${id}n${i} addr add ${this.addressOf(i)}/24 dev eth0`,
      `-n ${id}n${i} link set eth0 up`,
      `-n ${id}n${i} link set lo up`,
    ]);
    return [...bridge, ...each].every((words) => this.#ip(words));
  }

  #ip(words: string): boolean {
    return Bun.spawnSync(["ip", ...words.split(" ")], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
  }
}
