import { expect, test } from "bun:test";
import { statSync, utimesSync, writeFileSync } from "node:fs";
import { FETCH_POLICIES, type FetchPolicy, openCacheFolder } from "../../src/catalog/cache.ts";
import { type CatalogOptions, loadCatalog } from "../../src/catalog/load-catalog.ts";
import { createFolderOf, writeFileAtomic } from "../../src/config/write.ts";
import { fingerprint, type Key } from "../../src/core/key.ts";
import { providerOf } from "../../src/core/settings/settings.ts";
import { modeOf, namesIn, tempFolder } from "../config/temp-folder.ts";
import { settingsOf } from "../core/catalog/sample-settings.ts";
import { modelList, NOT_FOUND, serveJson } from "./providers.ts";

const SECRET = "secret-of-work";
const KEY: Key = {
  provider: "work",
  name: "k",
  fingerprint: fingerprint(SECRET),
  secret: SECRET,
  enabled: true,
  source: "keys.toml",
  from: "keys.toml",
};

async function writeFile(file: string, text: string): Promise<void> {
  createFolderOf(file);
  await writeFileAtomic(file, text);
}

interface World {
  url: string;
  cacheDir: string;
  provider?: object;
  modelsDev?: object;
  options?: Partial<CatalogOptions>;
}

/** models.dev is off unless a test enables it. */
function load({ url, cacheDir, provider = {}, modelsDev, options = {} }: World) {
  const settings = settingsOf({
    providers: { work: { base_url: `${url}/v1`, ...provider } },
    models_dev: modelsDev === undefined ? { enabled: false } : { url: `${url}/api.json`, ...modelsDev },
  });
  const work = providerOf(settings, "work");
  return loadCatalog({
    settings,
    providers: work === undefined ? [] : [work],
    keys: [KEY],
    cacheDir,
    writeFile,
    policy: FETCH_POLICIES.list,
    ...options,
  });
}

const ids = ({ catalog }: Awaited<ReturnType<typeof load>>) => catalog.modelsOf("work").map(({ id }) => id);

function age(folder: string, ms: number): void {
  const then = new Date(Date.now() - ms);
  for (const name of namesIn(folder)) utimesSync(`${folder}/${name}`, then, then);
}

test("a live list is kept for the owner alone, and the key is not in it", async () => {
  using folder = tempFolder();
  await using server = serveJson(({ key }) =>
    Response.json([{ id: "a", description: `for ${key}`, owner: key }]),
  );
  const loaded = await load({ url: server.url, cacheDir: folder.in("cache") });
  expect(ids(loaded)).toEqual(["a"]);
  expect(loaded.lists[0]).toMatchObject({ from: "live", failure: undefined });
  const [name = ""] = namesIn(folder.in("cache"));
  const file = folder.in(`cache/${name}`);
  expect(modeOf(file)).toBe(0o600);
  expect(modeOf(folder.in("cache"))).toBe(0o700);
  const text = await Bun.file(file).text();
  expect(text).toContain('"a"');
  expect(text).not.toContain(SECRET);
});

test("what cannot be asked is taken from the cache, with its combos, and why is told", async () => {
  using folder = tempFolder();
  const server = serveJson(({ path }) =>
    path === "/v1/models"
      ? Response.json([
          { id: "daily", owned_by: "combo" },
          { id: "a-1", context_length: 7, tool_call: true },
        ])
      : Response.json([{ name: "daily", models: ["a-1"] }]),
  );
  const world = { url: server.url, cacheDir: folder.path };
  await load(world);
  await server[Symbol.asyncDispose]();
  age(folder.path, 60_000);
  const loaded = await load(world);
  expect(loaded.catalog.find("work/daily")).toMatchObject({ context: 7, toolCall: true, source: "live" });
  expect(loaded.lists[0]).toMatchObject({ from: "cache", failure: "it cannot be reached" });
  expect(loaded.lists[0]?.ageMs).toBeGreaterThan(59_000);
});

test("with no cache either, the models are those that the user wrote", async () => {
  using folder = tempFolder();
  await using server = serveJson(NOT_FOUND);
  const loaded = await load({ url: server.url, cacheDir: folder.path, provider: { models: ["mine-1"] } });
  expect(loaded.catalog.modelsOf("work")).toMatchObject([{ id: "mine-1", source: "config" }]);
  expect(loaded.lists[0]).toMatchObject({ from: "none", failure: "it answers with HTTP 404" });
  expect(namesIn(folder.path)).toEqual([]);
});

