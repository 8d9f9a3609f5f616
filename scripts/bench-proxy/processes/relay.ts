/** The least that a relay made of Bun.serve and fetch can be: no check, no choice, no look at anything. */
const [port = "0", upstream = ""] = process.argv.slice(2);

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  idleTimeout: 0,
  development: false,
  fetch: async (req) => {
    const { pathname } = new URL(req.url);
    const reply = await fetch(`${upstream}${pathname}`, {
      method: req.method,
      headers: { "content-type": "application/json", authorization: req.headers.get("authorization") ?? "" },
      body: await req.arrayBuffer(),
      signal: req.signal,
    });
    const headers = { "content-type": reply.headers.get("content-type") ?? "" };
    return new Response(reply.body, { status: reply.status, headers });
  },
});
