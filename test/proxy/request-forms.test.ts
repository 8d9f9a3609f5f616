import { expect, test } from "bun:test";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { type Rig, withPair } from "./rig.ts";

const GOOD = { kind: "answer", text: "fine" } as const;

/** Sends a request as bytes and returns the status line and the head of the reply. */
async function rawHead(rig: Rig, line: string, ...more: string[]): Promise<string> {
  const { hostname, port, host } = new URL(rig.url);
  const closed = Promise.withResolvers<string>();
  const parts: Buffer[] = [];
  const socket = connect(Number(port), hostname);
  socket.on("data", (bytes: Buffer) => parts.push(bytes));
  socket.on("close", () => closed.resolve(Buffer.concat(parts).toString()));
  const head = [line, `host: ${host}`, `authorization: Bearer ${rig.token}`, "connection: close", ...more];
  socket.end(`${head.join("\r\n")}\r\n\r\n`);
  return (await closed.promise).split("\r\n\r\n")[0] ?? "";
}

test.each(["TRACE", "CONNECT", "OPTIONS", "PURGE", "PROPFIND"])(
  "the method %s reaches no provider, whatever the path",
  (method) =>
    withPair({ reply: () => GOOD }, async (rig, upstream) => {
      for (const path of ["/a/v1/files", "/v1/chat/completions", "/_orouter/state", "/else"]) {
        const head = await rawHead(rig, `${method} ${path} HTTP/1.1`);
        expect(head).toStartWith("HTTP/1.1 405");
        expect(head.toLowerCase()).toContain("allow: get, head, post, put, patch, delete");
      }
      expect(upstream.calls).toEqual([]);
    }),
);

test.each(["GET", "HEAD", "PUT", "PATCH", "DELETE"])(
  "the method %s reaches the provider in the path",
  (method) =>
    withPair({ reply: () => GOOD }, async (rig, upstream) => {
      await (await rig.fetch("/a/v1/files/file-1", { method })).text();
      expect(upstream.calls.map((call) => [call.method, call.key])).toEqual([[method, "secret-one"]]);
    }),
);

test("a WebSocket is refused at once with 426, so that Codex goes on with POST", () =>
  withPair({ reply: () => GOOD, profile: "by user-agent" }, async (rig, upstream) => {
    for (const path of ["/v1/responses", "/a/v1/responses"]) {
      const head = await rawHead(
        rig,
        `GET ${path} HTTP/1.1`,
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
      );
      expect(head).toStartWith("HTTP/1.1 426");
    }
    expect(upstream.calls).toEqual([]);
  }));

test.each(["gzip", "zstd", "br"])(
  "a body packed with %s is refused with 415, by its encoding and not for its model",
  (encoding) =>
    withPair({ reply: () => GOOD }, async (rig, upstream) => {
      const body = gzipSync(JSON.stringify({ model: "chain", messages: [] }));
      const told = await rig.fetch("/v1/chat/completions", {
        method: "POST",
        body,
        headers: { "content-encoding": encoding },
      });
      expect([told.status, await told.text()]).toEqual([415, expect.stringContaining("compressed")]);
      expect(upstream.calls).toEqual([]);
    }),
);

test("the run's token reaches no provider, under whatever name of a header or of the query", () =>
  withPair({ reply: () => GOOD }, async (rig, upstream) => {
    const { token } = rig;
    const names = ["x-goog-api-key", "api-key", "x-api-key", "x-orouter-token", "x-own", "xi-api-key"];
    const headers = {
      ...Object.fromEntries(names.map((name) => [name, token])),
      "x-second": `Bearer ${token}`,
      "x-mine": "stays",
    };
    const query = `?key=${token}&alt=sse&token=${encodeURIComponent(token)}&${token}=1`;
    await (await rig.ask({ path: `/a/v1/chat/completions${query}`, model: "first", headers })).text();
    const [call] = upstream.calls;
    expect(JSON.stringify([call?.headers, call?.path, call?.body])).not.toContain(token);
    expect([...(call?.headers ?? new Headers())].flat().join()).not.toContain(token);
    expect(call?.headers.get("x-mine")).toBe("stays");
    const inPath = await rig.fetch(`/a/v1/files/${token}`);
    expect([inPath.status, upstream.calls.length]).toEqual([400, 1]);
  }));
