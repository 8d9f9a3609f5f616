import { expect, test } from "bun:test";
import { createAccess } from "../../src/proxy/access.ts";
import { until, withPair } from "./rig.ts";

const GOOD = { kind: "answer", text: "fine" } as const;

const OWN = { authorization: "Bearer right", host: "127.0.0.1:4000" };

test.each<[what: string, headers: Record<string, string>, hosts: string[], status: number | undefined]>([
  ["the run's token under a loopback address", OWN, [], undefined],
  ["localhost", { ...OWN, host: "localhost:4000" }, [], undefined],
  ["the loopback of IPv6", { ...OWN, host: "[::1]:4000" }, [], undefined],
  ["no token", { host: "127.0.0.1" }, [], 401],
  ["another token", { ...OWN, authorization: "Bearer wrong" }, [], 401],
  ["a token of the same length", { ...OWN, authorization: "Bearer righT" }, [], 401],
  ["a token without its scheme", { ...OWN, authorization: "right" }, [], 401],
  ["the token in a header of its own", { host: "127.0.0.1", "x-orouter-token": "right" }, [], undefined],
  ["the token as an API key", { host: "127.0.0.1", "x-api-key": "right" }, [], undefined],
  [
    "the token beside a key of the user's own",
    { ...OWN, authorization: "Bearer own-key", "x-orouter-token": "right" },
    [],
    undefined,
  ],
  ["the token beside a foreign API key", { ...OWN, "x-api-key": "own-key" }, [], undefined],
  [
    "wrong values in every place",
    { ...OWN, authorization: "Bearer wrong", "x-orouter-token": "wrong", "x-api-key": "Bearer right" },
    [],
    401,
  ],
  ["an empty token", { host: "127.0.0.1", "x-orouter-token": "" }, [], 401],
  ["a foreign name that was made to lead here", { ...OWN, host: "evil.example:4000" }, [], 403],
  ["a foreign name that begins like ours", { ...OWN, host: "127.0.0.1.evil.example" }, [], 403],
  ["a page in a browser", { ...OWN, origin: "http://localhost:3000" }, [], 403],
  ["a page without an address", { ...OWN, origin: "null" }, [], 403],
  ["no host at all", { authorization: "Bearer right" }, [], 403],
  ["the name it was told to listen on", { ...OWN, host: "box.lan:4000" }, ["box.lan"], undefined],
  ["another address when it listens on one", { ...OWN, host: "10.0.0.9" }, ["10.0.0.8"], 403],
  ["any address when it listens on all", { ...OWN, host: "10.0.0.9:4000" }, ["0.0.0.0"], undefined],
  ["a foreign name when it listens on all", { ...OWN, host: "evil.example" }, ["0.0.0.0"], 403],
])("%s: checked", (_what, headers, hosts, status) => {
  const access = createAccess({ token: "right", hosts });
  const caller = access(new Headers(headers));
  expect("status" in caller ? caller.status : undefined).toBe(status as 401);
});

test("who is turned away costs no call and is told why", () =>
  withPair({ reply: () => GOOD }, async (rig, upstream) => {
    const wrong = await fetch(`${rig.url}/a/v1/models`, { headers: { authorization: "Bearer wrong" } });
    expect(wrong.status).toBe(401);
    const page = await rig.ask({ headers: { origin: "http://127.0.0.1" } });
    expect(page.status).toBe(403);
    const foreign = await rig.ask({ headers: { host: "evil.example" } });
    expect([foreign.status, await foreign.text()]).toEqual([
      403,
      expect.stringContaining("name of this machine"),
    ]);
    expect(upstream.calls.length).toBe(0);
  }));

test("a request that is too long is refused in a way that nobody compacts on", () =>
  withPair({ reply: () => GOOD, config: { limits: { body_bytes: 4096 } } }, async (rig, upstream) => {
    const long = JSON.stringify({ model: "chain", pad: "x".repeat(9_000) });
    const path = "/orouter/v1/chat/completions";
    const told = await rig.fetch(path, { method: "POST", body: long });
    const message =
      "[orouter] The request is larger than 0 MiB, the limit that config.toml sets as body_bytes under [limits].";
    expect([told.status, await told.json()]).toEqual([
      400,
      expect.objectContaining({ error: expect.objectContaining({ message }) }),
    ]);
    // Without a Content-Length the body is counted as it arrives.
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < long.length; at += 1_000)
          controller.enqueue(Buffer.from(long.slice(at, at + 1_000)));
        controller.close();
      },
    });
    const counted = await rig.fetch(path, { method: "POST", body });
    expect(counted.status).toBe(400);
    expect(upstream.calls.length).toBe(0);
    expect((await rig.ask()).status).toBe(200);
  }));

