import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "../e2e/serve-process.ts";
import { type World, withWorld } from "./fault-world.ts";
import { rawPrompt } from "./raw-client.ts";
import { usage } from "./usage.ts";
import { answer, chunk, EVENTS, SSE_HEAD, TEXT } from "./wire.ts";

/** `bun run test:faults` takes the time for what memory shows only in the long run. */
const IS_LONG = process.env["OROUTER_FAULTS"] === "long";
const SIZE = IS_LONG
  ? { warm: 1_000, requests: 10_000, aborted: 200 }
  : { warm: 200, requests: 1_000, aborted: 50 };
const AT_ONCE = 16;

/** The heap fluctuates: sample it after each round and use the median. */
const ROUND = 100;
const SAMPLES = 10;

/** Allow for connections that are just being closed. */
const SPARE_DESCRIPTORS = 3;

/** The long run may end with at most a fifth more than it had when warm. */
const GROWTH = 1.2;

/** Complete answers, some of them after a failed attempt; connections are not reused. */
async function askMany({ serve }: World, count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const client = await rawPrompt(serve, `session-${left % 50}`);
      expect(await client.text()).toBe(TEXT);
      client.socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Clients that leave in the middle of an answer. */
async function abortMany({ serve, inFlight }: World, count: number): Promise<void> {
  for (let at = 0; at < count; at += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - at) }, () => rawPrompt(serve, "leaver"));
    const clients = await Promise.all(batch);
    await until("their first words", () => clients.every((client) => client.got().includes("here")));
    for (const client of clients) client.socket.destroy();
    await until("their calls to be over", async () => (await inFlight()) === 0);
  }
}

/** Samples when nothing is in progress and no connection is open. */
async function atRest({ serve, upstream }: World, what: string, most?: number): Promise<number> {
  upstream.hangUp();
  let now = 0;
  await until(`${what} to be back`, async () => {
    const before = now;
    await Bun.sleep(100);
    now = usage.descriptors(serve.pid);
    return now === before && (most === undefined || now <= most);
  });
  return now;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

test(
  "many requests and streams that are hung up on leave no descriptor, no run folder and no call behind",
  async () => {
    let nth = 0;
    await withWorld(
      {
        onCall: ({ socket, head }) => {
          nth++;
          // One in twenty breaks off and is requested again.
          if (/x-session-id: leaver/i.test(head))
            socket.write(SSE_HEAD + EVENTS.slice(0, 4).map(chunk).join(""));
          else if (nth % 20 === 0) socket.destroy();
          else answer(socket);
        },
      },
      async (world) => {
        const { serve, home, records, inFlight } = world;
        const memory: number[] = [];
        const askUntil = async (count: number): Promise<void> => {
          while (memory.length * ROUND < count) {
            await askMany(world, ROUND);
            memory.push(usage.memoryMib(serve.pid));
          }
        };
        await askUntil(SIZE.warm);
        const descriptors = await atRest(world, "the connections");
        await askUntil(SIZE.requests);
        await abortMany(world, SIZE.aborted);
        const after = await atRest(world, "the descriptors", descriptors + SPARE_DESCRIPTORS);
        const warmMib = median(memory.slice(0, SIZE.warm / ROUND).slice(-SAMPLES));
        const lastMib = median(memory.slice(-SAMPLES));
        // The garbage collector runs when there is time for it.
        if (IS_LONG)
          await until("the memory to be back", () => usage.memoryMib(serve.pid) <= warmMib * GROWTH, 30_000);
        const restMib = usage.memoryMib(serve.pid);
        const figures = [
          `${SIZE.requests} requests, ${SIZE.aborted} aborted streams`,
          `descriptors ${descriptors} → ${after}`,
          `memory after ${SIZE.warm} requests ${warmMib.toFixed(1)} MiB, after ${SIZE.requests} ${lastMib.toFixed(1)} MiB, then at rest ${restMib.toFixed(1)} MiB (${(restMib / warmMib).toFixed(2)})`,
        ];
        console.log(figures.join("; "));
        expect(await inFlight()).toBe(0);
        const outcomes = Map.groupBy(await records(SIZE.requests + SIZE.aborted), (record) => record.outcome);
        expect(Object.fromEntries([...outcomes].map(([outcome, all]) => [outcome, all.length]))).toEqual({
          served: SIZE.requests,
          "client-gone": SIZE.aborted,
        });
        // Only its own folder.
        expect(readdirSync(join(home, "run"))).toHaveLength(1);
        serve.kill("SIGTERM");
        await serve.ended();
        expect(existsSync(join(home, "run"))).toBe(false);
      },
    );
  },
  IS_LONG ? 240_000 : 60_000,
);
