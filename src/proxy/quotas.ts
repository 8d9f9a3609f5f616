import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import { warningsOf } from "../core/quota/forecast.ts";
import type { ReplyHeaders } from "../core/quota/header-readers.ts";
import {
  amountLeft,
  type Quota,
  type QuotaRecord,
  quotaCooldownIds,
  quotaCooldowns,
  quotaRecordId,
  type Reading,
  trailId,
  withHeaderQuotas,
  withReading,
} from "../core/quota/quota.ts";
import { type Standing, standingOf } from "../core/quota/rank.ts";
import { headerReaderOf } from "../core/quota/readers.ts";
import { type Cooldown, cooldownId } from "../core/routing/cooldown.ts";
import type { RouterEvent } from "../core/routing/events.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { VerdictKind } from "../core/verdict/verdict.ts";
import type { Cooldowns } from "./cooldowns.ts";
import type { Env } from "./env.ts";

export interface QuotasOptions {
  cooldowns: Cooldowns;
  emit: (event: RouterEvent) => void;
  /** Called when a key may have become usable. */
  onFreed: () => void;
  reserve: () => number;
  env: Env;
}

/** Headers come with every reply; values from a second ago are good enough. */
const HEADERS_EVERY_MS = 5_000;

/** Failures that a quota reading explains. */
const ABOUT_QUOTA: ReadonlySet<VerdictKind> = new Set(["quota", "payment", "subscription"]);

/**
 * The known quotas of the keys. A used-up window becomes a cooldown that ends at the window's reset, so that routing,
 * screens and other processes need no second mechanism.
 */
export class Quotas {
  readonly #options: QuotasOptions;
  readonly #records = new Map<string, QuotaRecord>();
  readonly #wantedMs = new Map<string, number>();
  readonly #usedMs = new Map<string, number>();
  readonly #headersMs = new Map<string, number>();
  readonly #warned = new Set<string>();

  constructor(options: QuotasOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#records.size === 0;
  }

  get records(): ReadonlyMap<string, QuotaRecord> {
    return this.#records;
  }

  of(key: Key): QuotaRecord | undefined {
    return this.#records.get(quotaRecordId(key));
  }

  /** The rank of a key for a new session. */
  standing(key: Key, { model }: ModelRef): Standing {
    const { env, reserve } = this.#options;
    return standingOf(this.of(key), model, { nowMs: env.now(), reserve: reserve() });
  }

  /** A request could use a provider, whether one of its keys is free or not. */
  noteWanted(provider: string, nowMs: number): void {
    this.#wantedMs.set(provider, nowMs);
  }

  /** When a request could last use the provider; 0 for never. */
  wantedMs(provider: string): number {
    return this.#wantedMs.get(provider) ?? 0;
  }

  noteUse(key: Key, nowMs: number): void {
    this.#usedMs.set(quotaRecordId(key), nowMs);
  }

  /** When a call with the key last began in this process; 0 for never. */
  usedMs(key: Key): number {
    return this.#usedMs.get(quotaRecordId(key)) ?? 0;
  }

  /** Call with a reading of this process. */
  take(key: Key, reading: Reading): void {
    const before = this.of(key);
    this.#replace(key, before, withReading(before, key, reading, this.#options.env.now()));
  }

  /** Call with the headers of a reply. */
  takeHeaders(key: Key, ref: ModelRef, provider: Provider, headers: ReplyHeaders): void {
    const read = headerReaderOf(provider.quota);
    if (read === undefined) return;
    const nowMs = this.#options.env.now();
    const id = `${quotaRecordId(key)} ${ref.model}`;
    if (Math.abs(nowMs - (this.#headersMs.get(id) ?? 0)) < HEADERS_EVERY_MS) return;
    this.#headersMs.set(id, nowMs);
    const quotas = read(headers, ref.model, nowMs);
    if (quotas.length === 0) return;
    const before = this.of(key);
    this.#replace(key, before, withHeaderQuotas(before, key, quotas, nowMs));
  }

  /** Call with readings of other processes; their cooldowns arrive by themselves. */
  learn(records: Iterable<QuotaRecord>): void {
    for (const record of records) {
      const known = this.#records.get(quotaRecordId(record));
      if (known === undefined || record.atMs > known.atMs) this.#records.set(quotaRecordId(record), record);
    }
  }

  #replace(key: Key, before: QuotaRecord | undefined, record: QuotaRecord): void {
    this.#records.set(quotaRecordId(record), record);
    this.#hold(key, before, record);
    this.#options.emit({ kind: "quota-read", record });
    for (const warning of warningsOf(record, this.#options.env.now())) {
      if (this.#warned.has(warning.id)) continue;
      this.#warned.add(warning.id);
      this.#options.emit({ kind: "quota-warning", warning, keyName: key.name });
    }
  }

  /** Sets and ends the key's cooldowns according to its quotas. */
  #hold(key: Key, before: QuotaRecord | undefined, record: QuotaRecord): void {
    const { cooldowns, env, reserve, onFreed } = this.#options;
    const held = new Map(
      quotaCooldowns(record, { nowMs: env.now(), reserve: reserve() }).map((one) => [one.id, one]),
    );
    let isFreed = false;
    for (const id of quotaCooldownIds(record)) {
      const wanted = held.get(id);
      const known = cooldowns.all.get(id);
      if (wanted !== undefined && (known === undefined || isNews(wanted, known)))
        cooldowns.set(wanted, key.name);
      if (wanted !== undefined || known === undefined) continue;
      // The reading says nothing about it, so the earlier cooldown stays.
      if (record.quotasAtMs < known.sinceMs) continue;
      cooldowns.clear(id);
      isFreed = true;
    }
    if (this.#settleRefusal(key, before, record, [...held.values()])) isFreed = true;
    if (isFreed) onFreed();
  }

  /**
   * The key was rejected for a used-up plan with a guessed or computed end. A reading knows the end better, and one with
   * more left than before the rejection ends the cooldown. Returns whether it ended.
   */
  #settleRefusal(
    key: Key,
    before: QuotaRecord | undefined,
    record: QuotaRecord,
    held: readonly Cooldown[],
  ): boolean {
    const { cooldowns } = this.#options;
    const refusal = cooldowns.all.get(cooldownId.key(key.fingerprint));
    if (refusal === undefined || !ABOUT_QUOTA.has(refusal.kind)) return false;
    if (record.quotasAtMs <= refusal.sinceMs) return false;
    const whole = held.find(({ id }) => id === cooldownId.quota(key.provider, key.fingerprint, "all"));
    if (whole !== undefined) {
      if (whole.untilMs !== refusal.untilMs)
        cooldowns.set({ ...refusal, untilMs: whole.untilMs, isDeclared: true }, key.name);
      return false;
    }
    if (before === undefined || !hasMore(before.quotas, record.quotas)) return false;
    cooldowns.clear(refusal.id);
    return true;
  }
}

/** Readings repeat what is known: only a different end, or an end to be checked, is passed on. */
function isNews(wanted: Cooldown, known: Cooldown): boolean {
  return wanted.untilMs !== known.untilMs || wanted.message !== known.message;
}

/** Whether a window has clearly more left than before: it was reset, or topped up. */
function hasMore(before: readonly Quota[], after: readonly Quota[]): boolean {
  const left = new Map(before.map((quota) => [trailId(quota), amountLeft(quota)]));
  return after.some((quota) => {
    const was = left.get(trailId(quota));
    const now = amountLeft(quota);
    return quota.blocking && was !== undefined && now !== undefined && now > was * 1.05 + 1e-9;
  });
}
