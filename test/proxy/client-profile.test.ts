import { expect, test } from "bun:test";
import { type Answer, rateLimited, unauthorized } from "../../src/demo/reply.ts";
import { fastEnv, withPair } from "./rig.ts";

const V1 = { "user-agent": "opencode/1.18.33 ai-sdk/provider-utils/4.0.23" };
const V2 = { "user-agent": "opencode/latest/2.0.15/cli" };

interface Said {
  error: { message: string; type: string; code: string };
}

test("a proxy for any client speaks to each as its user-agent says", () =>
  withPair({ reply: () => rateLimited(3_600), chain: ["a/first"], profile: "by user-agent" }, async (rig) => {
    for (const headers of [V1, V2]) {
      const told = await rig.ask({ headers });
      expect([told.status, told.headers.get("x-should-retry")]).toEqual([400, "false"]);
      expect(((await told.json()) as Said).error).toMatchObject({ code: "invalid_prompt" });
    }
    const other = await rig.ask();
    expect(other.status).toBe(429);
    const seconds = Number(other.headers.get("retry-after"));
    expect(seconds).toBeGreaterThanOrEqual(3_600);
    expect(seconds).toBeLessThanOrEqual(4_000);
    expect(((await other.json()) as Said).error.message).toContain(
      "[orouter] The only key is cooling down: first free at",
    );
  }));

test("a client that nobody knows hears 503 where no wait would help", () =>
  withPair({ reply: () => unauthorized(), chain: ["a/first"], profile: "neutral" }, async (rig) => {
    const told = await rig.ask();
    expect([told.status, told.headers.get("retry-after")]).toEqual([503, null]);
  }));

test("the run's own client counts, whatever a request calls itself", () =>
  withPair({ reply: () => unauthorized(), chain: ["a/first"], profile: "opencode2" }, async (rig) => {
    expect((await rig.ask({ headers: { "user-agent": "curl/8" } })).status).toBe(400);
  }));

const CUT: Answer = {
  kind: "answer",
  text: ["Half ", "an ", "answer"],
  cut: { afterTokens: 2, how: "reset" },
};

test("a break behind words has opencode 1 ask again, and ends the answer for opencode 2", () =>
  withPair(
    {
      reply: () => CUT,
      chain: ["a/first"],
      profile: "by user-agent",
      env: fastEnv(100),
      config: { routing: { resume: false } },
    },
    async (rig) => {
      const first = await (await rig.ask({ headers: V1 })).text();
      expect(first).toContain('\\"code\\":\\"server_error\\"');
      const second = await (await rig.ask({ headers: V2 })).text();
      expect(second).toContain('"type":"invalid_request_error","code":"invalid_prompt"');
      expect(second).not.toContain("server_error");
      expect(second).not.toContain("[DONE]");
    },
  ));
