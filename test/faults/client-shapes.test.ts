import { expect, test } from "bun:test";
import { promptBody, withWorld } from "./fault-world.ts";
import { rawClient } from "./raw-client.ts";
import { TEXT } from "./wire.ts";

const BODY = promptBody();
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
const LENGTH = `Content-Length: ${BODY.length}`;
const TARGET = "/v1/chat/completions";

/** A request as raw bytes. */
interface Shape {
  line?: string;
  host?: string[];
  head: string[];
  body: string;
  /** The statuses of the responses, in order. */
  statuses: number[];
  /** How many calls to the provider may result. */
  calls: 0 | 1;
}

/** Two requests in one, or one that two parsers would read differently. */
function shapes(own: string, smuggled: string): Record<string, Shape> {
  const refused: Pick<Shape, "statuses" | "calls"> = { statuses: [400], calls: 0 };
  const both = BODY.length + smuggled.length;
  return {
    "an ordinary request": { head: [LENGTH], body: BODY, statuses: [200], calls: 1 },
    "a chunked request": { head: ["Transfer-Encoding: chunked"], body: CHUNKED, statuses: [200], calls: 1 },
    "a length and chunks": { head: [LENGTH, "Transfer-Encoding: chunked"], body: CHUNKED, ...refused },
    "a short length, chunks, and another request": {
      head: ["Content-Length: 4", "Transfer-Encoding: chunked"],
      body: CHUNKED + smuggled,
      ...refused,
    },
    "a long length, chunks, and another request": {
      head: [`Content-Length: ${CHUNKED.length + smuggled.length}`, "Transfer-Encoding: chunked"],
      body: CHUNKED + smuggled,
      ...refused,
    },
    "two lengths, and another request": {
      head: [`Content-Length: ${both}`, LENGTH],
      body: BODY + smuggled,
      ...refused,
    },
    "two lengths, the other way round": {
      head: [LENGTH, `Content-Length: ${both}`],
      body: BODY + smuggled,
      ...refused,
    },
    "the same length twice": { head: [LENGTH, LENGTH], body: BODY, statuses: [200], calls: 1 },
    "a list of lengths": { head: [`${LENGTH}, ${BODY.length}`], body: BODY, ...refused },
    "a length with a sign": { head: [`Content-Length: +${BODY.length}`], body: BODY, ...refused },
    "a length in hexadecimal": { head: ["Content-Length: 0x5d"], body: BODY, ...refused },
    "a length beyond all numbers": { head: ["Content-Length: 99999999999999999999"], body: BODY, ...refused },
    "chunks and something else": {
      head: ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
      body: CHUNKED,
      ...refused,
    },
    "an encoding that is none": { head: ["Transfer-Encoding: xchunked"], body: CHUNKED, ...refused },
    "a blank before the colon": { head: ["Transfer-Encoding : chunked"], body: CHUNKED, ...refused },
    "a chunk whose length is none": {
      head: ["Transfer-Encoding: chunked"],
      body: `zz\r\n${BODY}\r\n0\r\n\r\n`,
      ...refused,
    },
    "a chunk beyond all numbers": {
      head: ["Transfer-Encoding: chunked"],
      body: `fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`,
      ...refused,
    },
    "a folded header": { head: ["X-Note: a\r\n Content-Length: 4", LENGTH], body: BODY, ...refused },
    "a folded encoding": { head: ["Transfer-Encoding:\r\n chunked", LENGTH], body: CHUNKED, ...refused },
    "a bare LF in the head": { head: [`X-Note: a\n${LENGTH}`], body: BODY, ...refused },
    "a bare CR in the head": { head: ["X-Note: a\rContent-Length: 4", LENGTH], body: BODY, ...refused },
    "a NUL in the head": { head: ["X-Note: a\0b", LENGTH], body: BODY, ...refused },
    "a header without a colon": { head: ["nonsense", LENGTH], body: BODY, ...refused },
    "a header with a blank in its name": { head: ["X Note: a", LENGTH], body: BODY, ...refused },
    "a method with a blank": { line: `PO ST ${TARGET} HTTP/1.1`, head: [LENGTH], body: BODY, ...refused },
    "a version that does not exist": {
      line: `POST ${TARGET} HTTP/9.9`,
      head: [LENGTH],
      body: BODY,
      statuses: [505],
      calls: 0,
    },
    "the preface of HTTP/2": { line: "PRI * HTTP/2.0", host: [], head: [], body: "SM\r\n\r\n", ...refused },
    "a whole address with a foreign Host": {
      line: `POST http://${own}${TARGET} HTTP/1.1`,
      host: ["evil.example"],
      head: [LENGTH],
      body: BODY,
      statuses: [403],
      calls: 0,
    },
    "a foreign address as a whole": {
      line: `POST http://evil.example${TARGET} HTTP/1.1`,
      host: ["evil.example"],
      head: [LENGTH],
      body: BODY,
      statuses: [403],
      calls: 0,
    },
    // Only the path is used: the request goes to the address in config.toml.
    "a foreign address with our Host": {
      line: `POST http://evil.example${TARGET} HTTP/1.1`,
      head: [LENGTH],
      body: BODY,
      statuses: [200],
      calls: 1,
    },
    "a tunnel": { line: "CONNECT evil.example:443 HTTP/1.1", head: [], body: "", statuses: [405], calls: 0 },
    "no Host": { host: [], head: [LENGTH], body: BODY, ...refused },
    "no Host in HTTP/1.0": {
      line: `POST ${TARGET} HTTP/1.0`,
      host: [],
      head: [LENGTH],
      body: BODY,
      statuses: [403],
      calls: 0,
    },
    "two Hosts": { host: [own, "evil.example"], head: [LENGTH], body: BODY, statuses: [403], calls: 0 },
    "two Hosts, the other way round": {
      host: ["evil.example", own],
      head: [LENGTH],
      body: BODY,
      statuses: [403],
      calls: 0,
    },
    "two tokens": { head: ["Authorization: Bearer another", LENGTH], body: BODY, statuses: [401], calls: 0 },
    "a request line of 100 000 bytes": {
      line: `POST ${TARGET}?${"a".repeat(100_000)} HTTP/1.1`,
      head: [LENGTH],
      body: BODY,
      statuses: [431],
      calls: 0,
    },
    "a header of 100 000 bytes": {
      head: [`X-Note: ${"a".repeat(100_000)}`, LENGTH],
      body: BODY,
      statuses: [431],
      calls: 0,
    },
    "three thousand headers": {
      head: [...Array(3000).fill("A: b"), LENGTH],
      body: BODY,
      statuses: [431],
      calls: 0,
    },
    "a line break in the query": {
      line: `POST ${TARGET}?a=%0d%0aX-Evil:%201 HTTP/1.1`,
      head: [LENGTH],
      body: BODY,
      statuses: [200],
      calls: 1,
    },
    "a request as the body of one without a body": {
      line: "GET /ollama-cloud/v1/files HTTP/1.1",
      head: [`Content-Length: ${smuggled.length}`],
      body: smuggled,
      statuses: [200],
      calls: 1,
    },
    // The first one closes the connection, and the second is lost with it.
    "two requests at once": { head: [LENGTH], body: BODY + smuggled, statuses: [200], calls: 1 },
  };
}

