import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { ReplyTrust } from "../../src/core/routing/ties.ts";
import { startRawUpstream } from "../faults/raw-upstream.ts";
import { completion, reply } from "../faults/wire.ts";
import { startRig } from "./rig.ts";

const JSON_TYPE = ["content-type: application/json"];

function answerWith(id: string, text: string): string {
  return completion(text).replace('"c1"', JSON.stringify(id));
}

/** A provider that answers each call after a while, and sends a surplus reply while the next call is under way. */
async function wrongAnswers(
  surplus: (nth: number) => string,
): Promise<{ wrong: number; connections: number }> {
  const sockets = new Set<Socket>();
  const upstream = await startRawUpstream({
    onCall: ({ nth, socket, body }) => {
      sockets.add(socket);
      const [, asked = ""] = /question (\d+)/.exec(body.toString()) ?? [];
      const answer = answerWith(`chatcmpl-${String(nth).padStart(20, "0")}`, `answer ${asked}`);
      setTimeout(() => {
        reply(socket, answer, JSON_TYPE);
        setTimeout(() => socket.destroyed || reply(socket, surplus(nth), JSON_TYPE), 10);
      }, 20);
    },
  });
  const rig = startRig({
    config: { providers: { a: { base_url: upstream.baseUrl } } },
    keys: { a: ["one"] },
    profile: "neutral",
  });
  try {
    let wrong = 0;
    for (let nth = 0; nth < 40; nth++) {
      const more = { messages: [{ role: "user", content: `question ${nth}` }] };
      const response = await rig.ask({ path: "/v1/chat/completions", model: "a/m", stream: false, more });
      if (!(await response.text()).includes(`answer ${nth}"`)) wrong++;
    }
    expect(rig.bugs).toEqual([]);
    return { wrong, connections: sockets.size };
  } finally {
    await rig.stop();
    await upstream.stop();
  }
}

test("an answer that is sent twice answers no other request", async () => {
  const twice = (nth: number): string =>
    answerWith(`chatcmpl-${String(nth).padStart(20, "0")}`, "answer again");
  const { wrong, connections } = await wrongAnswers(twice);
  expect([wrong, connections > 30]).toEqual([0, true]);
});

test("a surplus reply that is no answer costs the provider its connections, and no request its answer", async () => {
  const { wrong, connections } = await wrongAnswers(() => '{"status":"done"}');
  expect([wrong, connections > 30]).toEqual([0, true]);
});

test("a provider that gives all answers one id is asked once more, and then believed", () => {
  const trust = new ReplyTrust();
  const id = "chatcmpl-always-the-same";
  expect([1, 2, 3, 4].map((nowMs) => trust.isForeign("a", id, nowMs))).toEqual([false, true, false, false]);
  expect(trust.isForeign("b", id, 5)).toBe(false);
  // An id out of so few says nothing.
  expect([trust.isForeign("b", "chatcmpl-123", 6), trust.isForeign("b", "chatcmpl-123", 7)]).toEqual([
    false,
    false,
  ]);
});

test("a doubt ends by itself, and the ids of a provider stay few", () => {
  const trust = new ReplyTrust();
  trust.doubt("a", 0);
  expect([trust.mayReuse("a", 1), trust.mayReuse("b", 1), trust.mayReuse("a", 600_000)]).toEqual([
    false,
    true,
    true,
  ]);
  const ids = Array.from({ length: 2_000 }, (_, nth) => `chatcmpl-${String(nth).padStart(20, "0")}`);
  for (const id of ids) expect(trust.isForeign("a", id, 600_000)).toBe(false);
  expect(trust.isForeign("a", ids.at(-1) ?? "", 600_000)).toBe(true);
  expect(trust.isForeign("b", ids[0] ?? "", 600_000)).toBe(false);
});