test.each<[name: string, refreshOnList: boolean, ageMs: number, calls: number]>([
  ["a fresh list is asked for again where that is wished", true, 0, 2],
  ["a fresh list is good enough where it is not", false, 0, 1],
  ["an old list is not", false, 6 * 60_000, 2],
  ["nor is one from the future", false, -6 * 60_000, 2],
])("%s", async (_name, refreshOnList, ageMs, calls) => {
  using folder = tempFolder();
  await using server = serveJson(() => modelList("a"));
  const world = { url: server.url, cacheDir: folder.path, provider: { refresh_on_list: refreshOnList } };
  await load(world);
  age(folder.path, ageMs);
  expect(ids(await load(world))).toEqual(["a"]);
  expect(server.calls).toHaveLength(calls);
});

test("a launch does not wait while there is a cache, and what comes late is there the next time", async () => {
  using folder = tempFolder();
  const held = Promise.withResolvers<Response>();
  let isHeld = false;
  await using server = serveJson(() => (isHeld ? held.promise : modelList("old")));
  const world = { url: server.url, cacheDir: folder.path, options: { policy: FETCH_POLICIES.launch } };
  expect(ids(await load(world))).toEqual(["old"]);
  age(folder.path, 3_600_000);
  isHeld = true;
  // If `load` waited for this response, the test would never end: the response is released below.
  const loaded = await load({
    ...world,
    options: { policy: { ...FETCH_POLICIES.launch, waitMs: waitsForever } },
  });
  expect(ids(loaded)).toEqual(["old"]);
  expect(loaded.lists[0]?.failure).toBeUndefined();
  held.resolve(modelList("new"));
  await loaded.settled;
  expect(ids(await load(world))).toEqual(["new"]);
});

function waitsForever(isCached: boolean): number {
  return FETCH_POLICIES.launch.waitMs(isCached) === 0 ? 0 : 2 ** 30;
}

test("a launch without a cache waits a second at most", () => {
  expect(FETCH_POLICIES.launch.waitMs(true)).toBe(0);
  expect(FETCH_POLICIES.launch.waitMs(false)).toBeLessThanOrEqual(1000);
});

test("a provider that keeps silent is not waited for any longer than allowed", async () => {
  using folder = tempFolder();
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using server = serveJson(() => promise);
  const policy: FetchPolicy = { ...FETCH_POLICIES.launch, waitMs: () => 5 };
  const loaded = await load({
    url: server.url,
    cacheDir: folder.path,
    provider: { models: ["mine-1"] },
    options: { policy },
  });
  expect(ids(loaded)).toEqual(["mine-1"]);
  expect(loaded.lists[0]?.failure).toBe("it does not answer in time");
  resolve(modelList("late"));
  await loaded.settled;
  const { catalog } = await load({ url: server.url, cacheDir: folder.path, options: { policy } });
  expect(catalog.find("work/late")?.source).toBe("live");
});

test("whose models are not needed at once is asked for the cache only", async () => {
  using folder = tempFolder();
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using server = serveJson(() => promise);
  const loaded = await load({
    url: server.url,
    cacheDir: folder.path,
    options: { policy: { ...FETCH_POLICIES.launch, waitMs: () => 2 ** 30 }, isWaitedFor: () => false },
  });
  expect(loaded.lists[0]).toMatchObject({ from: "none", failure: undefined });
  resolve(modelList("a"));
  await loaded.settled;
  expect(namesIn(folder.path)).toHaveLength(1);
});

test("all that is under way ends when the run does", async () => {
  using folder = tempFolder();
  const { promise } = Promise.withResolvers<Response>();
  const run = new AbortController();
  await using server = serveJson(() => promise);
  const loaded = await load({
    url: server.url,
    cacheDir: folder.path,
    options: { policy: { ...FETCH_POLICIES.launch, waitMs: () => 0 }, signal: run.signal },
  });
  run.abort();
  await loaded.settled;
  expect(namesIn(folder.path)).toEqual([]);
});

test("a spoiled cache is as good as none", async () => {
  using folder = tempFolder();
  await using server = serveJson(() => modelList("a"));
  const world = { url: server.url, cacheDir: folder.path, options: { policy: FETCH_POLICIES.launch } };
  await load(world);
  for (const text of ["", "{", "null", '{"data":"x"}']) {
    for (const name of namesIn(folder.path)) writeFileSync(folder.in(name), text);
    expect(ids(await load(world))).toEqual(["a"]);
  }
});

test("a provider that has moved has nothing in the cache", async () => {
  using folder = tempFolder();
  await using before = serveJson(() => modelList("before"));
  await load({ url: before.url, cacheDir: folder.path });
  const after = serveJson(NOT_FOUND);
  expect(ids(await load({ url: after.url, cacheDir: folder.path }))).toEqual([]);
  await after[Symbol.asyncDispose]();
});