test("requests that could be read in two ways are refused or harmless, and never two calls", () =>
  withWorld({}, async ({ serve, upstream, ask }) => {
    const own = new URL(serve.url).host;
    const token = `Authorization: Bearer ${serve.token}`;
    const smuggled = [
      `POST ${TARGET} HTTP/1.1`,
      `Host: ${own}`,
      token,
      LENGTH,
      "X-Smuggled: yes",
      "",
      BODY,
    ].join("\r\n");
    const seen: Record<string, unknown> = {};
    const wanted: Record<string, unknown> = {};
    for (const [what, shape] of Object.entries(shapes(own, smuggled))) {
      const before = upstream.calls.length;
      const client = await rawClient(serve);
      const hosts = (shape.host ?? [own]).map((host) => `Host: ${host}`);
      // The error is sent before the connection is closed.
      const head = [
        shape.line ?? `POST ${TARGET} HTTP/1.1`,
        ...hosts,
        token,
        "Connection: close",
        ...shape.head,
      ];
      client.socket.write(`${head.join("\r\n")}\r\n\r\n${shape.body}`);
      await client.closed;
      const calls = upstream.calls.slice(before);
      seen[what] = [
        [...client.got().matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1])),
        calls.length,
      ];
      wanted[what] = [shape.statuses, shape.calls];
      expect(calls.map((call) => call.head).join("\n")).not.toMatch(/smuggled|evil\.example|^x-evil/im);
    }
    expect(seen).toEqual(wanted);
    expect((await ask()).text).toBe(TEXT);
  }));
