import { expect, test } from "bun:test";
import type { RawReply } from "../../src/demo/reply.ts";
import { readEvents, textOf } from "../demo/read-events.ts";
import { withPair } from "./rig.ts";

const GOOD = { kind: "answer", text: "fine" } as const;

const HOP_BY_HOP = ["keep-alive", "te", "trailer", "upgrade", "proxy-authorization", "x-secret-hop"];
const PRIVATE = [
  "cookie",
  "x-forwarded-for",
  "x-forwarded-host",
  "forwarded",
  "via",
  "x-real-ip",
  "x-api-key",
];

test("nothing that belongs to the client or to one hop goes up, and the key stands in for the token", () =>
  withPair({ reply: () => GOOD }, async (rig, upstream) => {
    const secret = Object.fromEntries([...HOP_BY_HOP, ...PRIVATE].map((name) => [name, "trailers"]));
    const response = await rig.ask({
      headers: { ...secret, connection: "keep-alive, x-secret-hop", "x-mine": "stays" },
    });
    await response.text();
    const headers = upstream.calls[0]?.headers ?? new Headers();
    for (const name of [...HOP_BY_HOP, ...PRIVATE]) expect([name, headers.get(name)]).toEqual([name, null]);
    expect(headers.get("authorization")).toBe("Bearer secret-one");
    expect(headers.get("x-mine")).toBe("stays");
    expect([...headers.values()].join()).not.toContain(rig.token);
    expect(headers.get("host")).toBe(new URL(upstream.url).host);
  }));

test("the session's header goes up, since some services ask for it", () =>
  withPair({ reply: () => GOOD }, async (rig, upstream) => {
    await (await rig.ask({ session: "ses_1" })).text();
    expect(upstream.calls[0]?.headers.get("x-session-id")).toBe("ses_1");
  }));

test("no cookie, no wait and no hop of the upstream comes down, and who answered is told", () => {
  const headers = {
    "set-cookie": "a=b",
    "retry-after": "30",
    "retry-after-ms": "30",
    "x-should-retry": "true",
    "x-hop": "1",
    connection: "x-hop",
    "x-request-id": "stays",
  };
  return withPair({ reply: () => ({ ...GOOD, headers }) }, async (rig) => {
    const response = await rig.ask();
    await response.text();
    const down = ["set-cookie", "retry-after", "retry-after-ms", "x-should-retry", "x-hop"];
    for (const name of down) expect([name, response.headers.get(name)]).toEqual([name, null]);
    expect(response.headers.get("x-request-id")).toBe("stays");
    expect(response.headers.get("x-orouter-model")).toBe("a/first");
    expect(response.headers.get("x-orouter-key")).toBe("one");
    expect(response.headers.get("x-orouter-attempts")).toBe("1");
  });
});

test("a refusal that goes back has neither cookie nor wait", () => {
  const reply = {
    kind: "error",
    status: 422,
    body: { error: { message: "no" } },
    headers: { "set-cookie": "a=b", "retry-after": "9" },
  } as const;
  return withPair({ reply: () => reply }, async (rig) => {
    const response = await rig.ask();
    expect([response.status, await response.json()]).toEqual([422, { error: { message: "no" } }]);
    expect([response.headers.get("set-cookie"), response.headers.get("retry-after")]).toEqual([null, null]);
  });
});

test("a key whose name is no header's is told all the same", () =>
  withPair({ reply: () => GOOD, keys: ["käse 🧀"] }, async (rig) => {
    const response = await rig.ask();
    await response.text();
    expect(decodeURIComponent(response.headers.get("x-orouter-key") ?? "")).toBe("käse 🧀");
  }));

test.each(["gzip", "br", "zstd"] as const)(
  "an upstream that packs with %s is readable, stream and body",
  (encoding) =>
    withPair({ reply: () => ({ ...GOOD, text: "one two three", encoding, splitBytes: 7 }) }, async (rig) => {
      const stream = await rig.ask();
      expect(stream.headers.get("content-encoding")).toBeNull();
      expect(textOf(readEvents(await stream.text()))).toBe("one two three");
      const body = await rig.ask({ stream: false });
      expect(body.headers.get("content-encoding")).toBeNull();
      expect(JSON.stringify(await body.json())).toContain("one two three");
    }),
);

test("a redirect is not followed: the key stays with its service", async () => {
  const elsewhere: (string | null)[] = [];
  const other = Bun.serve({
    port: 0,
    fetch: (req) => {
      elsewhere.push(req.headers.get("authorization"));
      return new Response("{}");
    },
  });
  const reply: RawReply = {
    kind: "raw",
    status: 307,
    headers: { location: `http://127.0.0.1:${other.port}/v1/chat/completions` },
    chunks: [],
  };
  await withPair(
    { reply: (call) => (call.model === "first" ? reply : GOOD), chain: ["a/first", "b/second"] },
    async (rig) => {
      const response = await rig.ask();
      expect(textOf(readEvents(await response.text()))).toBe("fine");
      expect(response.headers.get("x-orouter-model")).toBe("b/second");
      expect(elsewhere).toEqual([]);
      expect([...rig.router.cooldowns.keys()]).toEqual(["provider a"]);
    },
  );
  await other.stop(true);
});

test("the body goes up byte for byte, only the model's name is another", async () => {
  const bodies: string[] = [];
  const text = `{ "messages" : [{"role":"user","content":"${"x".repeat(100_000)} ü"}],\n\t"model":"chain", "stream" : true, "n":1.0 }`;
  await withPair(
    {
      reply: (call) => {
        bodies.push(call.body);
        return GOOD;
      },
    },
    async (rig) => {
      const path = "/orouter/v1/chat/completions";
      await (await rig.fetch(path, { method: "POST", body: text })).text();
      expect(bodies[0]).toBe(text.replace('"chain"', '"first"'));
      const own = text.replace('"chain"', '"first"');
      await (await rig.fetch("/a/v1/chat/completions", { method: "POST", body: own })).text();
      expect(bodies[1]).toBe(own);
    },
  );
});

test("an empty turn that a broken answer left behind is taken out on the way up", async () => {
  const bodies: string[] = [];
  await withPair(
    {
      reply: (call) => {
        bodies.push(call.body);
        return GOOD;
      },
    },
    async (rig) => {
      const messages = [
        { role: "user", content: "hi" },
        { role: "assistant", content: "" },
        { role: "assistant", content: "", tool_calls: [{ id: "1" }] },
        { role: "user", content: "" },
      ];
      await (await rig.ask({ more: { messages } })).text();
      expect((JSON.parse(bodies[0] ?? "") as { messages: unknown }).messages).toEqual([
        messages[0],
        messages[2],
        messages[3],
      ]);
    },
  );
});

test("a header of the upstream with a control character beyond ASCII does not come down", () => {
  const headers = { "x-note": "a\u009b2Jb", "x-name": "Zoë" };
  return withPair({ reply: () => ({ ...GOOD, headers }) }, async (rig) => {
    const response = await rig.ask();
    await response.text();
    expect([response.headers.get("x-note"), response.headers.get("x-name")]).toEqual([null, "Zoë"]);
  });
});
