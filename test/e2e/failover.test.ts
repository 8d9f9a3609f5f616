import { afterAll, beforeAll, expect, test } from "bun:test";
import { CANONICAL_TEXT, tokensOf } from "../../src/demo/call.ts";
import { failoverScene, SCENARIOS, type Scene } from "../../src/demo/scenes.ts";
import { startUpstream, type Upstream } from "../../src/demo/upstream.ts";
import { fastEnv, type Rig, startRig } from "../proxy/rig.ts";
import { type Observation, observe } from "./failover-run.ts";

/** The clocks of proxy and upstream run this many times faster than real time, so that minutes take seconds. */
const SPEED = 20;

/** Short enough for scenarios 7 and 9, as a user with a fast fallback would set them. */
const ROUTING = { first_token_timeout: "10s", stall_timeout: "15s" };

function startChains(upstream: Upstream): Rig {
  const chains = Object.fromEntries(
    SCENARIOS.map(({ id }) => [id, [`bench/${id}-primary`, `bench/${id}-fallback`]]),
  );
  return startRig({
    config: { routing: ROUTING, chains, providers: { bench: { base_url: upstream.baseUrl } } },
    keys: { bench: ["bench"] },
    env: fastEnv(SPEED),
  });
}

function sceneAtSpeed(): Scene {
  const scene = failoverScene({ timeScale: 1 / SPEED });
  const unhurried = failoverScene();
  return {
    ...scene,
    keys: [{ name: "bench", secret: "secret-bench" }],
    // The proxy's clock applies to the hint of s01, so it must not be shortened.
    reply: (call) => (call.model === "s01-primary" ? unhurried : scene).reply(call),
  };
}

let upstream: Upstream;
let rig: Rig;

beforeAll(async () => {
  upstream = await startUpstream(sceneAtSpeed());
  rig = startChains(upstream);
});

afterAll(async () => {
  await rig.stop();
  await upstream.stop();
});

const isWhole = (seen: Observation): boolean => seen.text === CANONICAL_TEXT && seen.looksWhole;
const within = (times: number[], ms: number): number => times.filter((atMs) => atMs <= ms).length;

interface Judge {
  /** Must hold, or the scenario has failed. A complete answer is always required. */
  required: (seen: Observation) => boolean;
  /** Should hold, or the scenario has passed only in part. */
  advisory?: (seen: Observation) => boolean;
}

/** The columns Required and Advisory of the scenarios, all but 13 and 15, which end differently. */
const JUDGES: Record<string, Judge> = {
  s01: {
    required: ({ primaryMs }) => within(primaryMs, 1_500) <= 2,
    advisory: ({ primaryMs: [first = 0, second = 0, ...more] }) =>
      second - first >= 1_800 && more.length === 0,
  },
  s02: { required: ({ primaryMs }) => within(primaryMs, 3_000) <= 4 && primaryMs.length <= 6 },
  s03: { required: () => true, advisory: ({ primaryMs }) => primaryMs.length >= 2 },
  s04: { required: ({ primaryMs }) => primaryMs.length <= 6 },
  s05: { required: () => true, advisory: ({ primaryMs }) => primaryMs.length === 2 },
  s06: { required: ({ wallMs }) => wallMs <= 100_000, advisory: ({ primaryMs }) => primaryMs.length === 1 },
  s07: { required: () => true, advisory: ({ wallMs }) => wallMs <= 15_000 },
  s08: { required: () => true },
  s09: { required: ({ wallMs }) => wallMs <= 45_000 },
  s10: { required: ({ hasGarbage }) => !hasGarbage },
  s11: { required: ({ wallMs }) => wallMs <= 8_000, advisory: ({ hasUsage }) => hasUsage },
  s12: { required: ({ primaryMs }) => primaryMs.length === 1 },
  s14: { required: ({ body }) => !body.includes("prefill") },
  s16: {
    required: ({ model, primaryMs }) => model === "s16-fallback" && primaryMs.length <= 6,
    advisory: ({ hasUsage }) => hasUsage,
  },
};

function verdictOf(seen: Observation, judge: Judge): "pass" | "partial" | "safe" | "fail" {
  if (!judge.required(seen)) return "fail";
  if (isWhole(seen)) return (judge.advisory?.(seen) ?? true) ? "pass" : "partial";
  return seen.looksWhole || (seen.status === 200 && seen.error === undefined) ? "fail" : "safe";
}

test.each(SCENARIOS.filter(({ id }) => id in JUDGES).map(({ id, fault }) => [id, fault] as const))(
  "%s passes: %s",
  async (id) => {
    const seen = await observe(rig, upstream, { id, speed: SPEED });
    const judge = JUDGES[id] ?? { required: () => false };
    const { body: _, ...shown } = seen;
    expect({ verdict: verdictOf(seen, judge), shown }).toMatchObject({ verdict: "pass" });
  },
);

test("s13 passes: a refusal by content policy goes back once, in the provider's words", async () => {
  const seen = await observe(rig, upstream, { id: "s13", speed: SPEED });
  expect(seen).toMatchObject({ status: 400, looksWhole: false });
  expect(seen.body).toContain("content_policy_violation");
  expect([seen.primaryMs.length, seen.fallbackMs.length]).toEqual([1, 0]);
});

test("s15 passes: every call of an outage is served, and the primary is back within 30 s of its recovery", async () => {
  const calls = Array.from({ length: 24 }, async (_, nth) => {
    await Bun.sleep((nth * 4_000) / SPEED);
    return observe(rig, upstream, { id: "s15", speed: SPEED });
  });
  const seen = await Promise.all(calls);
  expect(seen.filter((one) => !isWhole(one))).toEqual([]);
  const asked = upstream.calls.filter((call) => call.model === "s15-primary");
  const back = asked.find((call) => call.sinceFirstMs * SPEED >= 60_000);
  expect((back?.sinceFirstMs ?? Number.POSITIVE_INFINITY) * SPEED).toBeLessThan(90_000);
  // It was asked now and then, not on every call.
  const during = asked.filter((call) => call.sinceFirstMs * SPEED < 60_000);
  expect(during.length).toBeLessThanOrEqual(8);
});

test.each(["s08", "s09", "s14"])("%s is safe when the second answer differs", async (id) => {
  const scene = sceneAtSpeed();
  const other = "Quite another answer, which does not begin as the first one did.";
  const reply: Scene["reply"] = (call) =>
    call.model.endsWith("-fallback") ? { kind: "answer", text: other } : scene.reply(call);
  const differing = await startUpstream({ ...scene, reply });
  const own = startChains(differing);
  try {
    const seen = await observe(own, differing, { id, speed: SPEED });
    expect(verdictOf(seen, { required: () => true })).toBe("safe");
    expect(seen.text).toBe(
      tokensOf(CANONICAL_TEXT)
        .slice(0, id === "s09" ? 20 : 40)
        .join(""),
    );
    expect(JSON.parse(seen.error ?? "")).toMatchObject({ error: { code: "server_error" } });
    expect(seen.body).not.toContain("[DONE]");
  } finally {
    await own.stop();
    await differing.stop();
  }
});
