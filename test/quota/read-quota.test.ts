import { afterAll, expect, test } from "bun:test";
import { quotaEndpoint } from "../../src/core/quota/readers.ts";
import { readQuota } from "../../src/quota/quota-poller.ts";

const SECRET = "sk-test-quota-4242424242";

/** Everything that reached the other host. */
const strangers: string[] = [];

const elsewhere = Bun.serve({
  port: 0,
  fetch: (req) => {
    strangers.push(req.headers.get("authorization") ?? "");
    return Response.json({ current_point_balance: 99 });
  },
});

const seen: { path: string; authorization: string | null }[] = [];

const replies: Record<string, () => Response | Promise<Response>> = {
  good: () => Response.json({ current_point_balance: 1500 }),
  empty: () => Response.json({}),
  html: () =>
    new Response("<!doctype html><title>Checking…</title>", { headers: { "content-type": "text/html" } }),
  redirect: () =>
    new Response(null, { status: 302, headers: { location: `http://127.0.0.1:${elsewhere.port}/` } }),
  permanent: () =>
    new Response(null, { status: 308, headers: { location: `http://127.0.0.1:${elsewhere.port}/` } }),
  endless: () => {
    const piece = new Uint8Array(1024 * 1024).fill(32);
    let sent = 0;
    return new Response(
      new ReadableStream({
        pull: (controller) => {
          if (sent++ < 600) controller.enqueue(piece);
          else controller.close();
        },
        cancel: () => {
          endlessSent = sent;
        },
      }),
    );
  },
  silent: () => new Promise<Response>(() => {}),
};

let endlessSent = 0;
let reply = "good";

const service = Bun.serve({
  port: 0,
  idleTimeout: 0,
  fetch: (req) => {
    seen.push({ path: new URL(req.url).pathname, authorization: req.headers.get("authorization") });
    return replies[reply]?.() ?? new Response(null, { status: 500 });
  },
});

afterAll(async () => {
  await Promise.all([service.stop(true), elsewhere.stop(true)]);
});

function ask(kind: string, askMs?: number) {
  reply = kind;
  const baseUrl = `http://127.0.0.1:${service.port}/v1`;
  const endpoint = quotaEndpoint({ quota: "poe", isQuotaNamed: true, baseUrl }, Date.now());
  if (endpoint === undefined) throw new Error("no endpoint");
  return readQuota(endpoint, SECRET, Date.now(), askMs);
}

test("a good reply is read, with the key as a bearer token at the provider's own path", async () => {
  expect(await ask("good")).toMatchObject({ kind: "known", quotas: [{ window: "credit", remaining: 1500 }] });
  expect(seen.at(-1)).toEqual({ path: "/usage/current_balance", authorization: `Bearer ${SECRET}` });
});

test.each(["empty", "html"])("a reply that is %s is unknown", async (kind) => {
  expect((await ask(kind)).kind).toBe("unknown");
});

test.each(["redirect", "permanent"])("a %s is not followed, and the key goes nowhere else", async (kind) => {
  expect(await ask(kind)).toEqual({ kind: "unknown", why: "the provider redirects to another address" });
  expect(strangers).toEqual([]);
});

test("of a reply of 600 MB only the beginning is read", async () => {
  expect(await ask("endless")).toEqual({ kind: "unknown", why: "the reply is too long" });
  expect(endlessSent).toBeLessThan(100);
});

test("a service that does not answer is left after the time that is given", async () => {
  expect(await ask("silent", 50)).toEqual({ kind: "unknown", why: "no answer in time" });
});

test("an address that nobody listens at is unknown, and its words repeat no key", async () => {
  const endpoint = quotaEndpoint({ quota: "poe", isQuotaNamed: true, baseUrl: "http://127.0.0.1:1/v1" }, 0);
  if (endpoint === undefined) throw new Error("no endpoint");
  const reading = await readQuota(endpoint, SECRET, 0);
  expect(reading.kind).toBe("unknown");
  expect(JSON.stringify(reading)).not.toContain(SECRET);
});
