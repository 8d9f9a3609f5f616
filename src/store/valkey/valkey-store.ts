import { hostname } from "node:os";
import { parseQuotaRecord, type QuotaRecord, quotaRecordId } from "../../core/quota/quota.ts";
import type { Cooldown } from "../../core/routing/cooldown.ts";
import {
  CALL_WINDOW_MS,
  type Claim,
  type ClaimRequest,
  LEASE_RENEW_MS,
} from "../../core/routing/shared-limits.ts";
import {
  type CooldownChange,
  type CooldownStore,
  isForgotten,
  type LimitStore,
  type News,
  type OnTrouble,
  QUOTAS_KEPT_MS,
  type QuotaStore,
  type RunStore,
  type SharedRun,
  type Store,
  type StoreOptions,
  scrubChange,
  scrubQuota,
} from "../store.ts";
import { CLAIM, NOTE, RENEW } from "./scripts.ts";
import {
  cooldownIn,
  entryOf,
  RUN_KEPT_MS,
  runEntry,
  runIn,
  SharedEntries,
  type SharedEntry,
} from "./shared-entries.ts";
import { type ValkeyAddress, ValkeyClient } from "./valkey-client.ts";

export interface ValkeyOptions extends StoreOptions, ValkeyAddress {
  /** What all names on the server begin with. */
  prefix: string;
  onTrouble: OnTrouble;
}

const POLL_MS = 400;
const PRUNE_EVERY_MS = 10 * 60_000;
const SEND_AFTER_MS = 50;

/**
 * A store on a Valkey or Redis server, shared by machines. Everything also goes into the local store of this machine,
 * which answers alone while the server is gone; what it has learned meanwhile is sent when the server is back.
 */
export class ValkeyStore implements Store {
  readonly cooldowns: CooldownStore;
  readonly limits: LimitStore;
  readonly quotas: QuotaStore;
  readonly runs: RunStore;
  readonly #local: Store;
  readonly #options: ValkeyOptions;
  readonly #client: ValkeyClient;
  readonly #cooldowns: SharedEntries;
  readonly #quotas: SharedEntries;
  readonly #runs: SharedEntries;
  readonly #queue = new Map<string, CooldownChange>();
  /** The keys of the calls under way that hold a lease on the server. */
  readonly #leases = new Map<string, string>();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  /** Calls that the server has not heard of. */
  readonly #unsent: { id: string; key: string; at: number }[] = [];
  #sending: ReturnType<typeof setTimeout> | undefined;
  #onNews: ((news: News) => void) | undefined;
  #isPolling = false;

  constructor(local: Store, options: ValkeyOptions) {
    this.#local = local;
    this.#options = options;
    this.#client = new ValkeyClient(options, options.onTrouble, () => void this.#rejoin());
    this.#cooldowns = new SharedEntries(this.#client, options.prefix, "cooldowns");
    this.#quotas = new SharedEntries(this.#client, options.prefix, "quotas");
    this.#runs = new SharedEntries(this.#client, options.prefix, "runs");
    this.runs = {
      announce: (run) => void this.#runs.put([runEntry(run, options.nowMs())]),
      withdraw: (id) => void this.#runs.put([{ id, ageMs: 0, keptMs: 0, text: undefined }]),
      others: () => this.#otherRuns(),
    };
    this.quotas = {
      all: () => this.#allQuotas(),
      set: (record) => {
        local.quotas.set(record);
        void this.#putQuota(record);
      },
    };
    this.cooldowns = {
      all: () => this.#all(),
      set: (cooldown) => {
        local.cooldowns.set(cooldown);
        this.#change({ kind: "set", id: cooldown.id, atMs: cooldown.sinceMs, cooldown });
      },
      clear: (id) => {
        local.cooldowns.clear(id);
        this.#change({ kind: "cleared", id, atMs: options.nowMs() });
      },
    };
    this.limits = {
      claim: (request) => this.#claim(request),
      release: (id) => this.#release(id),
      leave: (request) => this.#leave(request),
    };
  }

