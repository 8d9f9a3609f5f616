import type { Key } from "../core/key.ts";
import { type DailyBudget, type DaySpend, NO_SPEND } from "../core/quota/budget.ts";
import { budgetCooldown } from "../core/quota/quota.ts";
import { cooldownId } from "../core/routing/cooldown.ts";
import type { RequestRecord } from "../core/routing/events.ts";
import type { Cooldowns } from "./cooldowns.ts";
import type { Env } from "./env.ts";

/** Dollars for a million tokens. */
export interface TokenPrice {
  input: number | undefined;
  output: number | undefined;
}

export type PriceOf = (model: string) => TokenPrice | undefined;

/** What a model's tokens cost by its list price; 0 where that is not known. */
export function costOf(price: TokenPrice | undefined, inputTokens: number, outputTokens: number): number {
  return ((price?.input ?? 0) * inputTokens + (price?.output ?? 0) * outputTokens) / 1e6;
}

export interface BudgetsOptions {
  cooldowns: Cooldowns;
  keys: () => readonly Key[];
  budgetOf: (key: Key) => DailyBudget | undefined;
  priceOf: PriceOf;
  env: Env;
}

/** What keys have used today, where the user has set a cap. A key at its cap is held like a spent one, until midnight. */
export class Budgets {
  readonly #options: BudgetsOptions;
  readonly #spends = new Map<string, DaySpend>();
  #dayMs = 0;

  constructor(options: BudgetsOptions) {
    this.#options = options;
  }

  /** A request has ended: its key has spent something. */
  note({ attempts, served, inputTokens = 0, outputTokens = 0 }: RequestRecord): void {
    const last = attempts.findLast(({ verdict }) => verdict === "ok");
    if (last === undefined || served === undefined) return;
    this.#startDay();
    const before = this.#spends.get(last.fingerprint) ?? NO_SPEND;
    this.#spends.set(last.fingerprint, {
      requests: before.requests + 1,
      tokens: before.tokens + inputTokens + outputTokens,
      usd: before.usd + costOf(this.#options.priceOf(served), inputTokens, outputTokens),
    });
    this.#hold(last.fingerprint);
  }

  /** What all processes have spent today, as the ledger has it. */
  learn(spends: ReadonlyMap<string, DaySpend>): void {
    this.#startDay();
    for (const [fingerprint, spend] of spends) {
      const own = this.#spends.get(fingerprint) ?? NO_SPEND;
      // The ledger may be a moment behind, but what it has is of all processes.
      this.#spends.set(fingerprint, {
        requests: Math.max(own.requests, spend.requests),
        tokens: Math.max(own.tokens, spend.tokens),
        usd: Math.max(own.usd, spend.usd),
      });
    }
    for (const { fingerprint } of this.#options.keys()) this.#hold(fingerprint);
  }

  #startDay(): void {
    const dayMs = startOfDayMs(this.#options.env.now());
    if (dayMs !== this.#dayMs) this.#spends.clear();
    this.#dayMs = dayMs;
  }

  #hold(fingerprint: string): void {
    const { cooldowns, keys, budgetOf, env } = this.#options;
    const nowMs = env.now();
    const spend = this.#spends.get(fingerprint) ?? NO_SPEND;
    for (const key of keys()) {
      if (key.fingerprint !== fingerprint) continue;
      const id = cooldownId.budget(key.provider, fingerprint);
      const budget = budgetOf(key);
      const midnightMs = startOfDayMs(this.#dayMs + 36 * 3_600_000);
      const held = budget && budgetCooldown(key, budget, spend, { nowMs, midnightMs });
      const known = cooldowns.all.get(id);
      const isHeld = known !== undefined && known.untilMs > nowMs;
      if (held !== undefined && !isHeld) cooldowns.set(held, key.name);
      // The cap was raised or taken away.
      else if (held === undefined && isHeld) cooldowns.clear(id);
    }
  }
}

/** Local midnight: people count days where they live. */
export function startOfDayMs(nowMs: number): number {
  return new Date(nowMs).setHours(0, 0, 0, 0);
}
