import * as v from "valibot";
import { parseJson } from "../../core/json.ts";
import { type Cooldown, NEVER_MS } from "../../core/routing/cooldown.ts";
import { providerWords } from "../../core/scrub.ts";
import { VERDICT_KINDS } from "../../core/verdict/verdict.ts";
import type { SharedRun } from "../store.ts";
import { type CooldownChange, FAILURES_KEPT_MS } from "../store.ts";
import { PRUNE, PUT, SINCE } from "./scripts.ts";
import type { ValkeyClient } from "./valkey-client.ts";

/** A cleared cooldown stays until every process has learned of it. */
const CLEARED_KEPT_MS = 24 * 60 * 60_000;

/** A dead key is remembered this long on the server. */
const DEAD_KEPT_MS = 90 * 24 * 60 * 60_000;

/** A cooldown without a time of day: the clocks of two machines differ, so its length and its age are what counts. */
const SHARED = v.object({
  id: v.string(),
  scope: v.picklist(["lane", "key", "model", "provider"]),
  provider: v.string(),
  fingerprint: v.optional(v.string()),
  model: v.optional(v.string()),
  kind: v.picklist(VERDICT_KINDS),
  status: v.number(),
  message: v.string(),
  failures: v.number(),
  isDeclared: v.boolean(),
  /** 0: only counted failures; null: for ever. */
  lastsMs: v.nullable(v.number()),
});

/** The cooldown in an entry. One of a kind that this version does not know is not held against anyone. */
export function cooldownIn(text: string, sinceMs: number): Cooldown | undefined {
  const parsed = v.safeParse(SHARED, parseJson(text));
  if (!parsed.success) return undefined;
  const { lastsMs, fingerprint, model, ...same } = parsed.output;
  const untilMs = lastsMs === null ? NEVER_MS : lastsMs === 0 ? 0 : sinceMs + lastsMs;
  return { ...same, message: providerWords(same.message, []), fingerprint, model, sinceMs, untilMs };
}

/** A change as the server keeps it. */
export function entryOf(change: CooldownChange, nowMs: number): EntryChange {
  const ageMs = Math.max(0, nowMs - change.atMs);
  if (change.kind === "cleared") return { id: change.id, ageMs, keptMs: CLEARED_KEPT_MS, text: undefined };
  const { untilMs, sinceMs, ...same } = change.cooldown;
  const lastsMs = untilMs === NEVER_MS ? null : untilMs === 0 ? 0 : untilMs - sinceMs;
  const leftMs = Math.min(Math.max(untilMs - nowMs, 0), DEAD_KEPT_MS);
  const shared: v.InferInput<typeof SHARED> = { ...same, lastsMs };
  return { id: change.id, ageMs, keptMs: leftMs + FAILURES_KEPT_MS, text: JSON.stringify(shared) };
}

/** A run that has not been heard of for so long has ended, or its machine is cut off. */
export const RUN_KEPT_MS = 15_000;

const RUN = v.object({
  id: v.string(),
  machine: v.string(),
  what: v.string(),
  inFlight: v.number(),
  waiting: v.number(),
  /** How long it has been running. */
  forMs: v.number(),
});

export function runEntry({ sinceMs, ...run }: SharedRun, nowMs: number): EntryChange {
  const shared: v.InferInput<typeof RUN> = { ...run, forMs: nowMs - sinceMs };
  return { id: run.id, ageMs: 0, keptMs: RUN_KEPT_MS, text: JSON.stringify(shared) };
}

/** Undefined for what another version has written. */
export function runIn(text: string, nowMs: number): SharedRun | undefined {
  const parsed = v.safeParse(RUN, parseJson(text));
  if (!parsed.success) return undefined;
  const { forMs, ...run } = parsed.output;
  return { ...run, sinceMs: nowMs - forMs };
}

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
