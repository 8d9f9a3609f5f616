import { expect, test } from "bun:test";
import { until } from "../e2e/serve-process.ts";
import { IMPATIENT, startWith, withWorld } from "./fault-world.ts";
import { rawPrompt } from "./raw-client.ts";
import type { RawCall } from "./raw-upstream.ts";
import { usage } from "./usage.ts";
import { answer, chunk, EVENTS, LAST_CHUNK, SSE_HEAD, TEXT } from "./wire.ts";

/** Calls that pause after their first words until the test releases all of them. */
function held(): { onCall: (call: RawCall) => void; letGo: () => void } {
  const calls: RawCall[] = [];
  let isOpen = false;
  const finish = ({ socket }: RawCall): void => {
    socket.write(Buffer.concat([...EVENTS.slice(3).map(chunk), Buffer.from(LAST_CHUNK)]));
  };
  return {
    onCall: (call) => {
      call.socket.write(SSE_HEAD + EVENTS.slice(0, 3).map(chunk).join(""));
      if (isOpen) finish(call);
      else calls.push(call);
    },
    letGo: () => {
      isOpen = true;
      for (const call of calls) finish(call);
    },
  };
}

const CLIENTS = 300;

test("300 streams at a time are all whole; those beyond Bun's 256 wait their turn, and no model is blamed for that", async () => {
  const { onCall, letGo } = held();
  const config = `${IMPATIENT}first_token_timeout = "1s"\n[fallbacks]\n"*" = ["ollama-cloud/other"]\n`;
  await withWorld({ onCall, config }, async ({ serve, upstream, records, rests, inFlight }) => {
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, (_, index) => rawPrompt(serve, `session-${index}`)),
    );
    await until("all to be under way", async () => (await inFlight()) === CLIENTS, 30_000);
    await until("as many calls as there can be", () => upstream.calls.length >= 256, 30_000);
    // Longer than the first-token timeout, which would have moved them to other lanes.
    await Bun.sleep(2_500);
    expect(await rests()).toEqual([]);
    letGo();
    expect(await Promise.all(clients.map((client) => client.text()))).toEqual(Array(CLIENTS).fill(TEXT));
    const verdicts = (await records(CLIENTS)).map((record) => `${record.outcome} ${record.verdicts}`);
    expect(verdicts).toEqual(Array(CLIENTS).fill("served ok"));
    expect([await rests(), await inFlight(), upstream.calls.length]).toEqual([[], 0, CLIENTS]);
    for (const client of clients) client.socket.destroy();
  });
});

test("with 64 descriptors a hundred clients at once are served or told why, and then everybody is served", async () => {
  const { onCall, letGo } = held();
  await withWorld({ first: "ulimit -n 64", onCall }, async ({ serve, ask, rests, upstream }) => {
    const before = usage.descriptors(serve.pid);
    const clients = await Promise.all(Array.from({ length: 100 }, () => rawPrompt(serve)));
    await until("the first calls", () => upstream.calls.length > 0, 30_000);
    letGo();
    const texts = await Promise.all(clients.map((client) => client.text()));
    const served = texts.filter((text) => text === TEXT).length;
    const refused = clients.filter((client) => client.got().includes("open files (ulimit -n)")).length;
    expect([served > 0, served + refused]).toEqual([true, 100]);
    // Sequential requests are never rejected, also on one connection.
    for (let nth = 0; nth < 80; nth++) expect((await ask()).text).toBe(TEXT);
    expect(await rests()).toEqual([]);
    upstream.hangUp();
    await until("its descriptors to be back", () => usage.descriptors(serve.pid) <= before + 3, 30_000);
  });
});

test("five that start at once on a fresh home all serve, and share one state", () =>
  withWorld({ onCall: ({ socket }) => answer(socket) }, async ({ machine, home, records, ask }) => {
    expect((await ask()).text).toBe(TEXT);
    const others = await Promise.all(Array.from({ length: 5 }, () => startWith(machine, home, {})));
    try {
      expect(new Set(others.map((other) => other.url)).size).toBe(5);
      for (const other of others) expect((await other.ask(`of ${other.pid}`)).status).toBe(200);
      expect((await records(6)).map(({ outcome }) => outcome)).toEqual(Array(6).fill("served"));
    } finally {
      for (const other of others) other.kill("SIGTERM");
    }
    for (const { exitCode, stderr } of await Promise.all(others.map((other) => other.ended())))
      expect([exitCode, stderr]).toEqual([0, ""]);
  }));
