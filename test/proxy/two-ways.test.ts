import { expect, test } from "bun:test";
import type { Reply } from "../../src/demo/reply.ts";
import { type Question, type Rig, withPair } from "./rig.ts";

const GOOD: Reply = { kind: "answer", text: "one two three" };

/** More calls than are made over connections of our own. */
const CROWD = 4;

/** What a client is told, less what is new each time, and what was noted of the calls. */
async function told(rig: Rig, question: Question): Promise<unknown> {
  const response = await rig.ask(question);
  const { date: _, ...headers } = Object.fromEntries(response.headers);
  const text = await response.text().catch((error: Error) => error.name);
  const stable = text.replaceAll(/"(id|created)":("[^"]*"|\d+)/g, "");
  const attempts = rig.records().flatMap((record) => record.attempts);
  const noted = attempts.map(({ keyName, model, status, verdict, message }) => [
    keyName,
    model,
    status,
    verdict,
    message,
  ]);
  return { status: response.status, headers, text: stable, noted };
}

const RAW = { kind: "raw", status: 200, headers: { "content-type": "text/event-stream" } } as const;

const REPLIES: [name: string, reply: Reply][] = [
  ["an answer", GOOD],
  ["an answer in pieces of three bytes", { ...GOOD, splitBytes: 3 } as Reply],
  ["a packed answer", { ...GOOD, encoding: "gzip" } as Reply],
  ["a packed answer of another kind", { ...GOOD, encoding: "zstd" } as Reply],
  ["a refusal", { kind: "error", status: 429, body: { error: { message: "rate limit reached" } } }],
  ["a refusal of the request", { kind: "error", status: 422, body: { error: { message: "no" } } }],
  ["a reset in place of a head", { kind: "reset" }],
  ["an answer that is reset", { ...GOOD, cut: { afterTokens: 1, how: "reset" } } as Reply],
  ["an answer that is closed", { ...GOOD, cut: { afterTokens: 2, how: "close" } } as Reply],
  ["an answer that ends too soon", { ...GOOD, cut: { afterTokens: 2, how: "end" } } as Reply],
  ["an error in the answer", { ...GOOD, cut: { afterTokens: 0, how: "error-event" } } as Reply],
  ["nothing at all", { ...RAW, chunks: [] }],
  ["a redirect", { kind: "raw", status: 307, headers: { location: "http://127.0.0.1:9/v1" }, chunks: [] }],
];

test.each(REPLIES.flatMap(([name, reply]) => [true, false].map((stream) => ({ name, reply, stream }))))(
  "whichever way a call goes, the client hears the same: $name, stream $stream",
  async ({ reply, stream }) => {
    const outcomes: unknown[] = [];
    for (const others of [0, CROWD]) {
      await withPair(
        {
          reply: (call) => (call.keyName === "one" ? reply : GOOD),
          keys: ["one", "two"],
          chain: ["a/first"],
        },
        async (rig) => {
          for (let call = 0; call < others; call++) rig.router.crowd.enter();
          outcomes.push(await told(rig, { stream, session: "s" }));
        },
      );
    }
    expect(outcomes[0]).toEqual(outcomes[1]);
  },
);
