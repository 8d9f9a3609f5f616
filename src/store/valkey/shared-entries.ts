import * as v from "valibot";
import { parseJson } from "../../core/json.ts";
import { PRUNE, PUT, SINCE } from "./scripts.ts";
import type { ValkeyClient } from "./valkey-client.ts";

/** A change to one entry. Ages and times left are durations: the clocks of two machines are never compared. */
export interface EntryChange {
  id: string;
  ageMs: number;
  /** How long the server keeps it. */
  keptMs: number;
  /** Undefined: the entry was deleted. */
  text: string | undefined;
}

/** An entry that was read, with its time on the clock of this machine. */
export interface SharedEntry {
  id: string;
  atMs: number;
  text: string | undefined;
  isOwn: boolean;
}

/** As scripts.ts keeps it. */
const ENTRY = v.object({ at: v.number(), writer: v.string(), text: v.string() });

/** The entries of one kind on the server; of two changes to one entry the later holds. */
export class SharedEntries {
  readonly #client: ValkeyClient;
  readonly #names: readonly string[];
  readonly #writer = crypto.randomUUID();
  #revision = 0;

  constructor(client: ValkeyClient, prefix: string, kind: string) {
    this.#client = client;
    // The braces keep the names of one kind on one node of a cluster.
    this.#names = ["entries", "changes", "revision"].map((part) => `${prefix}:{${kind}}:${part}`);
  }

  /** Whether the server has taken the changes. */
  async put(changes: readonly EntryChange[]): Promise<boolean> {
    const args = changes.flatMap(({ id, ageMs, keptMs, text }) => [
      id,
      String(Math.round(ageMs)),
      String(Math.round(keptMs)),
      text ?? "",
    ]);
    return (await this.#client.run(PUT, this.#names, [this.#writer, ...args])) !== undefined;
  }

  /** Everything there is; undefined where the server cannot be asked. Later news goes on from here. */
  async all(nowMs: number): Promise<SharedEntry[] | undefined> {
    return (await this.#read(0, nowMs))?.entries;
  }

  /** What has changed since the last look; `isReset`: the server has lost what it had. */
  news(nowMs: number): Promise<{ entries: SharedEntry[]; isReset: boolean } | undefined> {
    return this.#read(this.#revision, nowMs);
  }

  prune(): void {
    void this.#client.run(PRUNE, this.#names, []);
  }

  async #read(after: number, nowMs: number) {
    const reply = await this.#client.run(SINCE, this.#names, [String(after)]);
    if (!Array.isArray(reply)) return undefined;
    const [revision, serverMs, ...words] = reply;
    if (typeof revision !== "number" || typeof serverMs !== "number") return undefined;
    this.#revision = revision;
    const entries: SharedEntry[] = [];
    for (let i = 0; i + 1 < words.length; i += 2) {
      const entry = v.safeParse(ENTRY, parseJson(String(words[i + 1])));
      // Another program may have written there.
      if (!entry.success) continue;
      const { at, writer, text } = entry.output;
      entries.push({
        id: String(words[i]),
        atMs: nowMs - (serverMs - at),
        text: text === "" ? undefined : text,
        isOwn: writer === this.#writer,
      });
    }
    return { entries, isReset: revision < after };
  }
}
