import { expect, test } from "bun:test";
import { askProvider } from "../../src/catalog/model-lists.ts";
import { modelList, NOT_FOUND, type SeenCall, serveJson } from "./providers.ts";

const ANY_TIME = new AbortController().signal;

function ask(url: string, secrets: string[] = ["secret-1"], id = "work") {
  return askProvider({ id, baseUrl: `${url}/v1`, api: "chat", auth: "bearer" }, secrets, ANY_TIME);
}

test("a provider is asked for its models with its key", async () => {
  await using server = serveJson(() => modelList("a", "b"));
  const answer = await ask(server.url);
  expect(answer).toMatchObject({ kind: "list", list: { models: [{ id: "a" }, { id: "b" }], combos: [] } });
  expect(server.calls).toEqual([{ path: "/v1/models", key: "secret-1" }]);
});

test("an open list is had without a key", async () => {
  await using server = serveJson(() => modelList("a"));
  expect((await ask(server.url, [])).kind).toBe("list");
  expect(server.calls).toEqual([{ path: "/v1/models", key: null }]);
});

test("a key that is refused makes room for the next one", async () => {
  await using server = serveJson(({ key }) =>
    key === "secret-3" ? modelList("a") : new Response("no", { status: key === "secret-1" ? 401 : 403 }),
  );
  expect((await ask(server.url, ["secret-1", "secret-2", "secret-3", "secret-4"])).kind).toBe("list");
  expect(server.calls.map(({ key }) => key)).toEqual(["secret-1", "secret-2", "secret-3"]);
});

test.each<[name: string, answer: () => Response, message: string]>([
  ["a refusal", () => new Response("no", { status: 401 }), "it answers with HTTP 401"],
  ["a missing list", NOT_FOUND, "it answers with HTTP 404"],
  ["a page", () => new Response("<html>"), "its answer is no JSON"],
  ["another JSON", () => Response.json({ hello: "world" }), "it lists no models"],
  ["an empty list", () => modelList(), "it lists no models"],
])("%s is a failure in plain words", async (_name, reply, message) => {
  await using server = serveJson(reply);
  expect(await ask(server.url)).toEqual({ kind: "failed", message });
});

test("a server that is not there is a failure, too", async () => {
  const server = serveJson(() => modelList("a"));
  await server[Symbol.asyncDispose]();
  expect(await ask(server.url)).toEqual({ kind: "failed", message: "it cannot be reached" });
});

test("a key does not follow a redirect", async () => {
  await using elsewhere = serveJson(() => modelList("a"));
  await using server = serveJson(() => Response.redirect(`${elsewhere.url}/v1/models`));
  expect(await ask(server.url)).toEqual({ kind: "failed", message: "it answers with HTTP 302" });
  expect(elsewhere.calls).toEqual([]);
});

const combo = { name: "daily", models: ["a"] };

function omniRoute(combos: () => Response) {
  return ({ path }: SeenCall): Response =>
    path === "/v1/models" ? modelList("daily", "a") : path === "/api/combos" ? combos() : NOT_FOUND();
}

test.each<[name: string, combos: () => Response]>([
  ["under combos", () => Response.json({ combos: [combo] })],
  ["as a bare list", () => Response.json([combo])],
])("OmniRoute's combos lie at the root, %s", async (_name, combos) => {
  await using server = serveJson(omniRoute(combos));
  expect(await ask(server.url, ["secret-1"], "omniroute")).toMatchObject({
    list: { combos: [{ name: "daily", members: ["a"] }] },
  });
});

test.each([401, 403, 404, 500])("combos that answer %d are done without", async (status) => {
  await using server = serveJson(omniRoute(() => Response.json({ error: "Forbidden" }, { status })));
  expect(await ask(server.url, ["secret-1"], "omniroute")).toMatchObject({
    kind: "list",
    list: { models: [{ id: "daily" }, { id: "a" }], combos: [] },
  });
});

test("another provider is asked for combos only when its list names one", async () => {
  await using server = serveJson(({ path }) =>
    path === "/v1/models" ? Response.json([{ id: "daily", owned_by: "combo" }]) : Response.json([combo]),
  );
  expect(await ask(server.url)).toMatchObject({ list: { combos: [{ name: "daily" }] } });
});