test("a length of 64 MiB is passed on, and one byte more is not", () =>
  withPair({ reply: () => GOOD }, async (rig, upstream) => {
    const limit = rig.settings.limits.bodyBytes;
    expect(limit).toBe(64 * 1024 * 1024);
    const body = (bytes: number): Uint8Array<ArrayBuffer> => {
      const whole = new Uint8Array(bytes).fill(0x20);
      whole.set(Buffer.from('{"model":"a/first","stream":true,"messages":[]'));
      whole[bytes - 1] = 0x7d;
      return whole;
    };
    const fits = await rig.fetch("/v1/chat/completions", { method: "POST", body: body(limit) });
    expect([fits.status, upstream.calls.length]).toEqual([200, 1]);
    await fits.text();
    const over = await rig.fetch("/v1/chat/completions", { method: "POST", body: body(limit + 1) });
    expect([over.status, await over.text()]).toEqual([400, expect.stringContaining("larger than 64 MiB")]);
    expect(upstream.calls.length).toBe(1);
  }));

test("a client that leaves while it sends its request is no bug and no call", () =>
  withPair({ reply: () => GOOD }, async (rig, upstream) => {
    const { hostname, port } = new URL(rig.url);
    const opened = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (own) => {
          const head = `POST /orouter/v1/chat/completions HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${rig.token}\r\n`;
          own.write(`${head}content-length: 1000\r\n\r\n{"model":"chain"`);
          own.flush();
          opened.resolve();
        },
        data: () => {},
      },
    });
    await opened.promise;
    // Two complete requests later the first half of the other has surely arrived.
    for (let nth = 0; nth < 2; nth++) await (await rig.ask()).text();
    socket.terminate();
    await (await rig.ask()).text();
    expect(rig.bugs).toEqual([]);
    expect(upstream.calls.length).toBe(3);
  }));

test("more requests at a time than allowed get a last word, and the place is free again afterwards", () => {
  const reply = (): { kind: "answer"; text: string; cut: { afterTokens: number; how: "stall" } } => ({
    kind: "answer",
    text: "one two",
    cut: { afterTokens: 1, how: "stall" },
  });
  return withPair({ reply, config: { limits: { open_requests: 1 } } }, async (rig) => {
    const leaving = new AbortController();
    const first = await rig.ask({ signal: leaving.signal });
    const second = await rig.ask();
    expect([second.status, await second.text()]).toEqual([400, expect.stringContaining("open at once")]);
    leaving.abort();
    await first.text().catch(() => {});
    await until(() => rig.records().length === 1);
    const third = await rig.ask();
    expect(third.status).toBe(200);
    await third.body?.cancel();
  });
});

test("a head above its limit is refused, and no key is used for it", () =>
  withPair(
    { reply: () => GOOD, config: { limits: { header_bytes: 1024 } }, profile: "by user-agent" },
    async (rig, upstream) => {
      const long = await rig.ask({ headers: { "x-long": "x".repeat(2000) } });
      expect(long.status).toBe(431);
      expect(upstream.calls).toEqual([]);
    },
  ));

test.each([
  ["a path that is none of ours", "/chat/completions", 404],
  ["a way out of the provider's path", "/a/v1/%2e%2e/secret", 404],
  ["a provider that nobody knows", "/nobody/v1/models", 400],
  ["a provider without a key", "/groq/v1/models", 400],
  ["chains have no files", "/orouter/v1/files", 404],
])("%s is refused by us", (_what, path, status) =>
  withPair({ reply: () => GOOD, profile: "neutral" }, async (rig, upstream) => {
    const response = await rig.fetch(path);
    expect([response.status, await response.json()]).toEqual([
      status,
      { error: { message: expect.any(String), type: "invalid_request_error", code: "not_routable" } },
    ]);
    expect(upstream.calls.length).toBe(0);
  }),
);

test.each([
  ["no model", {}],
  ["an empty model", { model: "" }],
  ["a number for a model", { model: 4 }],
  ["a chain that does not exist", { model: "nope" }],
])("a chat with %s is refused by us", (_what, body) =>
  withPair({ reply: () => GOOD }, async (rig) => {
    const response = await rig.fetch("/v1/chat/completions", { method: "POST", body: JSON.stringify(body) });
    expect(response.status).toBe(400);
  }),
);
