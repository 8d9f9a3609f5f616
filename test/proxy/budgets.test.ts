import { expect, test } from "bun:test";
import { cooldownId } from "../../src/core/routing/cooldown.ts";
import { startOfDayMs } from "../../src/proxy/budgets.ts";
import { keyNamed, type Rig, withPair } from "./rig.ts";

const DAY = 86_400_000;

async function answeredBy(rig: Rig): Promise<string | null> {
  const response = await rig.ask({ session: "ses_1" });
  await response.text();
  return response.headers.get("x-orouter-key");
}

function withBudget(budget: string, test: (rig: Rig) => Promise<void>, env = {}): Promise<void> {
  return withPair(
    {
      keys: ["one", "two"],
      chain: ["a/first"],
      reply: () => ({ kind: "answer", text: "fine", usage: { input: 700, output: 300 } }),
      config: { providers: { a: { daily_budget: budget } } },
      ...env,
    },
    test,
  );
}

test.each(["2 requests", "2000 tokens"])("a key at its cap of %s is skipped, and says why", (budget) =>
  withBudget(budget, async (rig) => {
    const used = [await answeredBy(rig), await answeredBy(rig), await answeredBy(rig), await answeredBy(rig)];
    expect(used[0]).toBe(used[1] ?? "");
    expect(used[2]).not.toBe(used[0] ?? "");
    expect(used[3]).toBe(used[2] ?? "");
    const response = await rig.ask();
    expect(response.status).toBe(400);
    await response.text();
    const [exhausted] = rig.events.flatMap((event) => (event.kind === "exhausted" ? event.exhaustion : []));
    expect(exhausted?.keys.map(({ message, wasAsked }) => [String(message), wasAsked])).toEqual([
      [`your daily_budget of ${budget} is used up`, false],
      [`your daily_budget of ${budget} is used up`, false],
    ]);
    // It ends at midnight, where the user is.
    const id = cooldownId.budget("a", keyNamed("a", "one").fingerprint);
    const end = rig.router.cooldowns.get(id)?.untilMs;
    expect(end).toBe(startOfDayMs(startOfDayMs(rig.router.env.now()) + 1.5 * DAY));
  }),
);

test("what other processes have spent counts", () =>
  withBudget("3 requests", async (rig) => {
    const spend = { requests: 3, tokens: 0, usd: 0 };
    rig.router.budgets.learn(new Map([[keyNamed("a", "one").fingerprint, spend]]));
    for (let nth = 0; nth < 3; nth++) expect(await answeredBy(rig)).toBe("two");
  }));

test("a budget in dollars goes by list prices", () =>
  withBudget("0.01 USD", async (rig) => {
    rig.router.budgets.learn(
      new Map([[keyNamed("a", "one").fingerprint, { requests: 1, tokens: 10, usd: 0.02 }]]),
    );
    expect(await answeredBy(rig)).toBe("two");
    // Without a price nothing is known to be spent.
    for (let nth = 0; nth < 5; nth++) expect(await answeredBy(rig)).toBe("two");
  }));
