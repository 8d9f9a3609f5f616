import { expect, test } from "bun:test";
import type { KeyLimits } from "../../src/core/routing/limits.ts";
import type { Claim, ClaimRequest } from "../../src/core/routing/shared-limits.ts";
import type { LimitStore } from "../../src/store/store.ts";

/** A process's limits, and the way to end them as a killed process would: without giving anything back. */
export interface OpenLimits {
  limits: LimitStore;
  close: () => Promise<void>;
}

/** Opens the limits as one more process has them; all that are opened within a test share what they take. */
export type OpenAnother = () => Promise<OpenLimits>;

export function claimOf(
  waiter: string,
  limits: Partial<KeyLimits>,
  parts: Partial<ClaimRequest> = {},
): ClaimRequest {
  return {
    id: crypto.randomUUID(),
    waiter,
    key: "aaaaaaaaaaaa",
    limits: { rpm: undefined, concurrency: undefined, ...limits },
    ...parts,
  };
}

async function kindOf(claim: Promise<Claim>): Promise<Claim["kind"]> {
  return (await claim).kind;
}

/** What every store must hold to, by a way of opening it twice. */
export function limitsSuite(
  name: string,
  withLimits: (work: (open: OpenAnother) => Promise<void>) => Promise<void>,
): void {
  test(`${name}: two processes together stay within the calls per minute`, () =>
    withLimits(async (open) => {
      const [one, other] = [await open(), await open()];
      const rpm = { rpm: 4 };
      for (const { limits } of [one, other, one, other])
        expect(await kindOf(limits.claim(claimOf("r", rpm)))).toBe("granted");
      for (const { limits } of [one, other]) {
        const claim = await limits.claim(claimOf(crypto.randomUUID(), rpm));
        expect(claim.kind).toBe("wait");
        if (claim.kind !== "wait") continue;
        expect(claim.afterMs).toBeGreaterThan(50_000);
        expect(claim.afterMs).toBeLessThanOrEqual(60_400);
      }
      expect(await kindOf(one.limits.claim(claimOf("r", rpm, { key: "bbbbbbbbbbbb" })))).toBe("granted");
    }));

  test(`${name}: a call that ends makes room in the other process, and not before`, () =>
    withLimits(async (open) => {
      const [one, other] = [await open(), await open()];
      const single = { concurrency: 1 };
      const first = claimOf("a", single);
      expect(await kindOf(one.limits.claim(first))).toBe("granted");
      expect(await kindOf(other.limits.claim(claimOf("b", single)))).toBe("wait");
      one.limits.release(first.id);
      const granted = await asksUntilGranted(other.limits, "b", single);
      expect(granted).toBe(true);
      expect(await kindOf(one.limits.claim(claimOf("c", single)))).toBe("wait");
    }));

  test(`${name}: who came first is served first, whichever process it is in`, () =>
    withLimits(async (open) => {
      const [one, other] = [await open(), await open()];
      const single = { concurrency: 1 };
      const held = claimOf("a", single);
      await one.limits.claim(held);
      expect(await kindOf(other.limits.claim(claimOf("first", single)))).toBe("wait");
      await Bun.sleep(2);
      expect(await kindOf(one.limits.claim(claimOf("second", single)))).toBe("wait");
      one.limits.release(held.id);
      expect(await asksUntilGranted(other.limits, "first", single, [one.limits, "second"])).toBe(true);
    }));

  test(`${name}: a request that leaves the line holds nobody up`, () =>
    withLimits(async (open) => {
      const [one, other] = [await open(), await open()];
      const single = { concurrency: 1 };
      const held = claimOf("a", single);
      await one.limits.claim(held);
      await other.limits.claim(claimOf("gone", single));
      await Bun.sleep(2);
      await one.limits.claim(claimOf("stays", single));
      one.limits.release(held.id);
      other.limits.leave({ waiter: "gone", key: held.key });
      expect(await asksUntilGranted(one.limits, "stays", single)).toBe(true);
    }));

  test(`${name}: a process that ends gives its calls back`, () =>
    withLimits(async (open) => {
      const [one, other] = [await open(), await open()];
      const single = { concurrency: 1 };
      await one.limits.claim(claimOf("a", single));
      await one.close();
      expect(await asksUntilGranted(other.limits, "b", single)).toBe(true);
    }));
}

/** Asks as a request in line does; with a rival, which must not be served first. */
async function asksUntilGranted(
  limits: LimitStore,
  waiter: string,
  wish: Partial<KeyLimits>,
  rival?: readonly [LimitStore, string],
): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    if (rival !== undefined && (await kindOf(rival[0].claim(claimOf(rival[1], wish)))) === "granted")
      return false;
    if ((await kindOf(limits.claim(claimOf(waiter, wish)))) === "granted") return true;
    await Bun.sleep(10);
  }
  return false;
}
