import { expect, test } from "bun:test";
import { join } from "node:path";

test("HTTP_PROXY gets no call to this machine, however its address is written", async () => {
  const heard: string[] = [];
  using proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url, headers }) => {
      heard.push(`${url} ${headers.get("authorization")}`);
      return new Response("through the proxy");
    },
  });
  using four = Bun.serve({ port: 0, hostname: "0.0.0.0", fetch: () => new Response("direct") });
  using six = Bun.serve({ port: 0, hostname: "::", ipv6Only: true, fetch: () => new Response("direct") });
  const urls = [
    ...["127.0.0.1", "127.0.0.2", "127.255.1.9", "0.0.0.0", "localhost", "LOCALHOST"].map(
      (host) => `${host}:${four.port}`,
    ),
    ...["[::1]", "[0:0:0:0:0:0:0:1]", "[::]"].map((host) => `${host}:${six.port}`),
  ].map((authority) => `http://${authority}/v1/models`);
  const script = `
import { keepLoopbackDirect } from ${JSON.stringify(join(import.meta.dir, "../../src/commands/catalog.ts"))};
keepLoopbackDirect(process.env);
const said = [];
for (const url of ${JSON.stringify(urls)}) said.push(await (await fetch(url, { headers: { authorization: "Bearer planted" } })).text());
console.log(JSON.stringify(said));`;
  const at = `http://127.0.0.1:${proxy.port}`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { PATH: process.env["PATH"] ?? "", HTTP_PROXY: at, http_proxy: at, NO_PROXY: "intranet.example" },
    stdout: "pipe",
  });
  expect(JSON.parse(await child.stdout.text())).toEqual(urls.map(() => "direct"));
  expect(heard).toEqual([]);
});
