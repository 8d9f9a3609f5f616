import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import { endOf, type WorldOptions, withWorld } from "./fault-world.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import { answer, TEXT } from "./wire.ts";

const TLS = join(import.meta.dir, "fixtures", "tls");
const AUTHORITY = { NODE_EXTRA_CA_CERTS: join(TLS, "authority.pem") };

test.each([301, 302, 303, 307, 308])(
  "a redirect (%d) to another host, or to another port, takes no key there",
  (status) =>
    withWorld({}, async ({ ask, upstream, records }) => {
      // It would answer correctly, and records everything it receives.
      const other = await startRawUpstream({ onCall: ({ socket }) => answer(socket) });
      try {
        for (const host of ["127.0.0.1", "localhost"]) {
          const location = `http://${host}:${other.port}/v1/chat/completions`;
          upstream.answerWith(({ socket }) =>
            socket.write(
              `HTTP/1.1 ${status} Elsewhere\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`,
            ),
          );
          const told = await ask();
          expect(endOf(told)).toBe("last-word");
          expect(told.raw).not.toContain("secret-");
        }
        expect([other.calls.length, other.open()]).toEqual([0, 0]);
        const [first] = await records(1);
        expect(first?.messages).toEqual([
          expect.stringContaining(`redirects to http://127.0.0.1:${other.port}; correct its base_url`),
        ]);
      } finally {
        await other.stop();
      }
    }),
);

const CERTIFICATE = "The service's certificate could not be verified.";

const tls = (name: string): TlsOptions => ({
  cert: readFileSync(join(TLS, `${name}.pem`)),
  key: readFileSync(join(TLS, "server.key")),
});

test.each(["self-signed", "expired", "other-name"])(
  "a certificate that is %s is said, and the key is not sent",
  (name) =>
    withWorld({ tls: tls(name), env: AUTHORITY }, async ({ ask, upstream, records }) => {
      expect(endOf(await ask())).toBe("last-word");
      expect(upstream.calls).toEqual([]);
      const [record] = await records(1);
      expect([record?.outcome, new Set(record?.messages)]).toEqual(["exhausted", new Set([CERTIFICATE])]);
    }),
);

test("a certificate of an authority that NODE_EXTRA_CA_CERTS names is good", () =>
  withWorld({ tls: tls("good"), env: AUTHORITY }, async ({ ask }) => {
    expect((await ask()).text).toBe(TEXT);
  }));

/** The reply of a plain HTTP server to a TLS handshake. */
function speakHttp(socket: Socket): boolean {
  socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
  return true;
}

test.each<[what: string, options: WorldOptions, scheme: "http" | "https"]>([
  ["https is asked for and plain HTTP is spoken", { onConnection: speakHttp }, "https"],
  ["plain HTTP is asked for and TLS is spoken", { tls: tls("good") }, "http"],
])("where %s, the last word comes at once", (_what, options, scheme) =>
  startRawUpstream({ onCall: ({ socket }) => answer(socket), ...options }).then((other) =>
    withWorld({ baseUrl: `${scheme}://127.0.0.1:${other.port}/v1` }, async ({ ask }) => {
      expect(endOf(await ask())).toBe("last-word");
      expect(other.calls).toEqual([]);
    }).finally(other.stop),
  ),
);

test("a name that nobody knows, and a port where nobody listens, are told apart", async () => {
  const closed = await startRawUpstream({ onCall: () => {} });
  await closed.stop();
  const places: [baseUrl: string, message: string][] = [
    ["http://no-such-host.invalid/v1", "Name lookup failed."],
    [closed.baseUrl, "The service refused the connection."],
  ];
  for (const [baseUrl, message] of places) {
    await withWorld({ baseUrl }, async ({ ask, records }) => {
      expect(endOf(await ask())).toBe("last-word");
      expect(new Set((await records(1))[0]?.messages)).toEqual(new Set([message]));
    });
  }
});