test("a cache that cannot be written costs nobody their run", async () => {
  using folder = tempFolder();
  writeFileSync(folder.in("cache"), "a file where the folder should be");
  await using server = serveJson(() => modelList("a"));
  expect(ids(await load({ url: server.url, cacheDir: folder.in("cache") }))).toEqual(["a"]);
});

const API = { maker: { models: { "a-1": { limit: { context: 123 } } } } };

test("models.dev fills in what the provider leaves out, from a copy while that is fresh", async () => {
  using folder = tempFolder();
  await using server = serveJson(({ path }) =>
    path === "/api.json" ? Response.json(API) : modelList("a-1"),
  );
  const world = { url: server.url, cacheDir: folder.path, modelsDev: {} };
  expect((await load(world)).catalog.windowOf("work/a-1")).toBe(123);
  expect((await load(world)).catalog.windowOf("work/a-1")).toBe(123);
  expect(server.calls.filter(({ path }) => path === "/api.json")).toEqual([{ path: "/api.json", key: null }]);
});

test("an old copy of models.dev is better than none", async () => {
  using folder = tempFolder();
  let isGone = false;
  await using server = serveJson(({ path }) => {
    if (path !== "/api.json") return modelList("a-1");
    return isGone ? NOT_FOUND() : Response.json(API);
  });
  const world = { url: server.url, cacheDir: folder.path, modelsDev: { cache_ttl: "0s" } };
  await load(world);
  isGone = true;
  const loaded = await load(world);
  expect(loaded.catalog.windowOf("work/a-1")).toBe(123);
  expect(loaded.modelsDevFailure).toBe("it answers with HTTP 404");
});

test("models.dev is left alone where the user does not want it", async () => {
  using folder = tempFolder();
  await using server = serveJson(({ path }) =>
    path === "/api.json" ? Response.json(API) : modelList("a-1"),
  );
  const loaded = await load({ url: server.url, cacheDir: folder.path, modelsDev: { enabled: false } });
  expect(loaded.catalog.windowOf("work/a-1")).toBeUndefined();
  expect(server.calls.map(({ path }) => path)).toEqual(["/v1/models"]);
});

test("a user's alias of a provider is heeded", async () => {
  using folder = tempFolder();
  const api = {
    maker: { models: { "one-1": { limit: { context: 1 } } } },
    other: { models: { "one-1": { limit: { context: 2 } } } },
  };
  await using server = serveJson(({ path }) =>
    path === "/api.json" ? Response.json(api) : modelList("zz/one-1"),
  );
  const modelsDev = { provider_aliases: { zz: "other" } };
  const loaded = await load({ url: server.url, cacheDir: folder.path, modelsDev });
  expect(loaded.catalog.windowOf("work/zz/one-1")).toBe(2);
});

test("providers are asked at once, and none holds up the others", async () => {
  using folder = tempFolder();
  const second = Promise.withResolvers<void>();
  // The first answers only after the second was asked: sequential requests would never end.
  await using first = serveJson(async () => {
    await second.promise;
    return modelList("a");
  });
  await using other = serveJson(() => {
    second.resolve();
    return modelList("b");
  });
  const settings = settingsOf({
    models_dev: { enabled: false },
    providers: { one: { base_url: first.url }, two: { base_url: other.url } },
  });
  const { catalog } = await loadCatalog({
    settings,
    providers: ["one", "two"].flatMap((id) => providerOf(settings, id) ?? []),
    keys: [],
    cacheDir: folder.path,
    writeFile,
    policy: { ...FETCH_POLICIES.list, waitMs: () => 2 ** 30, limitMs: 2 ** 30 },
  });
  expect([catalog.modelsOf("one"), catalog.modelsOf("two")]).toMatchObject([[{ id: "a" }], [{ id: "b" }]]);
});

test("clearing removes our files and no others", async () => {
  using folder = tempFolder();
  await using server = serveJson(({ path }) =>
    path === "/api.json" ? Response.json(API) : modelList("a-1"),
  );
  await load({ url: server.url, cacheDir: folder.path, modelsDev: {} });
  writeFileSync(folder.in("notes.json"), "mine");
  expect(await openCacheFolder(folder.path, writeFile).clear()).toBe(2);
  expect(namesIn(folder.path)).toEqual(["notes.json"]);
  expect(await openCacheFolder(folder.in("none"), writeFile).clear()).toBe(0);
});

test("a provider's name cannot lead out of the folder", async () => {
  using folder = tempFolder();
  const cache = openCacheFolder(folder.in("cache"), writeFile);
  await cache.write("../../evil", "about", "text");
  expect(namesIn(folder.path)).toEqual(["cache"]);
  expect((await cache.read("../../evil", "about"))?.text).toBe("text");
  expect(await cache.read("../../evil", "else")).toBeUndefined();
  expect(statSync(folder.in("cache")).isDirectory()).toBe(true);
});
