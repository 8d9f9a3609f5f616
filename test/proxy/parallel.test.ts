import { expect, test } from "bun:test";
import { type Reply, rateLimited, subscriptionRequired, unauthorized } from "../../src/demo/reply.ts";
import { readEvents, textOf } from "../demo/read-events.ts";
import { until, withPair } from "./rig.ts";

const KEYS = ["dead", "limited", "planless", "good", "fine"];
const REFUSALS: Record<string, Reply> = {
  dead: unauthorized(),
  limited: rateLimited(3_600),
  planless: subscriptionRequired(),
};
const COUNT = 50;

test.each(["sticky", "random", "round-robin", "least-failures"])(
  "of 50 requests at once, while three keys of five fail, every one is answered (%s)",
  (strategy) => {
    const reply = (call: { keyName: string }): Reply =>
      REFUSALS[call.keyName] ?? { kind: "answer", text: "all is well", firstTokenAfterMs: 10 };
    const config = { routing: { strategy } };
    return withPair({ reply, keys: KEYS, chain: ["a/first"], config }, async (rig, upstream) => {
      const asked = Array.from({ length: COUNT }, async (_, nth) => {
        const response = await rig.ask({ session: `session ${nth % 10}`, more: { user: `caller ${nth}` } });
        return textOf(readEvents(await response.text()));
      });
      expect(await Promise.all(asked)).toEqual(Array(COUNT).fill("all is well"));
      await until(() => rig.records().length === COUNT);

      // No request asks a key again that has rejected it.
      const tries = new Map<string, number>();
      for (const call of upstream.calls) {
        const who = `${(JSON.parse(call.body) as { user: string }).user} with ${call.keyName}`;
        tries.set(who, (tries.get(who) ?? 0) + 1);
      }
      expect([...tries].filter(([, count]) => count > 1)).toEqual([]);
      expect(rig.records().every((record) => record.attempts.length <= KEYS.length)).toBe(true);

      const shown = [...rig.router.cooldowns.values()].map(({ id, kind, failures }) => {
        const key = rig.keys.find((one) => id.includes(one.fingerprint));
        return `${id.replace(key?.fingerprint ?? "", key?.name ?? "")}: ${kind} ${failures}`;
      });
      const possible = [
        "key dead: auth 1",
        "lane limited a/first: rate-limit 1",
        "lane planless a/first: subscription 1",
      ];
      // However many requests failed at once, each cooldown counts one failure.
      expect(shown.filter((rest) => !possible.includes(rest))).toEqual([]);
      if (strategy !== "sticky") expect(shown.toSorted()).toEqual(possible);
      expect(rig.keys.map((key) => rig.router.inFlight(key))).toEqual(rig.keys.map(() => 0));

      // From now on these keys are not asked.
      const before = upstream.calls.length;
      await Promise.all(Array.from({ length: 20 }, async () => (await rig.ask()).text()));
      const asking = new Set(upstream.calls.slice(before).map((call) => call.keyName));
      expect([...asking].filter((name) => shown.some((rest) => rest.includes(` ${name}`)))).toEqual([]);
    });
  },
);
