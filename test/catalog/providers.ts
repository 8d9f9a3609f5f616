/** A call that a server of a test has seen. */
export interface SeenCall {
  path: string;
  key: string | null;
}

/** A server that answers each path with what a test says, and tells what it was asked. */
export function serveJson(answer: (call: SeenCall) => Response | Promise<Response>) {
  const calls: SeenCall[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      const call = {
        path: new URL(request.url).pathname,
        key: request.headers.get("authorization")?.replace("Bearer ", "") ?? null,
      };
      calls.push(call);
      return answer(call);
    },
  });
  return {
    calls,
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** An answer to `GET /v1/models`. */
export function modelList(...ids: string[]): Response {
  return Response.json({ object: "list", data: ids.map((id) => ({ id, object: "model" })) });
}

export const NOT_FOUND = () => new Response("404 page not found", { status: 404 });