  /** Connects, if the server answers; otherwise that is tried again while this process runs. */
  async open(): Promise<this> {
    await this.#client.connect();
    this.#every(POLL_MS, () => void this.#poll());
    this.#every(LEASE_RENEW_MS, () => this.#renew());
    this.#every(PRUNE_EVERY_MS, () => {
      this.#cooldowns.prune();
      this.#quotas.prune();
      this.#runs.prune();
    });
    return this;
  }

  watch(onNews: (news: News) => void): () => void {
    const unwatch = this.#local.watch(onNews);
    this.#onNews = onNews;
    return () => {
      unwatch();
      this.#onNews = undefined;
    };
  }

  async flush(): Promise<void> {
    await Promise.all([this.#local.flush(), this.#send()]);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#sending);
    await this.#send();
    await Promise.all(
      [...this.#leases].map(([id, key]) => this.#client.run(END, [this.#limitKeys(key).leases], [id])),
    );
    this.#client.close();
    await this.#local.close();
  }

  #every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms);
    timer.unref();
    this.#timers.push(timer);
  }

  async #claim(request: ClaimRequest): Promise<Claim> {
    const { id, waiter, key, limits } = request;
    const { calls, leases, since, due } = this.#limitKeys(key);
    const wish = [id, waiter, String(limits.rpm ?? 0), String(limits.concurrency ?? 0)];
    const waitMs = await this.#client.run(CLAIM, [calls, leases, since, due], wish);
    const claim: Claim =
      typeof waitMs !== "number"
        ? await this.#local.limits.claim(request)
        : waitMs > 0
          ? { kind: "wait", afterMs: waitMs }
          : { kind: "granted" };
    if (claim.kind === "wait") return claim;
    if (limits.concurrency !== undefined) this.#leases.set(id, key);
    if (typeof waitMs !== "number" && limits.rpm !== undefined)
      this.#unsent.push({ id, key, at: performance.now() });
    return claim;
  }

  /** Calls that were made while the server was gone count there, too. */
  async #sendCalls(): Promise<void> {
    const now = performance.now();
    const unsent = this.#unsent.splice(0).filter(({ at }) => now - at < CALL_WINDOW_MS);
    for (const { id, key, at } of unsent) {
      await this.#client.run(NOTE, [this.#limitKeys(key).calls], [id, String(Math.round(now - at))]);
    }
    this.#renew();
  }

  #release(id: string): void {
    this.#local.limits.release(id);
    const key = this.#leases.get(id);
    if (key === undefined) return;
    this.#leases.delete(id);
    this.#client.send("ZREM", [this.#limitKeys(key).leases, id]);
  }

  #leave(request: Pick<ClaimRequest, "waiter" | "key">): void {
    this.#local.limits.leave(request);
    const { since, due } = this.#limitKeys(request.key);
    this.#client.send("ZREM", [since, request.waiter]);
    this.#client.send("ZREM", [due, request.waiter]);
  }

  #renew(): void {
    for (const [key, calls] of Map.groupBy(this.#leases, ([, key]) => key)) {
      void this.#client.run(
        RENEW,
        [this.#limitKeys(key).leases],
        calls.map(([id]) => id),
      );
    }
  }

  async #all(): Promise<Cooldown[]> {
    const local = await this.#local.cooldowns.all();
    await this.#send();
    const nowMs = this.#options.nowMs();
    const entries = await this.#cooldowns.all(nowMs);
    if (entries === undefined) return local;
    const news = this.#newsIn(entries, nowMs);
    const byId = new Map(local.map((cooldown) => [cooldown.id, cooldown]));
    for (const id of news.cleared) byId.delete(id);
    for (const cooldown of news.set) {
      if ((byId.get(cooldown.id)?.sinceMs ?? -1) <= cooldown.sinceMs) byId.set(cooldown.id, cooldown);
    }
    return [...byId.values()];
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    const nowMs = this.#options.nowMs();
    const read = await this.#cooldowns.news(nowMs);
    this.#isPolling = false;
    if (read === undefined) return;
    if (read.isReset) void this.#rejoin();
    const news = this.#newsIn(
      read.entries.filter(({ isOwn }) => !isOwn),
      nowMs,
    );
    if (news.set.length + news.cleared.length === 0) return;
    for (const cooldown of news.set) this.#local.cooldowns.set(cooldown);
    for (const id of news.cleared) this.#local.cooldowns.clear(id);
    this.#onNews?.(news);
  }

  /** What the entries say. What this process has changed since will win over it. */
  #newsIn(entries: readonly SharedEntry[], nowMs: number): News {
    const news: News = { set: [], cleared: [] };
    for (const { id, atMs, text } of entries) {
      if (this.#queue.has(id)) continue;
      const cooldown = text === undefined ? undefined : cooldownIn(text, atMs);
      if (cooldown === undefined) news.cleared.push(id);
      else if (!isForgotten(cooldown, nowMs)) news.set.push(cooldown);
    }
    return news;
  }

  async #allQuotas(): Promise<QuotaRecord[]> {
    const byId = new Map((await this.#local.quotas.all()).map((record) => [quotaRecordId(record), record]));
    for (const { id, atMs, text } of (await this.#quotas.all(this.#options.nowMs())) ?? []) {
      const record = text === undefined ? undefined : parseQuotaRecord(text);
      if (record !== undefined && atMs > (byId.get(id)?.atMs ?? -1)) byId.set(id, { ...record, atMs });
    }
    return [...byId.values()];
  }

  async #otherRuns(): Promise<SharedRun[]> {
    const nowMs = this.#options.nowMs();
    const entries = (await this.#runs.all(nowMs)) ?? [];
    return entries
      .filter(({ atMs }) => nowMs - atMs < RUN_KEPT_MS)
      .flatMap(({ text }) => (text === undefined ? [] : (runIn(text, nowMs) ?? [])))
      .filter(({ machine }) => machine !== hostname());
  }

  async #putQuota(record: QuotaRecord): Promise<void> {
    const text = JSON.stringify(scrubQuota(record, this.#options.secrets));
    const ageMs = Math.max(0, this.#options.nowMs() - record.atMs);
    await this.#quotas.put([{ id: quotaRecordId(record), ageMs, keptMs: QUOTAS_KEPT_MS, text }]);
  }

  #change(change: CooldownChange): void {
    this.#queue.set(change.id, change);
    this.#sending ??= setTimeout(() => void this.#send(), SEND_AFTER_MS);
  }

  /** Sends what is queued; what could not be sent stays in the queue. */
  async #send(): Promise<void> {
    clearTimeout(this.#sending);
    this.#sending = undefined;
    const batch = [...this.#queue.values()];
    if (batch.length === 0) return;
    const nowMs = this.#options.nowMs();
    const changes = batch.map((change) => entryOf(scrubChange(change, this.#options), nowMs));
    if (!(await this.#cooldowns.put(changes))) return;
    for (const change of batch) if (this.#queue.get(change.id) === change) this.#queue.delete(change.id);
  }

  /** The server is there again: it is told what this machine has learned, and asked for everything. */
  async #rejoin(): Promise<void> {
    for (const cooldown of await this.#local.cooldowns.all()) {
      if (!this.#queue.has(cooldown.id)) {
        this.#queue.set(cooldown.id, { kind: "set", id: cooldown.id, atMs: cooldown.sinceMs, cooldown });
      }
    }
    await this.#sendCalls();
    const news = await this.#all();
    if (news.length > 0) this.#onNews?.({ set: news, cleared: [] });
  }

  /** The braces keep the names of one key on one node of a cluster. */
  #limitKeys(key: string): Record<"calls" | "leases" | "since" | "due", string> {
    const at = `${this.#options.prefix}:{limit:${key}}`;
    return { calls: `${at}:calls`, leases: `${at}:leases`, since: `${at}:since`, due: `${at}:due` };
  }
}

const END = "return redis.call('ZREM', KEYS[1], ARGV[1])";
