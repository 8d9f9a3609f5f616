export interface SeenCall {
  path: string;
  key: string | null;
}

/** Answers each path as the test says, and records the requests. */
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

export function modelList(...ids: string[]): Response {
  return Response.json({ object: "list", data: ids.map((id) => ({ id, object: "model" })) });
}

export const NOT_FOUND = () => new Response("404 page not found", { status: 404 });
