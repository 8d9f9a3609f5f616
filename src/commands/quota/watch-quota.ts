import { type DaySpend, NO_SPEND } from "../../core/quota/budget.ts";
import { quotaEndpoint } from "../../core/quota/readers.ts";
import { cooldownId } from "../../core/routing/cooldown.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { costOf, type PriceOf, startOfDayMs } from "../../proxy/budgets.ts";
import type { Router } from "../../proxy/router.ts";
import type { RoutingSnapshot } from "../../proxy/snapshot.ts";
import { type PollTarget, QuotaPoller, readQuota } from "../../quota/quota-poller.ts";
import type { Store } from "../../store/store.ts";

/** How often to look whether a reading is due. A look costs some microseconds. */
const LOOK_MS = 2_000;

/** The keys whose providers tell what is left. */
export function pollTargets(
  { keys, providers }: Pick<RoutingSnapshot, "keys" | "providers">,
  nowMs: number,
): PollTarget[] {
  return keys.flatMap((key) => {
    const provider = providers.get(key.provider);
    if (provider === undefined || !key.enabled || key.source === "embedded") return [];
    const endpoint = quotaEndpoint(provider, nowMs);
    return endpoint === undefined ? [] : { key, endpoint };
  });
}

/** How often what other processes have spent is counted. */
const COUNT_MS = 60_000;

/** What each key has spent since midnight, in all processes. */
export function spendsToday(
  ledger: Pick<Ledger, "spendsSince">,
  priceOf: PriceOf,
  nowMs: number,
): Map<string, DaySpend> {
  const spends = new Map<string, DaySpend>();
  for (const { fingerprint, model, requests, inputTokens, outputTokens } of ledger.spendsSince(
    startOfDayMs(nowMs),
  )) {
    const before = spends.get(fingerprint) ?? NO_SPEND;
    spends.set(fingerprint, {
      requests: before.requests + requests,
      tokens: before.tokens + inputTokens + outputTokens,
      usd: before.usd + costOf(priceOf(model), inputTokens, outputTokens),
    });
  }
  return spends;
}

function hasBudget({ keys, providers }: RoutingSnapshot): boolean {
  return keys.some((key) => (key.dailyBudget ?? providers.get(key.provider)?.dailyBudget) !== undefined);
}

/** Reads the quotas of the keys that a router uses, for as long as it runs. Returns the end of it. */
export function watchQuota(
  router: Router,
  { store: { quotas }, ledger, priceOf }: { store: Store; ledger: Ledger; priceOf: PriceOf },
): () => void {
  const { env } = router;
  const poller = new QuotaPoller({
    targets: () => (router.snapshot.quota.enabled ? pollTargets(router.snapshot, env.now()) : []),
    recordOf: (key) => router.quotas.of(key),
    usedMs: (key) => router.quotas.usedMs(key),
    wantedMs: (provider) => router.quotas.wantedMs(provider),
    spentSinceMs: ({ provider, fingerprint }) => {
      const nowMs = env.now();
      const ids = [cooldownId.key(fingerprint), cooldownId.quota(provider, fingerprint, "all")];
      const since = ids.flatMap((id) => {
        const cooldown = router.cooldowns.get(id);
        const isSpent = cooldown?.kind === "quota" || cooldown?.kind === "payment";
        return cooldown !== undefined && isSpent && cooldown.untilMs > nowMs ? cooldown.sinceMs : [];
      });
      return since.length === 0 ? undefined : Math.max(...since);
    },
    pollMs: () => router.snapshot.quota.pollMs,
    ask: (endpoint, secret) => readQuota(endpoint, secret, env.now()),
    take: (key, reading) => router.quotas.take(key, reading),
    refresh: async () => router.quotas.learn(await quotas.all()),
    nowMs: () => env.now(),
  });
  const count = (): void => {
    if (hasBudget(router.snapshot)) router.budgets.learn(spendsToday(ledger, priceOf, env.now()));
  };
  count();
  const timers = [setInterval(() => void poller.round(), LOOK_MS), setInterval(count, COUNT_MS)];
  for (const timer of timers) timer.unref();
  return () => {
    for (const timer of timers) clearInterval(timer);
  };
}
