import { once } from "node:events";
import { createServer } from "node:http";
import type { Reply } from "../../src/demo/reply.ts";
import { fastEnv, startRig, withPair } from "./rig.ts";

/** Runs as its own process: breaks a proxy's upstreams in every way; the proxy must print nothing. */
const ANSWER = { kind: "answer", text: "one two three four" } as const;

const BREAKS: Reply[] = [
  { kind: "reset" },
  { ...ANSWER, cut: { afterTokens: 2, how: "reset" } },
  { ...ANSWER, cut: { afterTokens: 2, how: "close" } },
  { ...ANSWER, cut: { afterTokens: 2, how: "end" } },
  { ...ANSWER, cut: { afterTokens: 2, how: "error-event" } },
  { ...ANSWER, badJsonAt: 2 },
  { kind: "error", status: 200, body: "<html></html>" },
  {
    kind: "raw",
    status: 200,
    headers: { "content-type": "application/json", "content-length": "999" },
    chunks: ['{"a'],
    end: "reset",
  },
  { kind: "raw", status: 500, headers: { "content-length": "999" }, chunks: ["half"], end: "close" },
  {
    kind: "raw",
    status: 200,
    headers: { "content-type": "text/event-stream", "content-encoding": "gzip" },
    chunks: ["no gzip at all"],
  },
];

const config = { routing: { resume: false, patience: "0s", max_wait: "0s" } };

for (const broken of BREAKS) {
  for (const stream of [true, false]) {
    await withPair({ reply: () => broken, config, env: fastEnv(50) }, async (rig) => {
      await rig.ask({ stream }).then((response) => response.text());
      const body = rig.fetch("/a/v1/audio/speech", { method: "POST", body: "{}" });
      await body.then((response) => response.text());
    });
  }
}

// A body passed through that breaks, and clients that leave at every point.
const server = createServer((_request, response) => {
  response.writeHead(200, { "content-type": "audio/mpeg" });
  response.write("some");
  setTimeout(() => response.destroy(), 20);
}).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as { port: number };
await withPair(
  { reply: () => ANSWER, config: { providers: { a: { base_url: `http://127.0.0.1:${port}` } } } },
  async (rig) => {
    await rig
      .fetch("/a/v1/audio/speech", { method: "POST", body: "{}" })
      .then((response) => response.text())
      .catch(() => {});
    for (const ms of [0, 5, 30]) {
      const leaving = new AbortController();
      const asked = rig.ask({ signal: leaving.signal }).then((response) => response.text());
      await Bun.sleep(ms);
      leaving.abort();
      await asked.catch(() => {});
    }
  },
);
server.closeAllConnections();
server.close();

// No listener, an unknown host, and an invalid certificate.
for (const address of ["http://127.0.0.1:9", "http://no.such.name.invalid", "https://127.0.0.1:9"]) {
  const rig = startRig({
    config: { ...config, chains: { chain: ["a/m"] }, providers: { a: { base_url: address } } },
    keys: { a: ["one"] },
    env: fastEnv(50),
  });
  await (await rig.ask()).text();
  await rig.stop();
}
